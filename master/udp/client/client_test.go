package client

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/rehearsal"
	"bragi/master/udp"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

var (
	serverAddr = netip.MustParseAddr("127.0.0.1")
	clientAddr = netip.MustParseAddr("127.0.0.2")
	serverID   = wire.ClockIdentity{0x00, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}
)

// ahead is a served clock: CLOCK_MONOTONIC_RAW and a constant.
type ahead int64

func (a ahead) Local(m timescale.Mono) timescale.Local {
	return timescale.LocalFromNs(m.Ns() + int64(a))
}

// twoPorts finds two unprivileged ports that are free at both addresses.
func twoPorts(t *testing.T) (event, general uint16) {
	t.Helper()
	var got [2]uint16
	for i := range got {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got[i] = uint16(c.LocalAddr().(*net.UDPAddr).Port)
	}
	return got[0], got[1]
}

// serve runs a server with a locked master until the test ends.
func serve(t *testing.T, event, general uint16) *udp.Server {
	t.Helper()
	s, err := udp.Listen(udp.Config{Address: serverAddr, EventPort: event, GeneralPort: general, DSCP: 47, Identity: serverID})
	if err != nil {
		t.Fatal(err)
	}
	m, err := master.New(master.Config{Identity: serverID, Priority1: 128, Priority2: 128})
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(quality.Announcement{Serve: true, ClockClass: 6, ClockAccuracy: 0x21, TimeSource: 0x20, CurrentUTCOffset: 37, CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, m, ahead(1_700_000_000_000_000_000)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// The rehearsing client against the server, over real sockets: grants, one-step
// Sync at its rate, every Delay_Req answered, an offset that a loaded machine
// without hardware stamps still keeps.
func TestRehearsalLocks(t *testing.T) {
	e, g := twoPorts(t)
	s := serve(t, e, g)
	c, err := Dial(Config{Local: clientAddr, Masters: []netip.Addr{serverAddr}, EventPort: e, GeneralPort: g, DSCP: 47})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The limit is wide, for this machine may be busy with other things: what is
	// tested here is the way, not the accuracy.
	r, err := rehearsal.NewChooser(rehearsal.Config{Kind: rehearsal.CBR8, PhaseLimit: 2 * time.Millisecond, Identity: wire.PortIdentity{Clock: wire.ClockIdentity{1}, Port: 1}}, []netip.Addr{serverAddr})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var stats Stats
	err = c.Run(ctx, r, func(_ timescale.Mono, s Stats) {
		stats = s
		if r.State() == rehearsal.PhaseAligned {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	rep := r.Report(kernelclock.Raw())
	if rep.State != "PHASE_ALIGNED" || !rep.OneStep || rep.Master.Class != 6 || rep.Master.Identity != serverID.String() {
		t.Fatalf("%+v", rep)
	}
	if rep.Counts["no_stamp"] != 0 || rep.Counts["malformed"] != 0 || rep.Counts["strangers"] != 0 || rep.Counts["sync"] < 64 {
		t.Errorf("%v", rep.Counts)
	}
	if stats.TxStamps == 0 {
		t.Error("the kernel stamped none of the Delay_Req")
	}
	st, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if x := st.Clients[0]; x.Kind != "cBR8" || x.DSCP != 47 || x.DelayReq == 0 || st.Transport.StampsMissing != 0 {
		t.Errorf("%+v", x)
	}
	if d := st.Clients[0].DelayReqInterval; d < 25*time.Millisecond || d > 40*time.Millisecond {
		t.Errorf("Delay_Req every %v", d)
	}
}

func TestDialErrors(t *testing.T) {
	e, g := twoPorts(t)
	s, err := udp.Listen(udp.Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for name, c := range map[string]Config{
		"no master":      {Local: clientAddr, EventPort: e, GeneralPort: g},
		"IPv6":           {Masters: []netip.Addr{netip.MustParseAddr("::1")}, EventPort: e, GeneralPort: g},
		"not our source": {Local: netip.MustParseAddr("192.0.2.7"), Masters: []netip.Addr{serverAddr}, EventPort: e, GeneralPort: g},
	} {
		if cl, err := Dial(c); err == nil {
			cl.Close()
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q", name, err)
		}
	}
	if _, err := Dial(Config{Local: netip.MustParseAddr("192.0.2.7"), Masters: []netip.Addr{serverAddr}, EventPort: e, GeneralPort: g}); !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Errorf("%v", err)
	}
}

// The device's stamp is taken where it can be right; else the kernel's stands in, and what
// was void is counted.
func TestTheDevicesStampIsTakenWhereItCanBeRight(t *testing.T) {
	raw := kernelclock.Raw()
	line := func(ns int64) (timescale.Mono, bool) { return timescale.MonoFromNs(ns - 5), ns != 1 }
	for name, c := range map[string]struct {
		device   func(int64) (timescale.Mono, bool)
		stamps   socket.Stamps
		want     timescale.Mono // zero: not the device's
		hardware uint64
		void     uint64
	}{
		"a good one":           {line, socket.Stamps{DeviceNs: raw.Ns() - 1000}, raw.Add(-1005), 1, 0},
		"nobody asked":         {nil, socket.Stamps{DeviceNs: raw.Ns() - 1000}, timescale.Mono{}, 0, 0},
		"of the future":        {line, socket.Stamps{DeviceNs: raw.Ns() + 1e6}, timescale.Mono{}, 0, 1},
		"before a step":        {line, socket.Stamps{DeviceNs: raw.Ns() - 1e9}, timescale.Mono{}, 0, 1},
		"the clock is away":    {line, socket.Stamps{DeviceNs: 1}, timescale.Mono{}, 0, 1},
		"the kernel's instead": {line, socket.Stamps{DeviceNs: raw.Ns() + 1e6, KernelNs: time.Now().UnixNano()}, timescale.Mono{}, 0, 1},
	} {
		cl := &Client{cfg: Config{Device: c.device}}
		cl.bridge.Look()
		got := cl.arrival(raw, c.stamps)
		if kernel := c.stamps.KernelNs != 0; got != c.want && !kernel || kernel && got.IsZero() || cl.stats.DeviceRx != c.hardware || cl.stats.StampsVoid != c.void {
			t.Errorf("%s: %v, %+v", name, got, cl.stats)
		}
	}
}
