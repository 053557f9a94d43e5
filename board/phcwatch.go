package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
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
	// Suspects are the programs that held it open when it was last steered and
	// still do, by name and process id.
	Suspects []string
}

// Health is how well the clock can be read, and who else touched it.
func (p *PHC) Health() Health {
	p.mu.Lock()
	h := Health{CrossMethod: p.cross.method.String(), WidthNs: p.widthNs, NoiseNs: p.track.noiseNs(), Foreign: p.foreign, Steered: p.steered}
	suspects, path := slices.Clone(p.suspects), p.path
	p.mu.Unlock()
	for _, process := range suspects {
		if holds(process, path) {
			h.Suspects = append(h.Suspects, processName(process))
		}
	}
	return h
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
	away := p.device == nil
	p.mu.Unlock()
	if away {
		if !p.watches {
			_ = p.replug()
		}
		return
	}
	_, _ = p.Cross()
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
	units, applied := grainOf(found.clockName, found.caps.MaxPPB, p.counterNs).dial(p.track.correction, float64(found.caps.MaxPPB))
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

// overrule sets the frequency again if another program has set it since it was last
// set here; the caller holds mu, and the clock is there. The kernel keeps the number
// that it was given last. The next reading shows what became of the time. A clock that
// is only watched keeps the other's.
func (p *PHC) overrule() error {
	var now kernelclock.Timex
	if err := p.device.adjtime(&now); err != nil {
		return err
	}
	if now.Freq == p.dialled {
		return nil
	}
	if p.watches {
		p.dialled = now.Freq
		p.track.adjust(p.clocks.raw(), float64(now.Freq)/freqUnitsPerPPB)
		return nil
	}
	p.steered++
	p.overruled, p.track.disturbed.Steered = true, true
	err := p.dial(p.dialled, p.track.correction)
	p.suspects = holders(p.proc, p.path) // after the dial: it takes milliseconds
	return err
}

// Holders are the other programs that hold the clock open now, by name and process.
func (p *PHC) Holders() (names []string) {
	for _, process := range holders(p.proc, p.Path()) {
		names = append(names, processName(process))
	}
	return names
}

// holders are the processes other than this one that hold a device open, as far as
// proc (/proc) may be read.
func holders(proc, device string) []string {
	processes, err := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	if err != nil {
		return nil
	}
	self := strconv.Itoa(os.Getpid())
	return slices.DeleteFunc(processes, func(process string) bool {
		return filepath.Base(process) == self || !holds(process, device)
	})
}

// holds tells whether a process, a folder of /proc, holds a device open.
func holds(process, device string) bool {
	folder := filepath.Join(process, "fd")
	links, err := os.ReadDir(folder)
	if err != nil {
		return false // it has ended, or its files are not ours to see
	}
	return slices.ContainsFunc(links, func(link os.DirEntry) bool {
		target, err := os.Readlink(filepath.Join(folder, link.Name()))
		return err == nil && target == device
	})
}

// processName is a process's name and id, phc2sys[812].
func processName(process string) string {
	name, err := os.ReadFile(filepath.Join(process, "comm"))
	if err != nil {
		name = []byte("process")
	}
	return strings.TrimSpace(string(name)) + "[" + filepath.Base(process) + "]"
}
