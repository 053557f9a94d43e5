// Package live runs the board of software (board/sim) on the kernel's clocks:
// the same models, a real pseudo terminal for the receiver's bytes, and no root.
//
//	CLOCK_REALTIME + TAI offset --> sky  \   read in one sandwich with
//	CLOCK_MONOTONIC_RAW ------------ PHC /   CLOCK_MONOTONIC_RAW
//	sim.Board.Advance --> pulse edges --> ReadEdge
//	                 \--> bytes ------> pty --> Device, for gnss/port
//
// One goroutine drives the model. A pulse is found after it happened, on the
// line between two sandwiches, so that lateness of the goroutine is in no
// stamp. Local reads a published copy of the PHC's lines and takes no lock.
package live

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"bragi/board"
	"bragi/board/kernelclock"
	"bragi/board/sim"
	"bragi/gnss/timescale"
)

// Config says which board to run. The sky is CLOCK_REALTIME + Sim.TAIMinusUTC.
type Config struct {
	Sim sim.Config
	// Saved is the board to go on with; nil: a new one.
	Saved *sim.Saved
	// Keep, unless nil, is handed the board whenever something was written to it,
	// so that a process that is killed leaves it as a real one would be left.
	Keep func(sim.Saved)
}

// Board is a running board of software. It is a board.Clock and a board.Pulses.
type Board struct {
	lines atomic.Pointer[[]sim.Line] // published, never changed
	info  board.ClockInfo
	edges chan timescale.Edge
	port  *pty
	tai   time.Duration
	clock *Board // that stamps the pulses; nil: this one

	stop context.CancelFunc
	done chan struct{} // closed when the goroutine has ended

	mu    sync.Mutex // guards model
	model *sim.Board
	keep  func(sim.Saved)

	spoken timescale.Mono // when the host last wrote to the receiver; the goroutine's
	kept   timescale.Mono // when a receiver beside another board was last kept; likewise
}

var (
	_ board.Clock  = (*Board)(nil)
	_ board.Pulses = (*Board)(nil)
)

const (
	// ahead is how far the PHC's lines are made and published in advance.
	ahead = 2 * time.Second
	// The goroutine looks after the model at least and at most so often.
	shortSleep = 200 * time.Microsecond
	longSleep  = 250 * time.Millisecond
	// While the host talks to the receiver its words are looked for more often.
	attentive    = 10 * time.Millisecond
	conversation = 3 * time.Second
	// edgeRoom is how many pulses wait for a reader; then the oldest go.
	edgeRoom = 16
)

// Start makes a board and runs it until ctx ends or Close is called.
func Start(ctx context.Context, config Config) (*Board, error) { return startBeside(ctx, config, nil) }

func startBeside(ctx context.Context, config Config, clock *Board) (*Board, error) {
	b := &Board{
		clock: clock,
		edges: make(chan timescale.Edge, edgeRoom), done: make(chan struct{}), keep: config.Keep,
		info: board.ClockInfo{Name: "sim", Driver: "software", QuantumPPB: config.Sim.QuantumPPB, MaxPPB: config.Sim.MaxPPB},
	}
	if b.info.MaxPPB == 0 {
		b.info.MaxPPB = sim.DefaultMaxPPB
	}
	if config.Sim.TAIMinusUTC == 0 {
		config.Sim.TAIMinusUTC = sim.DefaultTAIMinusUTC
	}
	b.tai = time.Duration(config.Sim.TAIMinusUTC) * time.Second
	pair, err := readNarrow()
	if err != nil {
		return nil, fmt.Errorf("board/sim/live: %w", err)
	}
	if config.Saved != nil {
		b.model, err = sim.Resume(config.Sim, *config.Saved, pair.Mono, b.sky(pair))
	} else {
		b.model, err = sim.New(config.Sim, pair.Mono, b.sky(pair))
	}
	if err != nil {
		return nil, err
	}
	if b.port, err = openPTY(); err != nil {
		return nil, err
	}
	b.model.PHC().Extend(pair.Mono.Add(ahead))
	b.publish()
	ctx, b.stop = context.WithCancel(ctx)
	go b.run(ctx)
	return b, nil
}

func (b *Board) sky(p kernelclock.Pair) timescale.TAI {
	return timescale.TAIFromNs(p.Realtime.Ns() + int64(b.tai))
}

func (b *Board) run(ctx context.Context) {
	defer close(b.done)
	defer b.port.close()
	defer b.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(b.advance())
	}
}

// advance brings the model to now, hands on what came out, and tells how long
// to sleep.
func (b *Board) advance() time.Duration {
	pair, err := readNarrow()
	if err != nil {
		return longSleep
	}
	text, baud := b.port.take(), b.port.hostBaud()
	b.mu.Lock()
	b.model.SetHostBaud(baud)
	if len(text) > 0 {
		b.spoken = pair.Mono
		b.model.Receive(pair.Mono, baud, text)
	}
	events := b.model.Advance(pair.Mono, b.sky(pair))
	b.model.PHC().Extend(pair.Mono.Add(ahead))
	b.publish()
	next := b.model.Next()
	if b.clock != nil && pair.Mono.Sub(b.kept) >= time.Second { // nobody steers it
		b.kept = pair.Mono
		b.written()
	}
	b.mu.Unlock()
	for _, e := range events {
		switch e.Kind {
		case sim.PulseEdge:
			if b.clock != nil {
				e.Edge.Local = b.clock.Local(e.Edge.Mono)
			}
			b.deliver(e.Edge.Edge)
		case sim.ReceiverBytes:
			b.port.write(e.Bytes, pair.Mono)
		}
	}
	longest := longSleep
	if !b.spoken.IsZero() && pair.Mono.Sub(b.spoken) < conversation {
		longest = attentive
	}
	return max(shortSleep, min(longest, next.Sub(kernelclock.Raw())))
}

// readNarrow reads the pair that the sky goes by. A processor that was taken
// away in the middle would look like a jump of CLOCK_REALTIME: try again.
func readNarrow() (kernelclock.Pair, error) {
	const narrowNs, tries = 20_000, 5
	for i := 1; ; i++ {
		pair, err := kernelclock.ReadPair()
		if err != nil || pair.WidthNs <= narrowNs || i == tries {
			return pair, err
		}
	}
}

// publish shows the PHC's lines to Local. The caller holds mu, or is alone.
func (b *Board) publish() {
	lines := b.model.PHC().Lines()
	b.lines.Store(&lines)
}

func (b *Board) deliver(e timescale.Edge) {
	for {
		select {
		case b.edges <- e:
			return
		default:
		}
		select { // nobody reads: the oldest goes
		case <-b.edges:
		default:
		}
	}
}

// Device is the path of the receiver's serial port.
func (b *Board) Device() string { return b.port.name }

// ReadEdge blocks until a pulse came, ctx ended or the board was closed.
func (b *Board) ReadEdge(ctx context.Context) (timescale.Edge, error) {
	select {
	case e := <-b.edges:
		return e, nil
	case <-ctx.Done():
		return timescale.Edge{}, ctx.Err()
	case <-b.done:
		return timescale.Edge{}, fmt.Errorf("board/sim/live: read pulse: %w", os.ErrClosed)
	}
}

// Close stops the board and waits for its end. It may be called again.
func (b *Board) Close() error {
	b.stop()
	<-b.done
	return nil
}

// Local is what the PHC reads when CLOCK_MONOTONIC_RAW is m.
func (b *Board) Local(m timescale.Mono) timescale.Local {
	return sim.LineAt(*b.lines.Load(), m).At(m)
}

// Cross reads the PHC together with the kernel's clocks.
func (b *Board) Cross() (board.Cross, error) {
	p, err := kernelclock.ReadPair()
	if err != nil {
		return board.Cross{}, fmt.Errorf("board/sim/live: cross timestamp: %w", err)
	}
	return board.Cross{Local: b.Local(p.Mono), Mono: p.Mono, Realtime: p.Realtime, WidthNs: p.WidthNs}, nil
}

// AdjustFrequency sets the frequency correction from now on.
func (b *Board) AdjustFrequency(ppb float64) (float64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.written()
	return b.model.PHC().AdjustFrequency(kernelclock.Raw(), ppb)
}

// written shows and keeps the board after a change. The caller holds mu.
func (b *Board) written() {
	b.publish()
	if b.keep != nil {
		b.keep(b.model.Save())
	}
}

// Step adds deltaNs to the PHC now.
func (b *Board) Step(deltaNs int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.model.PHC().Step(kernelclock.Raw(), deltaNs)
	b.written()
	return nil
}

// Info describes the PHC.
func (b *Board) Info() board.ClockInfo { return b.info }

// SetAntenna cuts or restores the antenna.
func (b *Board) SetAntenna(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.model.SetAntenna(ok)
	b.written()
}

// Glitch lets the next pulse come d late, once.
func (b *Board) Glitch(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.model.Glitch(d)
}

// TemperatureC is what the board's thermometer shows.
func (b *Board) TemperatureC() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.model.SensorC()
}

// Truth is what `bragi sim status` shows, read now.
func (b *Board) Truth() (sim.Truth, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, err := readNarrow()
	if err != nil {
		return sim.Truth{}, fmt.Errorf("board/sim/live: %w", err)
	}
	return b.model.Truth(p.Mono, b.sky(p)), nil
}
