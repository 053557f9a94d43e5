package udp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/holdover/stability"
	"bragi/master"
	"bragi/master/egress"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// The ports of PTP (annex C.2).
const (
	EventPort   = socket.EventPort
	GeneralPort = socket.GeneralPort
)

// SendStats counts what left by a socket.
type SendStats = socket.SendStats

// Config is where and how to serve.
type Config struct {
	// Address to serve at; the zero Addr serves every address of the machine.
	Address netip.Addr
	// Interface to be bound to; "" for any, as a loopback /32 needs it.
	Interface              string
	EventPort, GeneralPort uint16 // ours and the clients'; 0: 319 and 320
	DSCP                   uint8  // 0..63
	// Priority is SO_PRIORITY, which a VLAN device maps to COS; 0: 6.
	Priority int
	// Nice is the scheduling priority of the serving thread, -20..19. Without
	// the permission it stays as it is and Stats.NiceRefused says so.
	Nice int
	// Management joins the group of PTP on every interface (or the one named) at
	// the general port, for questions that come by multicast, as pmc's do. Only
	// Management messages are taken from there, and answered by unicast.
	Management bool
	Latencies  Latencies
	Twins      Twins
	// Identity is the master's: of the twins, and of the Syncs that the kernel writes into.
	Identity wire.ClockIdentity
	// Inherited are sockets that a service manager holds, so that what comes while
	// no process serves waits in them: those bound to a port of ours are served
	// instead of new ones. They stay the caller's.
	Inherited []int
	// Before is what another process knew of the same machine.
	Before Before
}

// Server serves one master. Its methods may be called from any goroutine,
// before, during and after Serve.
type Server struct {
	cfg     Config
	event   *port
	general *port
	ingress time.Duration // from the wire to a receive stamp
	device  sync.Mutex    // guards what is bound to one: twins and writer
	twins   *twins        // the loop's; nil: none
	writer  *originWriter // nil: none
	// unreachables is nil without the permission for it.
	unreachables *socket.Unreachables
	deaf         error // why
	group        *port // only received from; nil without Management
	wake         int   // eventfd
	posted       atomic.Pointer[command]
	events       chan master.Event
	done         chan struct{}
	opened       kernelclock.Bridge // as it was in Listen
	// numbered: the kernel gives each stamp the number that it is asked by.
	numbered bool

	changed          chan struct{}
	grants, renewals atomic.Uint64 // see Changes
	announced        atomic.Int64  // see Announced
	serving          atomic.Bool
	closing          sync.RWMutex // guards the eventfd against use after Close; the loop never takes it
	closed           bool
}

// port is one of the sockets.
type port struct {
	*socket.Port
	// joined is the number of interfaces, of a group.
	joined int
	// wide: bound to every address though one is served; others are not heard.
	wide bool
}

// command is something another goroutine wants done on the serving thread, in parts
// while do says that there is more: between two parts the loop looks at all else.
type command struct {
	do   func(m *master.Master, l *loop) (more bool)
	next *command
}

// Listen opens both sockets. An error says which port, why and what to do;
// errors.Is finds the errno: unix.EADDRNOTAVAIL may fix itself when an
// interface comes up.
func Listen(c Config) (*Server, error) {
	var err error
	if c.Address, err = socket.CheckAddress(c.Address); err != nil {
		return nil, err
	}
	if err := socket.Ready(&c.EventPort, &c.GeneralPort); err != nil {
		return nil, err
	}
	if c.Priority == 0 {
		c.Priority = 6
	}
	if c.DSCP > 63 {
		return nil, fmt.Errorf("udp: DSCP %d is not within 0..63", c.DSCP)
	}
	s := &Server{cfg: c, wake: -1, ingress: c.Latencies.ingress(), events: make(chan master.Event, 1024), done: make(chan struct{}), changed: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	s.numbered = socket.NumbersStamps()
	s.opened.Resume(c.Before.pair())
	if s.event, err = s.openPort(c.EventPort); err != nil {
		return nil, err
	}
	if s.general, err = s.openPort(c.GeneralPort); err != nil {
		return nil, err
	}
	if c.Management {
		if s.group, err = openGroup(c, s.general); err != nil {
			return nil, err
		}
	}
	s.unreachables, s.deaf = socket.OpenUnreachables(c.Address, c.EventPort, c.GeneralPort, s.ours)
	if s.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		err = fmt.Errorf("udp: %w", os.NewSyscallError("eventfd", err))
		return nil, err
	}
	return s, nil
}

func (s *Server) openPort(number uint16) (*port, error) {
	c := &s.cfg
	o := socket.Options{Address: c.Address, Port: number, Device: c.Interface, DSCP: c.DSCP, Priority: c.Priority, Numbered: s.numbered}
	p, bound, err := inherit(c.Inherited, o)
	if err == nil && p == nil {
		bound = !c.Address.IsUnspecified()
		p, err = socket.Open(o)
	}
	if err != nil {
		return nil, err
	}
	return &port{Port: p, wide: !bound && !c.Address.IsUnspecified()}, nil
}

// ours tells whether a PTP message has our clock's identity.
func (s *Server) ours(ptp []byte) bool {
	return s.cfg.Identity == wire.ClockIdentity{} || wire.ClockIdentity(ptp[wire.SourceOffset:wire.SourceOffset+8]) == s.cfg.Identity
}

// Close gives the ports back. Serve must have ended, or not have begun.
func (s *Server) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.device.Lock()
	s.twins.close()
	s.writer.close()
	s.writer = nil
	s.device.Unlock()
	errs := []error{s.unreachables.Close()}
	for _, p := range []*port{s.event, s.general, s.group} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if s.wake >= 0 {
		errs = append(errs, os.NewSyscallError("close", unix.Close(s.wake)))
	}
	return errors.Join(errs...)
}

// Events delivers the master's events. When nobody takes them, 1,024 wait here
// and as many in the master; later ones are lost and counted.
func (s *Server) Events() <-chan master.Event { return s.events }

// Announced is when Announces last left; zero: none has.
func (s *Server) Announced() timescale.Mono { return timescale.MonoFromNs(s.announced.Load()) }

// SetAnnouncement changes what Announce says. The latest wins.
func (s *Server) SetAnnouncement(a quality.Announcement) {
	s.post(func(m *master.Master, _ *loop) { m.SetAnnouncement(a) })
}

// Drain sends all clients away with CANCEL; Snapshot shows when they are gone.
func (s *Server) Drain() {
	s.post(func(m *master.Master, _ *loop) { m.Drain(Now()) })
}

// Resume ends a drain.
func (s *Server) Resume() {
	s.post(func(m *master.Master, _ *loop) { m.Resume() })
}

// Status is a snapshot of master and transport.
type Status struct {
	*master.Snapshot
	Transport Stats
}

// Stats counts what the sockets did.
type Stats struct {
	Received       uint64 // datagrams
	Truncated      uint64 // longer than any PTP message, ignored
	DroppedEvent   uint32 // by the kernel at the event port: the receive buffer was full
	DroppedGeneral uint32
	DroppedGroup   uint32
	Joined         int    // interfaces where the group of PTP is listened to
	StampsMissing  uint64 // event messages without a receive stamp
	StampsVoid     uint64 // stamps across a jump of CLOCK_REALTIME, or too old
	Jumps          uint64 // of CLOCK_REALTIME
	Wakes          uint64 // of the loop
	// LatestTick is how long after its start a slot of the schedule was looked at,
	// at worst: it was then served, or skipped for being too late.
	LatestTick     time.Duration
	NiceRefused    bool
	Deaf           error // why ICMP is not heard; nil: it is
	Event, General SendStats
	// Residual is the kernel's transmit stamp minus what the Sync said, of the
	// Syncs that were sampled, in ns.
	Residual    egress.Spread
	Residuals   stability.Histogram // the same, of all since the start
	Stamps      StampStats
	Twins       TwinStats
	Latency     Latency // what the Syncs' latency was learnt from
	StampsLost  uint64  // transmit stamps that never came
	StampsStray uint64  // transmit stamps that no Sync was found for, or that cannot be
}

// ErrNotServing is returned for a question that no serving loop will answer.
var ErrNotServing = errors.New("udp: the server is not serving")

// Status asks the serving thread for a snapshot and waits for it. The clients come
// in parts, into memory of the one who asks, so that no question holds up the
// schedule. The serving thread goes from part to part by itself: on a busy machine
// who asks would wait for a processor between any two.
func (s *Server) Status(ctx context.Context) (Status, error) {
	st, err := ask(ctx, s, func(m *master.Master, l *loop) Status { return Status{m.SnapshotHead(Now()), l.stats()} })
	if err != nil {
		return st, err
	}
	const room = 32 // for those who come meanwhile
	list, next := make([]master.ClientStatus, 0, st.Stats.ClientsServed+room), 0
	whole := make(chan []master.ClientStatus, 1)
	s.postParts(func(m *master.Master, _ *loop) (more bool) {
		list, next = m.AppendClients(list, st.At, next)
		if more = next != 0 && len(list) < cap(list); !more {
			whole <- list
		}
		return more
	})
	if st.Clients, err = wait(ctx, s, whole); err != nil {
		return Status{}, err
	}
	return st, nil
}

// ask lets the serving thread do something and waits for its answer.
func ask[T any](ctx context.Context, s *Server, do func(*master.Master, *loop) T) (none T, err error) {
	answer := make(chan T, 1)
	s.post(func(m *master.Master, l *loop) { answer <- do(m, l) })
	return wait(ctx, s, answer)
}

// wait waits for what the serving thread was asked for.
func wait[T any](ctx context.Context, s *Server, answer <-chan T) (none T, err error) {
	select {
	case a := <-answer:
		return a, nil
	case <-s.done:
		return none, ErrNotServing
	case <-ctx.Done():
		return none, fmt.Errorf("udp: no answer of the packets' thread: %w", ctx.Err())
	}
}

// post lets the serving thread do something. Before Serve it waits for it.
func (s *Server) post(do func(*master.Master, *loop)) {
	s.postParts(func(m *master.Master, l *loop) bool { do(m, l); return false })
}

// postParts is post for something that is done again while do says so.
func (s *Server) postParts(do func(*master.Master, *loop) (more bool)) { s.push(&command{do: do}) }

// push puts a command on the list and wakes the loop. It allocates nothing.
func (s *Server) push(c *command) {
	for {
		c.next = s.posted.Load()
		if s.posted.CompareAndSwap(c.next, c) {
			break
		}
	}
	s.nudge()
}

func (s *Server) nudge() {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if !s.closed {
		one := [8]byte{1} // a native uint64; any value but 0 will do
		// A full counter means the loop is awake anyway.
		_, _ = unix.Write(s.wake, one[:])
	}
}

// Serve runs the master on a thread of its own until ctx ends (then nil) or the
// sockets fail. m and the guests belong to Serve from now on: see On. It can be called
// once.
func (s *Server) Serve(ctx context.Context, m *master.Master, clock Clock, guests ...Guest) error {
	if !s.serving.CompareAndSwap(false, true) {
		return errors.New("udp: Serve was called before")
	}
	defer close(s.done)
	stop := context.AfterFunc(ctx, s.nudge)
	defer stop()
	l, err := newLoop(s, m, clock)
	if err != nil {
		return err
	}
	l.guests = guests
	result := make(chan error, 1)
	go func() { result <- l.run(ctx) }()
	return <-result
}

// takeCommands returns the posted commands, the oldest first.
func (s *Server) takeCommands() *command {
	var first *command
	for c := s.posted.Swap(nil); c != nil; {
		next := c.next
		c.next, first = first, c
		c = next
	}
	return first
}
