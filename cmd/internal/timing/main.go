// Timing prints what the grandmaster's timekeeping is worth beside the marks
// that it is held to: `make bench-timing`. Nothing is asserted.
//
// Every figure is from runs of simulate: 24 h of lock, then 24 h without a
// reference, by the seeds 1 to 12 (holdover) and 1 to 64 (false class 7,
// forecast), none left out, with the thermometer, on noise that simulate makes
// and on a real record of a receiver's pulse.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"bragi/cmd/internal/phasefile"
	"bragi/cmd/internal/simulate"
	"bragi/holdover"
)

func main() {
	seeds := flag.Int("seeds", 12, "for holdover and lock: 1 to this")
	many := flag.Int("many", 64, "for false class 7 and forecast: 1 to this")
	pps := flag.String("pps", "", "record of pulse noise; default: the one of the shared data, if it is there")
	unit := flag.String("unit", "s", "of the record: s or ns")
	days := flag.Int("days", 1000, "of weather, from each of three seeds")
	only := flag.String("only", "", "holdover, faults, relock or weather: only this")
	flag.Parse()
	b := bench{seeds: *seeds, days: *days, many: max(*many, *seeds), out: os.Stdout}
	if err := b.readPPS(*pps, *unit); err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(1)
	}
	begin := time.Now()
	for _, part := range []struct {
		name string
		run  func() error
	}{{"holdover", b.holdover}, {"faults", b.faults}, {"relock", b.relock}, {"weather", b.weather}} {
		if *only != "" && *only != part.name {
			continue
		}
		if err := part.run(); err != nil {
			fmt.Fprintln(os.Stderr, "timing:", err)
			os.Exit(1)
		}
	}
	fmt.Printf("\n%d targets met, %d not met; %v, %.0f x real time on each of %d processors\n", b.met, b.missed,
		time.Since(begin).Round(time.Second), b.simulated.Seconds()/b.spent.Seconds(), runtime.GOMAXPROCS(0))
}

type bench struct {
	seeds, many int
	days        int
	pps         []float64
	ppsName     string
	out         *os.File
	met, missed int

	mu               sync.Mutex
	simulated, spent time.Duration
}

// readPPS finds the record of the pulse's noise.
func (b *bench) readPPS(file, unit string) error {
	if file == "" {
		dir := os.Getenv("BRAGI_DATA")
		if dir == "" {
			dir = filepath.Join("..", "shared", "data")
		}
		found, err := filepath.Glob(filepath.Join(dir, "oscillator", "gps", "*.txt.gz"))
		if err != nil || len(found) == 0 {
			fmt.Fprintln(b.out, "SKIPPED: no record of a receiver's pulse (--pps, or BRAGI_DATA): made noise only")
			return nil
		}
		file = found[0]
	}
	var err error
	b.pps, err = simulate.ReadNoise(file, phasefile.Options{Unit: unit})
	b.ppsName = filepath.Base(file)
	return err
}

// noises are the pulse noises to run with.
func (b *bench) noises() []noise {
	n := []noise{{name: "made noise"}}
	if b.pps != nil {
		n = append(n, noise{"real record", b.pps})
	}
	return n
}

type noise struct {
	name string
	pps  []float64
}

// each runs a job of each seed from 1 to n on all processors.
func (b *bench) each(n int, job func(seed uint64) error) error {
	var wait sync.WaitGroup
	seeds := make(chan uint64)
	errs := make([]error, runtime.GOMAXPROCS(0))
	for i := range errs {
		wait.Go(func() {
			for seed := range seeds {
				if err := job(seed); err != nil && errs[i] == nil {
					errs[i] = err
				}
			}
		})
	}
	for seed := range n {
		seeds <- uint64(seed + 1)
	}
	close(seeds)
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// run is one simulation, its time noted.
func (b *bench) run(o simulate.Options) (*simulate.Result, *simulate.Trace, error) {
	begin := time.Now()
	r, t, err := simulate.Run(o)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.simulated += o.Scenario.Duration
	b.spent += time.Since(begin)
	return r, t, err
}

// atMost prints a figure beside the mark that it may reach, and counts it.
func (b *bench) atMost(what string, have, mark float64, format string) {
	b.figure(what, have, mark, format, "<=", have <= mark)
}

// atLeast prints a figure beside the mark that it has to reach, and counts it.
func (b *bench) atLeast(what string, have, mark float64, format string) {
	b.figure(what, have, mark, format, ">=", have >= mark)
}

func (b *bench) figure(what string, have, mark float64, format, sign string, met bool) {
	verdict := "met"
	if met {
		b.met++
	} else {
		verdict = "NOT MET"
		b.missed++
	}
	fmt.Fprintf(b.out, "  %-66s %10s  %s %-10s %s\n", what, fmt.Sprintf(format, have), sign, fmt.Sprintf(format, mark), verdict)
}

func (b *bench) title(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(b.out, "\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}

var tested = []holdover.Oscillator{holdover.OCXO, holdover.TCXOHi, holdover.TCXO}
