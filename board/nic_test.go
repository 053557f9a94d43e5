package board

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// network is a kernel of software with one or more devices.
type network struct {
	devices map[string]*device
}

type device struct {
	index     int
	lower     string
	driver    string
	info      *unix.EthtoolTsInfo // nil: EOPNOTSUPP
	set       Stamping
	noGet     bool
	takes     func(Stamping) (Stamping, error)
	asked     []Stamping
	sysfsName string
	link      Link
}

var errGone = error(unix.ENODEV)

func (n *network) find(name string) (*device, error) {
	if d, ok := n.devices[name]; ok {
		return d, nil
	}
	return nil, errGone
}

func (n *network) index(name string) (int, error) {
	d, err := n.find(name)
	if err != nil {
		return 0, err
	}
	return d.index, nil
}

func (n *network) nameOf(index int) (string, error) {
	for name, d := range n.devices {
		if d.index == index {
			return name, nil
		}
	}
	return "", unix.ENXIO
}

func (n *network) lower(name string) (string, error) {
	d, err := n.find(name)
	if err != nil {
		return "", err
	}
	return d.lower, nil
}

func (n *network) driver(name string) (string, error) {
	d, err := n.find(name)
	if err != nil {
		return "", err
	}
	return d.driver, nil
}

func (n *network) tsInfo(name string) (unix.EthtoolTsInfo, error) {
	d, err := n.find(name)
	switch {
	case err != nil:
		return unix.EthtoolTsInfo{}, err
	case d.info == nil:
		return unix.EthtoolTsInfo{}, unix.EOPNOTSUPP
	}
	return *d.info, nil
}

func (n *network) stamping(name string) (Stamping, error) {
	d, err := n.find(name)
	switch {
	case err != nil:
		return Stamping{}, err
	case d.noGet:
		return Stamping{}, unix.EOPNOTSUPP
	}
	return d.set, nil
}

func (n *network) setStamping(name string, s Stamping) (Stamping, error) {
	d, err := n.find(name)
	if err != nil {
		return Stamping{}, err
	}
	d.asked = append(d.asked, s)
	granted, err := d.takes(s)
	if err == nil {
		d.set = granted
	}
	return granted, err
}

func (n *network) clockOf(name string) string {
	d, err := n.find(name)
	if err != nil {
		return ""
	}
	return d.sysfsName
}

func (n *network) link(name string) (Link, error) {
	d, err := n.find(name)
	if err != nil {
		return Link{}, err
	}
	return d.link, nil
}

func (n *network) close() error { return nil }

const (
	hardwareStamps = unix.SOF_TIMESTAMPING_TX_HARDWARE | unix.SOF_TIMESTAMPING_RX_HARDWARE | unix.SOF_TIMESTAMPING_RAW_HARDWARE
	softwareStamps = unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE
)

// The drivers' answers, as Linux 6.12 gives them.
var (
	onlyOn = func(allowed ...RxFilter) func(Stamping) (Stamping, error) {
		return func(s Stamping) (Stamping, error) {
			if s.Tx > TxStamp {
				return Stamping{}, unix.ERANGE
			}
			for _, f := range allowed {
				if f == s.Rx {
					return s, nil
				}
			}
			return Stamping{}, unix.ERANGE
		}
	}
	// fec: whatever filter is asked for, all is stamped.
	fecTakes = func(s Stamping) (Stamping, error) {
		if s.Tx > TxStamp {
			return Stamping{}, unix.ERANGE
		}
		if s.Rx != RxNone {
			s.Rx = RxAll
		}
		return s, nil
	}
	phyTakes = func(s Stamping) (Stamping, error) { return s, nil }
)

func tsInfo(stamps uint32, phc int32, tx, rx uint32) *unix.EthtoolTsInfo {
	return &unix.EthtoolTsInfo{So_timestamping: stamps, Phc_index: phc, Tx_types: tx, Rx_filters: rx}
}

func fecDevice() *device {
	return &device{index: 2, driver: "fec", info: tsInfo(hardwareStamps|softwareStamps, 0, 0b11, 0b11), takes: fecTakes, link: Link{Carrier: true}}
}

func cpswDevice() *device {
	return &device{index: 2, driver: "cpsw-switch", info: tsInfo(hardwareStamps|softwareStamps, 0, 0b11, 1|1<<RxPTPv2Event),
		takes: onlyOn(RxNone, RxPTPv2L4Event, RxPTPv2L2Event, RxPTPv2Event), link: Link{Carrier: true}}
}

func phyDevice() *device {
	return &device{index: 2, driver: "macb", info: tsInfo(hardwareStamps|softwareStamps, 3, 0b111, 1|1<<RxPTPv2L4Event), takes: phyTakes}
}

func vethDevice() *device {
	return &device{index: 2, driver: "veth", info: tsInfo(softwareStamps, -1, 0, 0),
		takes: func(Stamping) (Stamping, error) { return Stamping{}, unix.EOPNOTSUPP }}
}

func openFake(t *testing.T, name string, devices map[string]*device) (*NIC, *network) {
	t.Helper()
	kernel := &network{devices}
	n, err := newNIC(name, kernel)
	if err != nil {
		t.Fatal(err)
	}
	return n, kernel
}

func profileOf(t *testing.T, name string) Profile {
	t.Helper()
	p, ok := ProfileOf(name)
	if !ok {
		t.Fatalf("no profile %q", name)
	}
	return p
}

// What stamps a unicast Sync on each board.
func TestWhereEachBoardsTransmitStampsComeFrom(t *testing.T) {
	for _, tc := range []struct {
		name    string
		device  *device
		profile string
		source  StampSource
	}{
		{"FEC", fecDevice(), "imx6ul", StampHardware},
		{"AM335x", cpswDevice(), "beaglebone-black", StampTwin},
		{"AM335x known by its driver", cpswDevice(), "generic", StampTwin},
		{"a PHY that writes the time", phyDevice(), "generic", StampHardware},
		{"a PHY on a board without unicast", phyDevice(), "beaglebone-black", StampTwin},
		{"veth", vethDevice(), "generic", StampSoftware},
		{"veth under a profile that hopes for more", vethDevice(), "imx6ul", StampSoftware},
		{"no stamps at all", &device{index: 2}, "generic", StampNone},
	} {
		n, _ := openFake(t, "eth0", map[string]*device{"eth0": tc.device})
		a, err := n.Abilities()
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if got := profileOf(t, tc.profile).Refine(a).TransmitStamps(); got != tc.source {
			t.Errorf("%s: stamps from %s, want %s", tc.name, got, tc.source)
		}
	}
}

// One-step is asked for first; ERANGE means no, and a filter that is refused is
// asked for in the forms that drivers know.
func TestSetStampingTakesWhatThereIs(t *testing.T) {
	for _, tc := range []struct {
		name   string
		device *device
		want   Stamping
		asked  int
	}{
		{"FEC", fecDevice(), Stamping{TxStamp, RxAll}, 6},
		{"AM335x", cpswDevice(), Stamping{TxStamp, RxPTPv2L4Event}, 6},
		{"igb, which knows the general filter only", &device{index: 2, takes: onlyOn(RxNone, RxAll, RxPTPv2Event)}, Stamping{TxStamp, RxPTPv2Event}, 6},
		{"a PHY", phyDevice(), Stamping{TxOneStepSync, RxPTPv2L4Event}, 1},
		{"one that stamps no arrivals", &device{index: 2, takes: onlyOn(RxNone)}, Stamping{TxStamp, RxNone}, 8},
	} {
		n, _ := openFake(t, "eth0", map[string]*device{"eth0": tc.device})
		tc.device.asked = nil
		got, err := n.SetStamping(TxOneStepSync, RxPTPv2L4Event)
		if err != nil || got != tc.want {
			t.Errorf("%s: granted %v, %v; want %v", tc.name, got, err, tc.want)
		}
		if first := tc.device.asked[0]; first != (Stamping{TxOneStepSync, RxPTPv2L4Event}) || len(tc.device.asked) > tc.asked {
			t.Errorf("%s: asked for %v", tc.name, tc.device.asked)
		}
	}
	n, _ := openFake(t, "eth0", map[string]*device{"eth0": vethDevice()})
	if _, err := n.SetStamping(TxStamp, RxAll); !errors.Is(err, unix.EOPNOTSUPP) || !strings.Contains(err.Error(), "software stamps") {
		t.Errorf("veth: %v", err)
	}
	denied := &device{index: 2, takes: func(Stamping) (Stamping, error) { return Stamping{}, unix.EPERM }}
	n, _ = openFake(t, "eth0", map[string]*device{"eth0": denied})
	if _, err := n.SetStamping(TxStamp, RxAll); !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "CAP_NET_ADMIN") || len(denied.asked) != 1 {
		t.Errorf("without permission: %v after %v", err, denied.asked)
	}
	never := &device{index: 2, takes: func(Stamping) (Stamping, error) { return Stamping{}, unix.ERANGE }}
	n, _ = openFake(t, "eth0", map[string]*device{"eth0": never})
	if _, err := n.SetStamping(TxStamp, RxAll); !errors.Is(err, unix.ERANGE) {
		t.Errorf("a driver that refuses all: %v", err)
	}
}

// At the end the device is as it was found, also one whose driver cannot tell.
func TestStampingIsPutBack(t *testing.T) {
	for _, noGet := range []bool{false, true} {
		d := fecDevice()
		d.noGet = noGet
		was := Stamping{TxStamp, RxAll}
		if noGet {
			was = Stamping{}
		}
		d.set = was
		n, _ := openFake(t, "eth0", map[string]*device{"eth0": d})
		for _, tx := range []TxMode{TxOneStepSync, TxOff} {
			if _, err := n.SetStamping(tx, RxAll); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.Close(); err != nil || d.set != was {
			t.Errorf("left at %v (%v), found at %v", d.set, err, was)
		}
	}
	d := fecDevice()
	n, _ := openFake(t, "eth0", map[string]*device{"eth0": d})
	if err := n.Close(); err != nil || len(d.asked) != 0 {
		t.Errorf("a device that we never set was set to %v", d.asked)
	}
}

// The clock of a VLAN on a bond is that of the bond's active device.
func TestTheClockBelowABondIsItsActiveDevices(t *testing.T) {
	below := fecDevice()
	n, kernel := openFake(t, "bond0.17", map[string]*device{
		"bond0.17": {index: 9, lower: "bond0"}, "bond0": {index: 8, lower: "eth1"}, "eth1": below, "eth2": phyDevice(),
	})
	kernel.devices["eth2"].index = 3
	if path, err := n.PHC(); err != nil || path != "/dev/ptp0" || n.Physical() != "eth1" {
		t.Errorf("%s of %s, %v", path, n.Physical(), err)
	}
	if _, err := n.SetStamping(TxStamp, RxAll); err != nil || len(below.asked) != 1 {
		t.Errorf("%v: the device below was set %d times", err, len(below.asked))
	}
	kernel.devices["bond0"].lower = "eth2" // the bond's other device takes over
	if path, err := n.PHC(); err != nil || path != "/dev/ptp3" || n.Name() != "bond0.17" {
		t.Errorf("after the change: %s, %v", path, err)
	}
	loop := map[string]*device{"a": {index: 1, lower: "b"}, "b": {index: 2, lower: "a"}}
	if n, _ := openFake(t, "a", loop); n.Physical() == "" {
		t.Error("devices that lie on each other")
	}
}

// A renamed device is followed; one that is gone is found again by its name,
// with whatever clock it has then.
func TestARenamedDeviceIsFollowedAndALostOneFoundByName(t *testing.T) {
	d := fecDevice()
	n, kernel := openFake(t, "eth0", map[string]*device{"eth0": d})
	delete(kernel.devices, "eth0")
	kernel.devices["uplink"] = d
	if a, err := n.Abilities(); err != nil || a.PHC != 0 || n.Name() != "uplink" {
		t.Errorf("renamed: %+v, %v, name %s", a, err, n.Name())
	}
	delete(kernel.devices, "uplink")
	if _, err := n.Abilities(); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("gone: %v", err)
	}
	if _, err := n.SetStamping(TxStamp, RxAll); err == nil {
		t.Error("a device that is gone was set")
	}
	again := fecDevice()
	again.index, again.info.Phc_index = 7, 4
	kernel.devices["uplink"] = again
	if path, err := n.PHC(); err != nil || path != "/dev/ptp4" {
		t.Errorf("back: %s, %v", path, err)
	}
	delete(kernel.devices, "uplink")
	first := fecDevice() // after a restart of its driver it has its first name again
	first.index, first.info.Phc_index = 8, 5
	kernel.devices["eth0"] = first
	if path, err := n.PHC(); err != nil || path != "/dev/ptp5" || n.Name() != "eth0" {
		t.Errorf("back by its first name: %s, %v", path, err)
	}
	if _, err := newNIC("eth9", kernel); err == nil || !strings.Contains(err.Error(), "ip link") {
		t.Errorf("never there: %v", err)
	}
}

func TestAnInterfacesPHCIsFoundThoughTheDriverNamesNone(t *testing.T) {
	old := fecDevice() // a driver that names no clock, but has one
	old.info.Phc_index, old.sysfsName = -1, "ptp5"
	n, _ := openFake(t, "eth0", map[string]*device{"eth0": old})
	if path, err := n.PHC(); err != nil || path != "/dev/ptp5" {
		t.Errorf("%s, %v", path, err)
	}
	n, _ = openFake(t, "veth0", map[string]*device{"veth0": vethDevice()})
	if _, err := n.PHC(); !errors.Is(err, ErrNoPHC) {
		t.Errorf("veth: %v", err)
	}
}

// The kernel of this machine: loopback has software stamps and no clock.
func TestLoopbackHasSoftwareStampsAndNoClock(t *testing.T) {
	n, err := OpenNIC("lo")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	a, err := n.Abilities()
	if errors.Is(err, unix.ENOSYS) {
		t.Skip("SKIPPED: an emulation of Linux without ethtool (qemu-user)")
	}
	if err != nil || a.HardwareTx || a.PHC >= 0 || !a.SoftwareTx || a.Unicast != No {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := n.SetStamping(TxStamp, RxAll); err == nil {
		t.Error("loopback took hardware stamps")
	}
	if l, err := n.Link(); err != nil || !l.Carrier {
		t.Errorf("%+v, %v", l, err)
	}
	for _, name := range []string{"no-such-device", "a-name-that-is-too-long"} {
		if _, err := OpenNIC(name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

// What sysfs says of a VLAN, a bond, a switch's port and a bridge.
func TestSysfsTellsTheDeviceBelow(t *testing.T) {
	dir := t.TempDir()
	mk := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"eth0.17/lower_eth0", "eth0/device/ptp/ptp2", "bond0/bonding", "bond0/lower_eth1", "bond0/lower_eth2",
		"lan1/device", "lan1/lower_eth0", "br0/lower_eth0", "br0/lower_eth1", "veth0"} {
		mk(path)
	}
	if err := os.WriteFile(filepath.Join(dir, "bond0/bonding/active_slave"), []byte("eth2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	k := &netKernel{fd: -1, sys: dir}
	for name, want := range map[string]string{"eth0.17": "eth0", "eth0": "", "bond0": "eth2", "lan1": "", "br0": "", "veth0": ""} {
		if got, err := k.lower(name); err != nil || got != want {
			t.Errorf("below %s: %q, %v; want %q", name, got, err, want)
		}
	}
	if got := k.clockOf("eth0"); got != "ptp2" {
		t.Errorf("clock of eth0: %q", got)
	}
}

func TestStampingModesHaveNames(t *testing.T) {
	if s := TxOneStepSync.String() + " " + RxPTPv2Event.String() + " " + TxMode(9).String() + " " + RxFilter(-1).String(); s != "one-step-sync ptpv2-event unknown unknown" {
		t.Error(s)
	}
	for _, name := range ProfileNames() {
		if p := profileOf(t, name); p.Accuracy == "" || len(p.Limits) == 0 {
			t.Errorf("profile %s tells no accuracy or no limit", name)
		}
	}
}
