package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// What can befall a PHC while it serves: it is unplugged (the driver unloaded, a
// USB device pulled), it cannot be read while its interface is down, another
// program steers it.

// Trouble is why a clock cannot be read now. Its Local goes on along the line.
type Trouble struct {
	Err   error          // nil: none
	Since timescale.Mono // when it was last read
	// Absences counts how often the clock was away and came back: it was then set
	// to the line, which CLOCK_MONOTONIC_RAW had carried on alone.
	Absences int
}

// Trouble is what keeps the clock from being read.
func (p *PHC) Trouble() Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

// Health is what the readings of the clock are like.
type Health struct {
	CrossMethod string
	WidthNs     int64   // of the latest cross timestamp
	NoiseNs     float64 // how far the latest ones lay from the line, at worst
	Foreign     uint64  // cross timestamps that showed another's hand
	Steered     uint64  // corrections that another program gave
	Suspects    []string
}

// Health is how well the clock can be read, and who else touched it.
func (p *PHC) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Health{p.cross.method.String(), p.widthNs, p.track.noiseNs(), p.foreign, p.steered, slices.Clone(p.suspects)}
}

// keepFresh starts the goroutine that reads the clock now and then.
func (p *PHC) keepFresh() {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(refreshEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				p.refresh()
			}
		}
	}()
	p.stop = sync.OnceFunc(func() {
		close(quit)
		<-gone
	})
}

// refresh reads the clock, or looks for it when it is gone. What fails is told
// by Trouble.
func (p *PHC) refresh() {
	p.mu.Lock()
	steered, away, path := p.steered, p.device == nil, p.path
	p.mu.Unlock()
	if away {
		_ = p.replug()
		return
	}
	_, _ = p.Cross()
	p.mu.Lock()
	steered = p.steered - steered
	p.mu.Unlock()
	if steered == 0 {
		return
	}
	suspects := Holders("/proc", path)
	p.mu.Lock()
	p.suspects = suspects
	p.mu.Unlock()
}

// troubled notes that the clock cannot be read; the caller holds mu. A device
// that is gone is closed, to be looked for.
func (p *PHC) troubled(err error) error {
	if p.trouble.Err == nil {
		p.trouble.Since = p.track.seen
	}
	p.trouble.Err = err
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EBADF) {
		p.trouble.Err = fmt.Errorf("board: %s is gone: %w: replug it, or load its driver; it is looked for", p.path, err)
		_ = p.device.close() // it has nothing left to lose
		p.device = nil
	}
	return p.trouble.Err
}

// replug looks for the clock, and sets the one it finds to the line.
func (p *PHC) replug() error {
	found, err := p.probe()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.device != nil {
		return found.device.close()
	}
	units, applied := grainOf(found.clockName, p.counterNs).dial(p.track.correction, float64(found.caps.MaxPPB))
	p.plug(found)
	if err := p.resume(units, applied); err != nil {
		return p.troubled(err)
	}
	p.trouble.Absences++
	return nil
}

// resume gives a clock that came back its frequency and the line's time; the
// caller holds mu. The driver's step is exact to a microsecond only: the second
// one is small, and what is left the new line knows.
func (p *PHC) resume(units int64, applied float64) error {
	if err := p.dial(units, applied); err != nil {
		return err
	}
	for range 2 {
		x, err := p.cross.read()
		if err != nil {
			return err
		}
		t := stepBy(int64(p.track.line.At(x.Mono).Sub(x.Local)))
		if err := p.adjtime(&t); err != nil {
			return fmt.Errorf("board: %s: set after it was away: %w", p.path, err)
		}
	}
	p.track.restart(p.clocks.raw())
	_, err := p.observe()
	return err
}

// dialledByOthers tells whether another program has set the frequency since it
// was last set here, and sets it again; the caller holds mu. The kernel keeps
// the number that it was given last.
func (p *PHC) dialledByOthers() (bool, error) {
	var now kernelTimex
	if err := p.device.adjtime(&now); err != nil {
		return false, err
	}
	if now.Freq == p.dialled {
		return false, nil
	}
	p.steered++
	p.track.disturbed.Steered = true
	return true, p.dial(p.dialled, p.track.correction)
}

// Holders are the programs other than this one that hold a device open, by name
// and process id, as far as /proc (proc) may be read.
func Holders(proc, device string) []string {
	links, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	if err != nil {
		return nil
	}
	var holders []string
	self := fmt.Sprint(os.Getpid())
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != device {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		id := filepath.Base(process)
		if id == self {
			continue
		}
		name, err := os.ReadFile(filepath.Join(process, "comm"))
		if err != nil {
			name = []byte("process")
		}
		holder := strings.TrimSpace(string(name)) + "[" + id + "]"
		if !slices.Contains(holders, holder) {
			holders = append(holders, holder)
		}
	}
	return holders
}
