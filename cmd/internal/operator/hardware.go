package operator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"bragi/board"
	"bragi/board/kernelclock"
	"bragi/cmd/internal/cli"
	"bragi/gnss/timescale"
	"bragi/master/rehearsal"
)

// hardware is what a rehearsal uses of the machine's hardware: the stamps of a network
// port's clock (--stamps), and a clock that it steers (--discipline).
type hardware struct {
	nic     *board.NIC
	stamps  *board.PHC // the port's clock; nil: the kernel's stamps
	report  rehearsal.StampReport
	steered *steering // nil: no clock is touched
}

// checkHardware refuses flags that cannot be meant.
func (r *rehearse) checkHardware() error {
	switch {
	case r.stamps != "software" && r.stamps != "hardware" && r.stamps != "auto":
		return cli.Usagef("--stamps %q is not one of software, hardware, auto", r.stamps)
	case r.port != "" && r.stamps == "software" && r.discipline != "auto":
		return cli.Usagef("--interface is for the hardware's stamps, and these are the kernel's (fix: --stamps hardware, or no --interface)")
	case r.discipline != "" && r.discipline != "auto" && !phcPath.MatchString(r.discipline):
		return cli.Usagef("--discipline %q is no PTP hardware clock, and no other clock is ever steered (fix: /dev/ptp0, or auto for that of the network port)", r.discipline)
	}
	return nil
}

var phcPath = regexp.MustCompile(`^/dev/ptp[0-9]+$`)

// onlyOne refuses the hardware's flags where there is more than a client in order.
func (r *rehearse) onlyOne(what string) error {
	if r.stamps != "software" || r.discipline != "" || r.port != "" {
		return cli.Usagef("--stamps, --interface and --discipline go with one client in order, not with %s", what)
	}
	return nil
}

// openHardware opens what the flags want. local is the client's address, the zero Addr for
// what the route to the master says.
func (r *rehearse) openHardware(local, master netip.Addr) (h *hardware, err error) {
	h = &hardware{report: rehearsal.StampReport{Source: "software"}}
	defer func() {
		if err != nil {
			_ = h.close() // the first error says what to do
		}
	}()
	if err := r.checkHardware(); err != nil || r.stamps == "software" && r.discipline == "" {
		return h, err
	}
	own := "" // the port's clock
	if r.stamps != "software" || r.discipline == "auto" {
		own, err = h.openPort(r.port, local, master)
		if err != nil && (r.stamps != "auto" || r.discipline == "auto") {
			return h, err
		}
		if err != nil {
			h.report.Why, err = err.Error(), nil
		}
	}
	device := r.discipline
	if device == "auto" {
		device = own
	}
	if device != "" {
		phc, err := openSteered(device)
		if err != nil {
			return h, fmt.Errorf("rehearse: --discipline %s: %w", device, err)
		}
		h.steered = &steering{clock: phc}
	}
	if r.stamps == "software" || own == "" {
		return h, nil
	}
	if err := h.stampBy(own, device); err != nil {
		if r.stamps == "hardware" {
			return h, err
		}
		h.report.Why = err.Error()
	}
	return h, nil
}

// openPort finds the network port and its clock's device.
func (h *hardware) openPort(name string, local, master netip.Addr) (phc string, err error) {
	if name == "" {
		if name, err = portOf(local, master); err != nil {
			return "", err
		}
	}
	if h.nic, err = board.OpenNIC(name); err != nil {
		return "", fmt.Errorf("rehearse: there is no network port %q (fix: --interface with a name of 'ip link')", name)
	}
	abilities, err := h.nic.Abilities()
	if err == nil && abilities.PHC < 0 {
		err = fmt.Errorf("rehearse: the network port %s has no PTP hardware clock (fix: --stamps software, or --interface with another port)", h.nic.Physical())
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/dev/ptp%d", abilities.PHC), nil
}

// stampBy uses the stamps of the port's clock; device is the one that is steered.
func (h *hardware) stampBy(own, device string) (err error) {
	now, err := h.nic.Stamping()
	if err != nil || now.Tx == board.TxOff || now.Rx == board.RxNone {
		if now, err = h.nic.SetStamping(board.TxStamp, board.RxPTPv2L4Event); err == nil && (now.Tx == board.TxOff || now.Rx == board.RxNone) {
			err = fmt.Errorf("rehearse: the network port %s stamps no PTP messages (fix: --stamps software)", h.nic.Physical())
		}
	}
	if err != nil {
		return err
	}
	if own == device {
		h.stamps = h.steered.clock.(*board.PHC)
	} else if h.stamps, err = board.WatchPHC(func() (string, error) { return own, nil }); err != nil {
		return err
	}
	h.report.Source = "hardware"
	return nil
}

// portOf is the network port that has the client's address.
func portOf(local, master netip.Addr) (string, error) {
	if !local.IsValid() || local.IsUnspecified() {
		c, err := net.Dial("udp", netip.AddrPortFrom(master, 319).String()) // sends nothing
		if err != nil {
			return "", fmt.Errorf("rehearse: which network port leads to %s? %w (fix: --interface NAME)", master, err)
		}
		defer c.Close()
		local = c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	}
	ports, err := net.Interfaces()
	if err != nil {
		return "", fmt.Errorf("rehearse: %w", err)
	}
	for _, port := range ports {
		addresses, _ := port.Addrs() // one that has just gone has none
		for _, address := range addresses {
			if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr() == local {
				return port.Name, nil
			}
		}
	}
	return "", fmt.Errorf("rehearse: no network port has the address %s (fix: --interface NAME)", local)
}

// openSteered opens a clock to steer it. One that somebody else uses is left alone: it may
// be the clock that a grandmaster serves.
func openSteered(device string) (*board.PHC, error) {
	phc, err := board.FindPHC(func() (string, error) { return device, nil }, 0)
	if err != nil {
		return nil, err
	}
	if holders := phc.Holders(); len(holders) > 0 {
		return nil, errors.Join(fmt.Errorf("it is in use by %s (fix: stop that first, or name another clock)", strings.Join(holders, ", ")), phc.Close())
	}
	if phc.Capabilities().MaxPPB == 0 {
		return nil, errors.Join(fmt.Errorf("its driver cannot steer it (fix: name another clock)"), phc.Close())
	}
	if _, err := phc.AdjustFrequency(0); err != nil {
		return nil, errors.Join(err, phc.Close())
	}
	return phc, nil
}

// toMono is for client.Config.Device; nil: the kernel's stamps.
func (h *hardware) toMono() func(ns int64) (timescale.Mono, bool) {
	if h.stamps == nil {
		return nil
	}
	const stale = 2 * time.Second // the device is gone
	return func(ns int64) (timescale.Mono, bool) {
		line := h.stamps.Timebase()
		return line.MonoAt(timescale.LocalFromNs(ns)), kernelclock.Raw().Sub(line.Mono0) < stale
	}
}

func (h *hardware) close() (err error) {
	if h.steered != nil {
		err = h.steered.clock.Close()
	}
	if h.stamps != nil { // closed twice, it does nothing
		err = errors.Join(err, h.stamps.Close())
	}
	if h.nic != nil {
		err = errors.Join(err, h.nic.Close())
	}
	return err
}

// steering brings a hardware clock to the client's clock, which exists only as numbers.
type steering struct {
	clock    steeredClock
	follower rehearsal.Follower
	applied  float64 // the clock's correction, ppb
	err      error   // why it is not steered any more
}

// steeredClock is a PHC, or a test's.
type steeredClock interface {
	board.Clock
	Timebase() board.Timebase
	Close() error
}

// paper is the client's clock.
type paper interface {
	Clock(at timescale.Mono) (ns int64, ppb float64, ok bool)
	State() rehearsal.State
}

// steer does what is due; stop ends the rehearsal where it cannot.
func (s *steering) steer(now timescale.Mono, client paper, stop context.CancelFunc) {
	ns, ppb, ok := client.Clock(now)
	if s == nil || s.err != nil || !ok {
		return
	}
	own := s.clock.Timebase().RatePPB - s.applied
	order, ok := s.follower.Decide(now, client.State(), s.clock.Local(now).Ns(), ns, own, ppb)
	switch {
	case !ok:
		return
	case order.StepNs != 0:
		s.err = s.clock.Step(order.StepNs)
	default:
		s.applied, s.err = s.clock.AdjustFrequency(order.PPB)
	}
	if s.err != nil {
		stop()
	}
}

// rest ends the steering: the clock goes on at the client's rate.
func (s *steering) rest(now timescale.Mono, client paper) {
	if s == nil || s.err != nil {
		return
	}
	if _, ppb, ok := client.Clock(now); ok {
		s.applied, s.err = s.clock.AdjustFrequency(ppb - (s.clock.Timebase().RatePPB - s.applied))
	}
}

// result is what became of the clock; nil: none was steered.
func (s *steering) result() *rehearsal.Followed {
	if s == nil {
		return nil
	}
	return s.follower.Report(s.clock.Info().Name, s.applied)
}
