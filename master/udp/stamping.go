package udp

import (
	"fmt"
	"net"
	"time"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/egress"
	"bragi/master/udp/socket"
)

// Stamping is what of the network device's own time stamps is used. They must
// be the served clock's. The zero value uses the kernel's software stamps alone.
type Stamping struct {
	// Transmit: the device stamps unicast messages that leave, if it is asked to.
	Transmit bool
	// Receive: the device stamps event messages that come.
	Receive bool
	// OneStep: the device writes the time into each Sync by itself. It then gives no
	// stamp of a Sync.
	OneStep bool
	// TwoStep: every Sync is followed by its stamp; else only those of the master's
	// TwoStepFor.
	TwoStep bool
	// Test sends the first twins, which show whether the device stamps; Twins goes
	// on with them, for a device that stamps no unicast Sync.
	Test, Twins bool
	// Device is whose stamps they are: twins leave by it.
	Device string
}

// SetStamping changes what is used, at once.
func (s *Server) SetStamping(c Stamping) {
	s.device.Lock()
	defer s.device.Unlock()
	old := s.twins
	var err error
	if c.Test || c.Twins {
		err = s.renewTwins(c.Device)
	}
	now := s.twins
	s.post(func(m *master.Master, l *loop) {
		if l.twinsError = err; now != old {
			old.close()
		}
		l.twins = now
		l.stamping = c
		m.SetTwoStep(c.TwoStep)
		kind := kernelStamps
		if c.Transmit && !c.OneStep {
			kind = deviceStamps
		}
		l.stamps.use(kind)
		if m.Follows() {
			l.stamps.follow()
		}
		if t := l.twins; t != nil && (c.Test || c.Twins) {
			t.begin(Now(), c.Twins, c.OneStep)
		}
	})
}

// renewTwins makes twins for a device, unless those that there are were made for
// it: one that was replugged is another. The caller holds s.device.
func (s *Server) renewTwins(name string) error {
	device, err := net.InterfaceByName(name)
	if err != nil {
		s.twins = nil
		return fmt.Errorf("udp: twins: interface %q: %w: check its name with `ip link`", name, err)
	}
	if s.twins != nil && s.twins.index == device.Index {
		return nil
	}
	s.twins, err = openTwins(device, s.cfg.Twins, s.cfg.Identity, s.cfg.Priority, s.cfg.EventPort)
	return err
}

// StampStats count what became of time stamps.
type StampStats struct {
	// Asked counts the transmit stamps that were asked of the device; Stamped those
	// that it gave; Withheld those that did not come although the kernel says that
	// it gave the message to the device; Refused those that cannot be.
	Asked, Stamped, Withheld, Refused uint64
	// Written counts the samples whose time the kernel wrote, Unwritten those that
	// it was to write and did not.
	Written, Unwritten uint64
	// Received counts event messages with a stamp of the device, ReceivedSoftware
	// those that had to do with the kernel's, ReceivedRefused those of them whose
	// stamp of the device cannot be.
	Received, ReceivedSoftware, ReceivedRefused uint64
	// Waited is what the kernel's receive stamp is behind the device's, of messages
	// that have both, in ns; its median is taken off a stamp of the kernel's alone.
	Waited egress.Spread
	// Beyond is what the device's transmit stamp is behind the kernel's, in ns.
	Beyond egress.Spread
}

const (
	// A stamp of the device lies before the kernel's by what an interrupt takes, and
	// never long after it.
	longestInterrupt = 100 * time.Millisecond
	clockNoise       = 200 * time.Microsecond
)

// arrival is when a message came, by the best stamp that it has. A device's is
// the served clock's reading; it is believed if the kernel's, which is rough
// but comes by another way, does not contradict it.
func (l *loop) arrival(p *socket.Packet) (timescale.Local, bool) {
	at, ok := l.stamp(p.KernelNs)
	if !l.stamping.Receive {
		return at.Add(-l.s.ingress), ok
	}
	n := &l.stamps.stats
	if p.DeviceNs != 0 {
		device := timescale.LocalFromNs(p.DeviceNs)
		reference := at
		if !ok {
			reference = l.clock.Local(Now())
		}
		behind := reference.Sub(device)
		if -clockNoise <= behind && behind <= longestInterrupt {
			if ok {
				l.stamps.interrupt.Add(int64(behind))
			}
			n.Received++
			return device.Add(-l.s.ingress), true
		}
		n.ReceivedRefused++
	}
	if ok {
		n.ReceivedSoftware++
		at = at.Add(-time.Duration(l.stamps.interrupt.Median()))
	}
	return at.Add(-l.s.ingress), ok
}
