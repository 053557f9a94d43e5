package netport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// Device is the network device that has the hardware: a board.NIC.
type Device interface {
	Name() string
	Physical() string // the device below a VLAN or bond
	PhysicalIndex() (int, error)
	Abilities() (board.Abilities, error)
	SetStamping(board.TxMode, board.RxFilter) (granted board.Stamping, err error)
	Stamping() (board.Stamping, error)
	Link() (board.Link, error)
}

// Clock is what is asked of the served clock.
type Clock interface {
	Info() board.ClockInfo
}

// Server is the packets' side of the port: a udp.Server.
type Server interface {
	SetStamping(udp.Stamping)
	OriginWriter(index int) error
}

// Config is what a Port is made of.
type Config struct {
	Device  Device // nil: none was named, or the board is of software
	Profile board.Profile
	Clock   Clock
	// Tell is told what happens. It waits for nobody.
	Tell func(status.Event)
	// Links calls changed for each event of a link until ctx ends.
	Links func(ctx context.Context, changed func()) error
	// Compare compares the served clock with CLOCK_MONOTONIC_RAW, and puts it back
	// when somebody, the driver for one, has set it.
	Compare func()

	Interface string // as configured; "": none
	// TwoStep asks for two-step; TwoStepClients tells that some clients get it
	// whatever the mode.
	TwoStep, TwoStepClients bool
	// KernelSync lets the kernel's program write the time into a predicted Sync.
	KernelSync bool
	// GroupTwins sends twins to PTP's multicast group, not as Ethernet frames.
	GroupTwins bool
	Latencies  udp.Latencies
	// ResidualLimit is how much a predicted Sync may say wrong before there is an
	// alarm; negative: any. TwoStepOnResidual serves two-step meanwhile.
	ResidualLimit     time.Duration
	TwoStepOnResidual bool
}

// Port is the network port. It is safe for several goroutines.
type Port struct {
	cfg Config

	mu        sync.Mutex
	server    Server // nil: nothing is served yet
	transport udp.Stats
	observed  bool // transport is an answer of the packets' thread

	abilities board.Abilities
	mode      Mode
	missing   []error        // what stands in the way of a better mode
	granted   board.Stamping // what the driver says it does since arm
	inUse     udp.Stamping
	disarmed  bool // without a carrier no hardware stamps are used
	twinsTold bool // why there are no twins was logged

	link     linkState
	promise  promise
	setting  setting
	residual residual
	writing  writing
}

// Why the hardware's stamps are not all used.
var (
	errOtherClock     = errors.New("the interface's hardware stamps are of another clock than the one that is served")
	errTwoStepClients = errors.New("hardware one-step has no stamps for the two-step clients of master.two_step_for")
	errOneStepRefused = errors.New("the driver refuses one-step")
)

// New is a port whose mode is chosen by what the device's driver promises.
func New(c Config) *Port {
	p := &Port{cfg: c}
	p.choose()
	return p
}

// Begin uses the stamps that the device promises, for a server that is about to
// serve. It comes before Judge and Watch.
func (p *Port) Begin(s Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = s
	p.inUse = p.arm()
	first := p.apply()
	first.First = true
	p.cfg.Tell(first)
}

// Observe takes the latest counters of the packets' thread.
func (p *Port) Observe(t udp.Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transport, p.observed = t, true
}

// SetResidualLimit changes Config.ResidualLimit.
func (p *Port) SetResidualLimit(limit time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.ResidualLimit = limit
}

// Troubles are the conditions of the port that hold.
func (p *Port) Troubles() []alarms.Raised {
	p.mu.Lock()
	defer p.mu.Unlock()
	var raised []alarms.Raised
	add := func(code alarms.Code, detail string) {
		raised = append(raised, alarms.Raised{Code: code, Detail: detail})
	}
	if down := p.link.down(); down != "" {
		add(alarms.LinkDown, down)
	}
	if err := p.promise.broken; err != nil {
		add(alarms.HardwareStamps, err.Error())
	} else if err := p.setting.overruled; err != nil {
		add(alarms.HardwareStamps, err.Error())
	}
	if r := &p.residual; r.high {
		add(alarms.ResidualHigh, r.words(float64(p.cfg.ResidualLimit)))
	}
	return raised
}

// known are the device's abilities with what the board's profile adds.
func (p *Port) known() board.Abilities { return p.cfg.Profile.Refine(p.abilities) }

// choose asks the device what it can, and decides how the time gets into a Sync.
func (p *Port) choose() {
	a := board.Abilities{PHC: -1, SoftwareTx: true}
	if p.cfg.Device != nil {
		a, _ = p.cfg.Device.Abilities() // a device that cannot be asked has none
	}
	var missing []error
	if p.cfg.Clock.Info().Name != fmt.Sprintf("/dev/ptp%d", a.PHC) && a.HardwareTx {
		missing = append(missing, errOtherClock)
		a = a.Foreign()
	}
	if p.cfg.TwoStepClients && a.Offers(board.TxOneStepSync) {
		missing = append(missing, errTwoStepClients)
		a.TxModes &^= 1 << uint(board.TxOneStepSync)
	}
	p.makeDo(a, missing...)
}

// makeDo decides how the time gets into a Sync by what is left.
func (p *Port) makeDo(a board.Abilities, missing ...error) {
	p.abilities, p.missing = a, missing
	p.mode = Choose(p.known(), p.cfg.TwoStep)
}

// arm asks the device for the stamps that the mode wants. What it refuses is
// struck from its abilities, and the mode chosen anew.
func (p *Port) arm() udp.Stamping {
	a, device := p.known(), p.cfg.Device
	none := func() udp.Stamping { return udp.Stamping{TwoStep: p.mode == TwoStep} }
	if device == nil || !a.HardwareTx && !a.HardwareRx {
		return none()
	}
	tx := board.TxStamp
	if p.mode == HardwareOneStep {
		tx = board.TxOneStepSync
	}
	granted, err := device.SetStamping(tx, board.RxPTPv2L4Event)
	switch {
	case err != nil:
		p.granted = board.Stamping{}
		p.makeDo(p.abilities.Foreign(), err)
		return none()
	case granted.Tx != tx && tx == board.TxOneStepSync:
		less := p.abilities
		less.TxModes &^= 1 << uint(board.TxOneStepSync)
		p.makeDo(less, errOneStepRefused)
		return p.arm()
	}
	p.granted = granted
	source := a.TransmitStamps()
	return udp.Stamping{
		Transmit: source == board.StampHardware, Receive: granted.Rx != board.RxNone, OneStep: p.mode == HardwareOneStep, TwoStep: p.mode == TwoStep,
		Device: device.Physical(), Test: a.L2 != board.No || p.cfg.GroupTwins, Twins: source == board.StampTwin || p.mode == HardwareOneStep,
	}
}

// rearm applies the mode that was chosen; without a carrier as far as it needs no
// stamps of the hardware.
func (p *Port) rearm() {
	p.inUse = udp.Stamping{TwoStep: p.mode == TwoStep}
	if !p.disarmed {
		p.inUse = p.arm()
	}
	p.inUse.TwoStep = p.inUse.TwoStep || p.residual.high && p.cfg.TwoStepOnResidual
	p.cfg.Tell(p.apply())
}

// apply gives the server the stamps in use. It returns what is to be told of it.
func (p *Port) apply() status.SyncModeChosen {
	p.promise.start = p.transport.Stamps
	p.server.SetStamping(p.inUse)
	p.writeOrigins()
	return status.SyncModeChosen{Mode: p.mode.String(), Why: p.why()}
}

// index is that of the device by which Syncs leave; 0 where none was named.
func (p *Port) index() (int, error) {
	if p.cfg.Device != nil {
		return p.cfg.Device.PhysicalIndex()
	}
	if p.cfg.Interface == "" {
		return 0, nil
	}
	device, err := net.InterfaceByName(p.cfg.Interface)
	if err != nil {
		return 0, fmt.Errorf("interface %q: %w", p.cfg.Interface, err)
	}
	return device.Index, nil
}

// why is all that is to be said of the mode.
func (p *Port) why() string {
	text := because(p.mode, p.known(), p.cfg.TwoStep)
	for _, err := range p.missing {
		text += "; " + err.Error()
	}
	if by := p.writing.words(); by != "" {
		text += "; " + by
	}
	return text
}
