package board

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// NIC is a network device by the name of the configuration, and the device below
// it that has hardware: a VLAN's, a macvlan's, a bond's active one.
type NIC struct {
	kernel nicKernel

	mu       sync.Mutex
	wanted   string // the configuration's
	name     string // the present one: it follows a renaming
	physical string
	index    int
	before   *Stamping // what the device was set to before us; nil: not changed by us
	device   string    // where before belongs
}

// nicKernel is what the kernel tells and does; tests have one of software.
type nicKernel interface {
	index(name string) (int, error)
	nameOf(index int) (string, error)
	lower(name string) (string, error) // the device below; "" for none
	driver(name string) (string, error)
	tsInfo(name string) (unix.EthtoolTsInfo, error)
	stamping(name string) (Stamping, error)
	setStamping(name string, s Stamping) (Stamping, error)
	clockOf(name string) string // "ptpN" by the device tree of sysfs; "" for none
	link(name string) (Link, error)
	close() error
}

// Link is the state of a network device.
type Link struct {
	Carrier bool
	// Changes counts how often the carrier came or went.
	Changes  uint64
	MAC      string
	SpeedMbs int // 0: not known
}

// OpenNIC finds a network device.
func OpenNIC(name string) (*NIC, error) {
	kernel, err := openNetKernel("/sys/class/net")
	if err != nil {
		return nil, err
	}
	n, err := newNIC(name, kernel)
	if err != nil {
		return nil, errors.Join(err, kernel.close())
	}
	return n, nil
}

func newNIC(name string, kernel nicKernel) (*NIC, error) {
	n := &NIC{kernel: kernel, wanted: name, name: name}
	var err error
	if n.index, err = kernel.index(name); err != nil {
		return nil, fmt.Errorf("board: interface %q: %w: set board.interface to one of 'ip link'", name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n, n.look()
}

// maxLower is how many devices may lie on one another.
const maxLower = 8

// look finds the device's present name and the hardware below it; the caller
// holds mu. A device that is gone is found again by its name.
func (n *NIC) look() error {
	name, err := n.kernel.nameOf(n.index)
	if err != nil {
		index, byName := 0, err
		for _, name = range []string{n.name, n.wanted} {
			if index, byName = n.kernel.index(name); byName == nil {
				break
			}
		}
		if byName != nil {
			return fmt.Errorf("board: interface %q is gone: %w: replug it, or load its driver", n.name, err)
		}
		n.index = index
		n.before = nil // another device: it was not set by us
	}
	n.name = name
	n.physical = name
	for range maxLower {
		below, err := n.kernel.lower(n.physical)
		if err != nil || below == "" {
			break
		}
		n.physical = below
	}
	return nil
}

// Name is the device's present name, Physical the device's with the hardware.
func (n *NIC) Name() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.name
}

// Physical is the name of the device that has the hardware.
func (n *NIC) Physical() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.physical
}

// PhysicalIndex is the index of the device that has the hardware.
func (n *NIC) PhysicalIndex() (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return 0, err
	}
	index, err := n.kernel.index(n.physical)
	if err != nil {
		return 0, fmt.Errorf("board: interface %q: %w", n.physical, os.NewSyscallError("ioctl SIOCGIFINDEX", err))
	}
	return index, nil
}

// Abilities asks the driver.
func (n *NIC) Abilities() (Abilities, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return Abilities{PHC: -1}, err
	}
	a := Abilities{PHC: -1}
	if driver, err := n.kernel.driver(n.physical); err == nil {
		a.Driver = driver // a device without one, such as lo, has none to tell
	}
	info, err := n.kernel.tsInfo(n.physical)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP): // neither driver nor kernel stamp
		return a.known(), nil
	case err != nil:
		return a, fmt.Errorf("board: interface %q: %w", n.physical, os.NewSyscallError("ioctl ETHTOOL_GET_TS_INFO", err))
	}
	says := func(bits uint32) bool { return info.So_timestamping&bits == bits }
	a.HardwareTx = says(unix.SOF_TIMESTAMPING_TX_HARDWARE|unix.SOF_TIMESTAMPING_RAW_HARDWARE) && info.Tx_types&^(1<<TxOff) != 0
	a.HardwareRx = says(unix.SOF_TIMESTAMPING_RX_HARDWARE|unix.SOF_TIMESTAMPING_RAW_HARDWARE) && info.Rx_filters&^(1<<RxNone) != 0
	a.SoftwareTx = says(unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE)
	a.PHC, a.TxModes, a.RxFilters = int(info.Phc_index), info.Tx_types, info.Rx_filters
	if a.PHC < 0 {
		if clock := n.kernel.clockOf(n.physical); len(clock) > len("ptp") {
			if i, err := strconv.Atoi(clock[len("ptp"):]); err == nil {
				a.PHC = i
			}
		}
	}
	return a.known(), nil
}

// ErrNoPHC says that a network device has no PTP hardware clock.
var ErrNoPHC = errors.New("no PTP hardware clock")

// PHC is the path of the device's clock; ErrNoPHC when it has none.
func (n *NIC) PHC() (string, error) {
	a, err := n.Abilities()
	switch {
	case err != nil:
		return "", err
	case a.PHC < 0:
		return "", fmt.Errorf("board: interface %q has %w: name another in board.interface, or a clock in board.phc", n.Name(), ErrNoPHC)
	}
	return "/dev/ptp" + strconv.Itoa(a.PHC), nil
}

// SetStamping asks for hardware stamps. What the driver refuses (ERANGE) is
// asked for in a lesser form: two-step stamps for one-step, a wider or narrower
// filter for the one wanted. granted is what the driver says it does, which the
// link has to prove. Close puts back what was set before.
func (n *NIC) SetStamping(tx TxMode, rx RxFilter) (granted Stamping, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return Stamping{}, err
	}
	if n.before == nil || n.device != n.physical {
		if old, err := n.kernel.stamping(n.physical); err == nil {
			n.before, n.device = &old, n.physical
		} else { // an old driver cannot tell: off is what it begins with
			n.before, n.device = &Stamping{}, n.physical
		}
	}
	refused := error(unix.ERANGE)
	for _, mode := range lesserTx(tx) {
		for _, filter := range lesserRx(rx) {
			granted, err = n.kernel.setStamping(n.physical, Stamping{mode, filter})
			switch {
			case err == nil:
				return granted, nil
			case errors.Is(err, unix.ERANGE), errors.Is(err, unix.EINVAL):
				refused = err
				continue
			}
			return Stamping{}, stampingError(n.physical, err)
		}
	}
	return Stamping{}, stampingError(n.physical, refused)
}

// lesserTx is what to ask for, the wanted mode first.
func lesserTx(m TxMode) []TxMode {
	switch m {
	case TxOneStepP2P:
		return []TxMode{TxOneStepP2P, TxOneStepSync, TxStamp}
	case TxOneStepSync:
		return []TxMode{TxOneStepSync, TxStamp}
	}
	return []TxMode{m}
}

// lesserRx likewise: of the filters that see PTP over UDP, those that more
// drivers know.
func lesserRx(f RxFilter) []RxFilter {
	list := []RxFilter{f}
	if f == RxNone {
		return list
	}
	for _, other := range []RxFilter{RxPTPv2L4Event, RxPTPv2Event, RxAll, RxNone} {
		if other != f {
			list = append(list, other)
		}
	}
	return list
}

func stampingError(name string, err error) error {
	fix := "its driver does not stamp; use another interface, or live with software stamps"
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		fix = "run as root, or give the program CAP_NET_ADMIN"
	case errors.Is(err, unix.ENODEV):
		fix = "the interface is gone"
	case errors.Is(err, unix.EBUSY):
		fix = "another program owns the stamps; stop ptp4l"
	}
	return fmt.Errorf("board: interface %q: %w: %s", name, os.NewSyscallError("ioctl SIOCSHWTSTAMP", err), fix)
}

// Stamping is what the device is set to now.
func (n *NIC) Stamping() (Stamping, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return Stamping{}, err
	}
	s, err := n.kernel.stamping(n.physical)
	if err != nil {
		return s, fmt.Errorf("board: interface %q: %w", n.physical, os.NewSyscallError("ioctl SIOCGHWTSTAMP", err))
	}
	return s, nil
}

// Link is the state of the device that has the hardware.
func (n *NIC) Link() (Link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return Link{}, err
	}
	return n.kernel.link(n.physical)
}

// Close puts the stamping back as it was found.
func (n *NIC) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var restored error
	if n.before != nil {
		if _, err := n.kernel.setStamping(n.device, *n.before); err != nil && !errors.Is(err, unix.ENODEV) {
			restored = stampingError(n.device, err)
		}
		n.before = nil
	}
	return errors.Join(restored, n.kernel.close())
}
