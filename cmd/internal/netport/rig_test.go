package netport

import (
	"context"
	"sync"
	"testing"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// device is a network device of software. It grants what it is asked for.
type device struct {
	mu        sync.Mutex // guards link, where Watch looks at it
	abilities board.Abilities
	link      board.Link
	gone      error
	set       board.Stamping
	asked     int   // how often it was set
	refuses   error // to be set
	noOneStep bool  // grants stamps in the place of one-step
	name      string
}

func (d *device) Name() string                        { return d.name }
func (d *device) Physical() string                    { return d.name }
func (d *device) PhysicalIndex() (int, error)         { return 7, d.gone }
func (d *device) Abilities() (board.Abilities, error) { return d.abilities, d.gone }
func (d *device) Stamping() (board.Stamping, error)   { return d.set, d.gone }
func (d *device) Link() (board.Link, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.link, d.gone
}

func (d *device) carrier(up bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.link.Carrier = up
}

func (d *device) SetStamping(tx board.TxMode, rx board.RxFilter) (board.Stamping, error) {
	d.asked++
	if d.refuses != nil {
		return board.Stamping{}, d.refuses
	}
	if d.noOneStep && tx == board.TxOneStepSync {
		tx = board.TxStamp
	}
	d.set = board.Stamping{Tx: tx, Rx: rx}
	return d.set, nil
}

// clock is the served one's name, and how often it was away.
type clock struct {
	name     string
	absences int
}

func (c *clock) Info() board.ClockInfo  { return board.ClockInfo{Name: c.name} }
func (c *clock) Trouble() board.Trouble { return board.Trouble{Absences: c.absences} }

// server is told which stamps are used, and where the kernel writes.
type server struct {
	inUse  udp.Stamping
	index  int
	linked int   // how often the kernel's program was linked
	refuse error // to link it
}

func (s *server) SetStamping(c udp.Stamping) { s.inUse = c }
func (s *server) OriginWriter(index int) error {
	s.index = index
	if index > 0 {
		s.linked++
		return s.refuse
	}
	return nil
}

// rig is a port that has begun, on devices of software.
type rig struct {
	*Port
	device   *device
	clock    *clock
	server   *server
	compared int
	telling  sync.Mutex
	told     []status.Event // guarded by telling
	counters udp.Stats      // the packets' thread's
}

// A FEC's abilities, whose clock is /dev/ptp0, and those of a PHY that writes the
// time into a Sync.
func fec() board.Abilities {
	return board.Abilities{Driver: "fec", TxModes: 1<<board.TxOff | 1<<board.TxStamp, RxFilters: 1<<board.RxNone | 1<<board.RxAll, HardwareTx: true, HardwareRx: true,
		SoftwareTx: true, Unicast: board.Yes, Multicast: board.Yes, L2: board.Yes}
}

func phy() board.Abilities {
	a := fec()
	a.Driver, a.TxModes = "macb", a.TxModes|1<<board.TxOneStepSync
	a.Unicast, a.Multicast, a.L2 = board.Unknown, board.Unknown, board.Unknown
	return a
}

func cpsw() board.Abilities {
	a := fec()
	a.Driver, a.Unicast = "cpsw-switch", board.No
	return a
}

func veth() board.Abilities {
	return board.Abilities{Driver: "veth", PHC: -1, SoftwareTx: true, Unicast: board.No, Multicast: board.No, L2: board.No}
}

func (r *rig) tell(e status.Event) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.told = append(r.told, e)
}

// toldOf are the events of kind E that were told.
func toldOf[E status.Event](r *rig) (events []E) {
	r.telling.Lock()
	defer r.telling.Unlock()
	for _, e := range r.told {
		if e, ok := e.(E); ok {
			events = append(events, e)
		}
	}
	return events
}

func begun(t *testing.T, change func(*Config, *rig)) *rig {
	t.Helper()
	r := &rig{device: &device{abilities: fec(), link: board.Link{Carrier: true}, name: "eth0"}, clock: &clock{name: "/dev/ptp0"}, server: &server{}}
	c := Config{Device: r.device, Clock: r.clock, Tell: r.tell, Compare: func() { r.compared++ }, ResidualLimit: -1,
		Links: func(ctx context.Context, _ func()) error { <-ctx.Done(); return nil }}
	if change != nil {
		change(&c, r)
	}
	r.Port = New(c)
	r.Begin(r.server)
	return r
}

// alarm is an alarm's detail; empty: it is not raised.
func (r *rig) alarm(code alarms.Code) string {
	for _, a := range r.Troubles() {
		if a.Code == code {
			return a.Detail
		}
	}
	return ""
}
