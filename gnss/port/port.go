package port

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// Config says which port to read. With a nil Talk and no Probe not a byte is
// ever written.
type Config struct {
	Device string // "/dev/ttyS4", or a link to it
	Baud   int    // 0: find out by listening
	// Likely is the rate to listen at first, found before; 0: none is known.
	Likely int
	// Talk writes to the receiver once its rate is known; nil: nobody does.
	Talk Talker
	// Probe is written at a rate that stays silent while the rate is sought, in
	// the first probeRounds rounds after the port was opened: a receiver that was
	// set to say nothing may answer.
	Probe []byte
}

// Talker has something to say to the receiver. Speak is called by Run's
// goroutine after each read, a few times a second at least, while the port is
// open and its rate known. It returns what to write now, and the rate to go on
// with after it has left; nothing and 0 most of the time.
type Talker interface {
	Speak() (write []byte, baud int)
}

const (
	readTimeout = 200 * time.Millisecond // how soon the end of ctx is seen
	// listenPerRate is how long each rate is tried: a receiver that speaks once a second
	// is heard, and all rates take less than 10 s.
	listenPerRate = 1200 * time.Millisecond
	// probeAfter is how long a rate must be silent before it is probed.
	probeAfter  = 400 * time.Millisecond
	probeRounds = 3
	firstRetry  = 250 * time.Millisecond
	lastRetry   = 2 * time.Second
	chunkSize   = 4096
	// deafBytes is how many bytes may come without a good frame, two of the longest,
	// before the rate is sought anew: the receiver was reset or set to another.
	// After deafTime without one, deafBytesLater do.
	deafBytes      = 2 * maxPayload
	deafTime       = 4 * time.Second
	deafBytesLater = 256
	// drainTime is how long the last bytes may wait in an adapter after the kernel
	// calls them sent.
	drainTime = 100 * time.Millisecond
)

// rates are tried in this order: the usual ones of receivers first.
var rates = []int{9600, 38400, 115200, 4800, 57600, 230400, 460800, 19200}

// likely are the rates with one that is tried before the others.
func likely(first int) []int {
	if !slices.Contains(rates, first) {
		return rates
	}
	others := slices.DeleteFunc(slices.Clone(rates), func(r int) bool { return r == first })
	return append([]int{first}, others...)
}

// Port reads one serial port.
type Port struct {
	cfg  Config
	last EventKind
	said bool
}

// New makes a Port; nothing is opened yet.
func New(cfg Config) *Port { return &Port{cfg: cfg} }

// Run reads the port until ctx ends and returns ctx's error. It calls data with
// each chunk and onEvent with each change, both from this goroutine; the chunk
// is only valid during the call.
func (p *Port) Run(ctx context.Context, data func(received timescale.Mono, chunk []byte), onEvent func(Event)) error {
	retry := firstRetry
	for ctx.Err() == nil {
		started := time.Now()
		p.session(ctx, data, onEvent)
		if time.Since(started) > lastRetry {
			retry = firstRetry
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
		retry = min(2*retry, lastRetry)
	}
	return ctx.Err()
}

// session opens the port, reads it while that works, and closes it.
func (p *Port) session(ctx context.Context, data func(timescale.Mono, []byte), onEvent func(Event)) {
	first := p.cfg.Baud
	if first == 0 {
		first = likely(p.cfg.Likely)[0]
	}
	wait, err := newWaiter(p.cfg.Device)
	if err != nil {
		p.say(onEvent, openEvent(p.cfg.Device, err))
		return
	}
	defer wait.close()
	sp, err := serial.Open(p.cfg.Device, &serial.Mode{BaudRate: first})
	if err != nil {
		p.say(onEvent, openEvent(p.cfg.Device, err))
		return
	}
	// What was written is answered or written again: a failing Close loses nothing.
	defer func() { _ = sp.Close() }()
	if err := sp.SetReadTimeout(readTimeout); err != nil {
		p.say(onEvent, openEvent(p.cfg.Device, err))
		return
	}
	r := &reader{port: sp, wait: wait, buf: make([]byte, chunkSize), talk: p.cfg.Talk, probe: p.cfg.Probe, rates: likely(p.cfg.Likely)}
	if p.cfg.Baud != 0 {
		p.say(onEvent, Event{Kind: Opened, Device: p.cfg.Device, Baud: p.cfg.Baud})
	}
	for ctx.Err() == nil {
		if p.cfg.Baud == 0 {
			baud, err := r.detect(ctx, data)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				p.say(onEvent, lostEvent(p.cfg.Device, err))
				return
			}
			if baud == 0 {
				p.say(onEvent, noFramesEvent(p.cfg.Device, r.heard))
				continue
			}
			p.cfg.Likely = baud
			p.say(onEvent, Event{Kind: Opened, Device: p.cfg.Device, Baud: baud})
		}
		if err := r.stream(ctx, data, p.cfg.Baud == 0); err != nil && ctx.Err() == nil {
			p.say(onEvent, lostEvent(p.cfg.Device, err))
			return
		}
	}
}

// say passes an event on if it is news.
func (p *Port) say(onEvent func(Event), e Event) {
	if p.said && p.last == e.Kind && e.Kind != Opened {
		return
	}
	// A device that was lost is missing until it is back: one event tells it.
	if p.said && p.last == Lost && e.Kind == Missing {
		return
	}
	p.last, p.said = e.Kind, true
	onEvent(e)
}

// reader reads an open port.
type reader struct {
	port   serial.Port
	wait   *waiter
	buf    []byte
	heard  bool // bytes came at some rate
	talk   Talker
	probe  []byte
	rounds int // of all rates
	rates  []int
}

// read is the next chunk; none when it does not come within the patience.
func (r *reader) read(patience time.Duration) (timescale.Mono, []byte, error) {
	if ok, err := r.wait.readable(patience); !ok {
		return timescale.Mono{}, nil, err
	}
	n, err := r.port.Read(r.buf)
	if err != nil {
		return timescale.Mono{}, nil, err
	}
	if n == 0 {
		return timescale.Mono{}, nil, nil
	}
	now, err := rawTime()
	return now, r.buf[:n], err
}

// stream passes chunks on and lets the talker speak. With watch it returns nil
// when bytes keep coming but make no frame.
func (r *reader) stream(ctx context.Context, data func(timescale.Mono, []byte), watch bool) error {
	var s sniffer
	good, since, lastGood := 0, 0, time.Now()
	for ctx.Err() == nil {
		now, chunk, err := r.read(readTimeout)
		if err != nil {
			return err
		}
		if len(chunk) > 0 {
			data(now, chunk)
			since += len(chunk)
			if g := s.feed(chunk); g > good {
				good, since, lastGood = g, 0, time.Now()
			}
			if watch && (since > deafBytes || since > deafBytesLater && time.Since(lastGood) > deafTime) {
				return nil
			}
		}
		changed, err := r.speak()
		if err != nil {
			return err
		}
		if changed { // its first frame at the new rate may take a while
			since, lastGood = 0, time.Now()
		}
	}
	return nil
}

// speak writes what the talker has to say.
func (r *reader) speak() (changed bool, err error) {
	if r.talk == nil {
		return false, nil
	}
	text, baud := r.talk.Speak()
	if err := r.write(text); err != nil || baud == 0 {
		return false, err
	}
	if err := r.port.Drain(); err != nil {
		return false, err
	}
	time.Sleep(drainTime)
	return true, r.port.SetMode(&serial.Mode{BaudRate: baud})
}

func (r *reader) write(text []byte) error {
	for len(text) > 0 {
		n, err := r.port.Write(text)
		if err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// detect listens at each rate for a good frame and passes on what came with it.
// baud is 0 if there was none; err says that the port is gone.
func (r *reader) detect(ctx context.Context, data func(timescale.Mono, []byte)) (baud int, err error) {
	r.heard = false
	r.rounds++
	for _, rate := range r.rates {
		if r.port.SetMode(&serial.Mode{BaudRate: rate}) != nil {
			continue // this hardware cannot do it
		}
		found, err := r.listenAt(ctx, data)
		if err != nil {
			return 0, err
		}
		if found {
			return rate, nil
		}
		if ctx.Err() != nil {
			return 0, nil
		}
	}
	return 0, nil
}

// probesLeft: a receiver that never answers is not asked for ever.
func (r *reader) probesLeft() bool { return r.rounds <= probeRounds }

// chunkAt is a chunk that waits for the rate to prove right.
type chunkAt struct {
	received timescale.Mono
	bytes    []byte
}

func (r *reader) listenAt(ctx context.Context, data func(timescale.Mono, []byte)) (found bool, err error) {
	var s sniffer
	var held []chunkAt
	var probe []byte
	if r.probesLeft() {
		probe = r.probe
	}
	for started := time.Now(); time.Since(started) < listenPerRate && ctx.Err() == nil; {
		now, chunk, err := r.read(min(readTimeout, max(0, listenPerRate-time.Since(started))))
		if err != nil {
			return false, err
		}
		if len(chunk) == 0 {
			if len(held) == 0 && time.Since(started) >= probeAfter {
				if err := r.write(probe); err != nil {
					return false, err
				}
				probe = nil
			}
			continue
		}
		r.heard = true
		held = append(held, chunkAt{now, append([]byte(nil), chunk...)})
		if s.feed(chunk) > 0 {
			for _, h := range held {
				data(h.received, h.bytes)
			}
			return true, nil
		}
	}
	return false, nil
}

// rawTime reads CLOCK_MONOTONIC_RAW. A 32-bit Timespec holds it: it counts from
// boot.
func rawTime() (timescale.Mono, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &ts); err != nil {
		return timescale.Mono{}, fmt.Errorf("gnss/port: CLOCK_MONOTONIC_RAW: %w", os.NewSyscallError("clock_gettime", err))
	}
	return timescale.MonoFromNs(ts.Nano()), nil
}
