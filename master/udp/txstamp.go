package udp

import (
	"encoding/binary"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/stability"
	"bragi/master/egress"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// stamper asks when Syncs left and teaches the egress predictor by it: of a
// sample of those that say it themselves, of all that are to be followed. A
// stamp comes back on the socket's error queue with the message it belongs to;
// nobody waits for it.
//
// A sample is asked of both the kernel and the device, if it can: the kernel's
// stamp says that the device was given the message, so that a device that gives
// none back is found out, and a client that cannot be reached is not blamed on it.
type stamper struct {
	predictor *egress.Predictor
	residuals stability.Histogram // of the predictor, since the start
	other     *egress.Predictor   // of the kind of stamp that is not used now
	device    bool                // unicast Syncs are stamped by the device
	egress    time.Duration       // from a stamp to the wire
	beyond    *egress.Window      // the device's stamp after the kernel's, ns
	interrupt *egress.Window      // the kernel's receive stamp after the device's, ns
	stats     StampStats
	before    Latency // what another process learnt

	numbered bool // stamps come back with the number that they were asked by, else with the message

	asked []asked // a ring, by the time of asking
	first uint32  // the oldest that may wait
	next  uint32
	last  [3]timescale.Mono // the last sample of each path
	taken [3]uint32         // samples of each path
	woke  bool              // the thread has slept since the last Sync

	lost, stray uint64
}

// asked is a Sync whose stamps have not all come yet.
type asked struct {
	key       uint64 // its number, or what is known of it: no two that wait share one
	dst       [4]byte
	want      socket.Wish
	sample    bool   // it teaches the predictor
	token     uint32 // 0: it says itself when it left
	guest     Guest  // is told when it left; nil: nobody
	seq       uint16 // of a guest's
	path      egress.Path
	read      timescale.Mono  // when the clock was read
	origin    timescale.Local // what it says
	predicted int64
	marked    bool            // the kernel is to write the time into it
	rest      int64           // what was predicted from there to the wire
	software  timescale.Local // the kernel's stamp on the served clock; zero: not come
}

const (
	sampling    = 256        // Syncs that may wait where samples are taken
	following   = 4096       // where every Sync is followed
	stampWaitNs = 1e9        // that a stamp is waited for
	sampleEvery = 10_000_000 // ns between samples of one path, while it is learnt
	sampleLater = 50_000_000 // and when it is known
	knownAfter  = 256        // samples
)

func newStamper() *stamper {
	return &stamper{
		predictor: egress.New(), other: egress.New(), beyond: egress.NewWindow(), interrupt: egress.NewWindow(),
		asked: make([]asked, sampling),
	}
}

// stampKind is whose stamps of unicast Syncs are used.
type stampKind bool

const (
	kernelStamps stampKind = false
	deviceStamps stampKind = true
)

// use says whose stamps are used. What each kind of stamp has taught is kept; the
// other kind begins with it.
func (s *stamper) use(kind stampKind) {
	if device := kind == deviceStamps; device != s.device {
		s.device = device
		s.taken = [3]uint32{}
		s.predictor, s.other = s.other, s.predictor
		if !s.predictor.Knows() {
			s.learnt()
		}
		if !s.predictor.Knows() {
			s.predictor.Resume(s.other.Save())
		}
	}
}

// follow makes room for every Sync to be followed.
func (s *stamper) follow() {
	if len(s.asked) < following {
		s.asked, s.first = make([]asked, following), s.next
	}
}

// path is what the next Sync runs through.
func (s *stamper) path() egress.Path {
	if s.woke {
		s.woke = false
		return egress.First
	}
	return egress.Later
}

// due tells whether a Sync on this path, read at now, is to be stamped.
func (s *stamper) due(on egress.Path, now timescale.Mono) bool {
	every := int64(sampleEvery)
	if s.taken[on] >= knownAfter {
		every = sampleLater
	}
	if !s.last[on].IsZero() && int64(now.Sub(s.last[on])) < every {
		return false
	}
	s.last[on] = now
	s.taken[on]++
	return true
}

// wants are the stamps to ask for.
func (s *stamper) wants(sample bool) socket.Wish {
	switch {
	case !s.device:
		return socket.KernelStamp
	case sample:
		return socket.KernelStamp | socket.DeviceStamp
	}
	return socket.DeviceStamp
}

// ask remembers a Sync that was sent with the wish for stamps.
func (s *stamper) ask(payload []byte, a asked) {
	s.expire(a.read)
	slot := &s.asked[s.next%uint32(len(s.asked))]
	if s.next-s.first == uint32(len(s.asked)) {
		s.giveUp(slot)
		s.first++
	}
	if a.want&socket.DeviceStamp != 0 {
		s.stats.Asked++
	}
	if a.key = uint64(s.next); !s.numbered {
		a.key = keyOf(payload[len(payload)-wire.SyncLen:])
		if a.marked {
			a.key = keyOfMarked(payload, a.dst)
		}
	}
	s.next++
	*slot = a
}

// expire gives up what has waited long.
func (s *stamper) expire(now timescale.Mono) {
	for s.first != s.next {
		a := &s.asked[s.first%uint32(len(s.asked))]
		if a.want != 0 && int64(now.Sub(a.read)) < stampWaitNs {
			return
		}
		s.giveUp(a)
		s.first++
	}
}

func (s *stamper) giveUp(a *asked) {
	switch {
	case a.want == 0:
		return
	case a.software != (timescale.Local{}):
		s.stats.Withheld++
	default:
		s.lost++
	}
	a.want = 0
}

// keyOf tells Syncs apart: no two are read at the same nanosecond. What is longer has
// the key of its last octets, which have its originTimestamp too.
func keyOf(sync []byte) uint64 {
	origin := sync[wire.OriginOffset:]
	sec, ns := binary.BigEndian.Uint32(origin[2:]), binary.BigEndian.Uint32(origin[6:])
	return uint64(binary.BigEndian.Uint16(sync[wire.SequenceOffset:]))<<48 | uint64(sec&0x3FFFF)<<30 | uint64(ns)
}

// keyOfMarked likewise, for a Sync that the kernel changes. Two clients at one
// address may get the same sequenceId within a second, and the stamp of one may
// then be taken for the other's, which is no harm: what was said is read from the
// looped Sync itself.
func keyOfMarked(sync []byte, dst [4]byte) uint64 {
	return uint64(binary.BigEndian.Uint16(sync[wire.SequenceOffset:]))<<32 | uint64(binary.BigEndian.Uint32(dst[:]))
}

// find is the Sync that stamps belong to: by their number, or the one that a
// looped packet ends in.
func (s *stamper) find(packet []byte, t socket.Departed) *asked {
	if s.numbered {
		a := &s.asked[t.Number%uint32(len(s.asked))]
		if a.want == 0 || a.key != uint64(t.Number) {
			return nil
		}
		return a
	}
	if len(packet) < wire.SyncLen {
		return nil
	}
	sync := packet[len(packet)-wire.SyncLen:]
	key, marked, known := keyOf(sync), uint64(0), false
	// A marked one is IPv4's: the last field of its header is the destination.
	if at := len(packet) - wire.SyncLen - socket.Headers; at >= 0 {
		marked, known = keyOfMarked(sync, [4]byte(packet[at+16:])), true
	}
	for i := s.first; i != s.next; i++ {
		a := &s.asked[i%uint32(len(s.asked))]
		if a.want != 0 && (!a.marked && a.key == key || a.marked && known && a.key == marked) {
			return a
		}
	}
	return nil
}

// drain takes the stamps that have come, and sends the Follow_Ups that they
// make.
func (l *loop) drain() {
	s := l.stamps
	looked := false
	for {
		packet, d, ok := l.departure.Left()
		if !ok {
			break
		}
		if d.Stamps == (socket.Stamps{}) {
			s.stray++
			continue
		}
		if !looked && d.KernelNs != 0 {
			l.bridge.Look()
			looked = true
		}
		l.left(packet, d)
	}
	if l.out.Len() > 0 {
		l.flush()
	}
}

// left takes the stamps of one looped packet.
func (l *loop) left(packet []byte, t socket.Departed) {
	s := l.stamps
	a := s.find(packet, t)
	if a == nil {
		s.stray++
		return
	}
	if t.KernelNs != 0 && a.want&socket.KernelStamp != 0 {
		a.want &^= socket.KernelStamp
		m, ok := l.bridge.Mono(t.KernelNs)
		if !ok {
			s.stray++
		} else if a.software = l.clock.Local(m); !s.device {
			l.departed(a, packet, a.software.Add(time.Duration(s.beyond.Median())))
		}
	}
	if t.DeviceNs != 0 && a.want&socket.DeviceStamp != 0 {
		a.want &^= socket.DeviceStamp
		s.stats.Stamped++
		at := timescale.LocalFromNs(t.DeviceNs)
		if l.departed(a, packet, at) && a.software != (timescale.Local{}) {
			s.beyond.Add(int64(at.Sub(a.software)))
		}
	}
}

// departed takes the moment at which a Sync was stamped, and the Sync as it was.
// A moment that cannot be teaches nothing, and makes no Follow_Up.
func (l *loop) departed(a *asked, packet []byte, stamp timescale.Local) (ok bool) {
	s := l.stamps
	at := stamp.Add(s.egress)
	path, from, predicted := a.path, a.origin.Add(-time.Duration(a.predicted)), a.predicted
	if a.marked {
		if origin, ok := written(packet); ok {
			path, from, predicted = egress.Written, origin.Add(-time.Duration(a.rest)), a.rest
			s.stats.Written++
		} else {
			s.stats.Unwritten++
		}
	}
	late := int64(at.Sub(from)) - predicted
	ok = plausible(time.Duration(late))
	if ok && a.sample {
		if ok = s.predictor.Observe(path, late+predicted, predicted); ok {
			s.residuals.Add(float64(late))
		}
		if ok && path == egress.Written {
			s.predictor.Learn(a.path, int64(at.Sub(a.origin))+a.predicted)
		}
	}
	if !ok {
		if s.device {
			s.stats.Refused++
		} else {
			s.stray++
		}
	}
	if ok && a.guest != nil {
		a.guest.Left(a.seq, at)
	}
	if a.token != 0 {
		l.m.FollowUp(Now(), a.token, a.origin, at, &l.out)
	}
	return ok
}

// plausible: a stamp is not far from what was predicted. Drivers are known whose
// stamps are 1 s off when the second changes while they are read.
func plausible(late time.Duration) bool {
	const far = 10 * time.Millisecond
	return -far <= late && late <= far
}
