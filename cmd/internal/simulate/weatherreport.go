package simulate

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"bragi/holdover"
)

// WeatherResult is the judgement of many days.
type WeatherResult struct {
	N           int     `json:"n"`
	Seed        uint64  `json:"seed"`
	Broken      []Break `json:"broken"`
	OutsideMost int     `json:"outside_bound_s_max"` // of one day, at class 6 and 7
	FalseClass7 int     `json:"false_class7"`        // days
	NeverBack   int     `json:"never_back"`          // days without class 6 when it was due
	DaysBroken  int     `json:"days_broken"`
	Worth       []Worth `json:"bound_over_error"`

	verdicts []*Verdict
}

// Break is one thing that broke on a day.
type Break struct {
	Seed     uint64   `json:"seed"`
	What     string   `json:"what"`
	OutsideS int      `json:"outside_bound_s"`
	PeakNs   Number   `json:"peak_ns"`
	AtS      int      `json:"at_s"`
	Why      string   `json:"why"`
	Day      []string `json:"day"`
	Repeat   string   `json:"repeat"`
}

// Worth is what the bound of a kind is worth: the median of the bound over the
// 95th percentile of the true error. Nothing is said of what was not seen often.
type Worth struct {
	Oscillator string `json:"oscillator"`
	Told       string `json:"told"` // right, wrong, auto
	Locked     Number `json:"locked"`
	Holdover   Number `json:"holdover"`  // in its first 4 h
	Days       int    `json:"days"`      // that nothing broke
	Holdovers  int    `json:"holdovers"` // of them, with one
}

// Weather draws n days, the first from seed, the next from seed+1, and judges
// each, as many at a time as there are processors. done is told how many are
// ready.
func Weather(ctx context.Context, n int, seed uint64, done func(days, broken int)) (*WeatherResult, error) {
	verdicts, errs := make([]*Verdict, n), make([]error, n)
	var wait sync.WaitGroup
	var mu sync.Mutex
	next, ready, broken := 0, 0, 0
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n || ctx.Err() != nil {
					return
				}
				verdicts[i], errs[i] = JudgeDay(DrawDay(seed + uint64(i)))
				mu.Lock()
				ready++
				if errs[i] == nil && len(verdicts[i].Broken) > 0 {
					broken++
				}
				if done != nil {
					done(ready, broken)
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return gather(verdicts, seed), nil
}

func gather(verdicts []*Verdict, seed uint64) *WeatherResult {
	r := &WeatherResult{N: len(verdicts), Seed: seed, Broken: []Break{}, verdicts: verdicts}
	for _, v := range verdicts {
		r.OutsideMost = max(r.OutsideMost, v.OutsideS)
		if len(v.Broken) > 0 {
			r.DaysBroken++
		}
		slices.SortFunc(v.Broken, func(a, b Fault) int { return int(a.What) - int(b.What) })
		for _, f := range v.Broken {
			switch f.What {
			case 'b':
				r.FalseClass7++
			case 'c':
				r.NeverBack++
			}
			r.Broken = append(r.Broken, Break{v.Day.Seed, string(f.What), v.OutsideS, v.PeakNs, f.AtS, f.Why, v.Day.Story(), v.Day.repeat()})
		}
	}
	r.Worth = worths(verdicts)
	return r
}

func (d *Day) repeat() string { return fmt.Sprintf("bragi simulate --weather 1 --seed %d", d.Seed) }

// told is how the kind was told.
func (d *Day) told() string {
	switch d.Told {
	case holdover.Auto:
		return "auto"
	case d.Real:
		return "right"
	}
	return "wrong"
}

// worths gathers by kind and by how it was told. Broken days are left out: an
// error far outside its bound would make the others' bounds look tight.
func worths(verdicts []*Verdict) []Worth {
	var list []Worth
	for _, kind := range []holdover.Oscillator{holdover.XO, holdover.TCXO, holdover.TCXOHi, holdover.OCXO, holdover.Rubidium} {
		for _, told := range []string{"right", "auto", "wrong"} {
			w := Worth{Oscillator: kind.String(), Told: told, Locked: nan, Holdover: nan}
			var locked, held []float64
			var shares [holdSamples][]float64 // of the bound that the error is
			for _, v := range verdicts {
				if v.Day.Real != kind || v.Day.told() != told || len(v.Broken) > 0 {
					continue
				}
				w.Days++
				if e := percentile(v.locked.errors, 0.95); e > 0 {
					locked = append(locked, percentile(v.locked.bounds, 0.5)/e)
				}
				any := false
				for m, h := range v.holdover {
					if h.seen {
						shares[m], any = append(shares[m], h.err/h.bound), true
					}
				}
				if any {
					w.Holdovers++
				}
			}
			for _, share := range shares {
				if most := percentile(share, 0.95); len(share) >= holdoversLeast && most > 0 {
					held = append(held, 1/most)
				}
			}
			if len(locked) > 0 {
				w.Locked = Number(round(percentile(locked, 0.5), 2))
			}
			if len(held) > 0 {
				w.Holdover = Number(round(percentile(held, 0.5), 2))
			}
			if w.Days > 0 {
				list = append(list, w)
			}
		}
	}
	return list
}

// holdoversLeast is how many holdovers a percentile of their errors wants.
const holdoversLeast = 20

// percentile is the value below which the share p of v lies; NaN of nothing.
func percentile(v []float64, p float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return v[min(int(p*float64(len(v))), len(v)-1)]
}

// The marks of Worth.
const (
	WorthLocked   = 10
	WorthHoldover = 5
)

// letters say what broke.
var letters = []struct {
	what byte
	text string
}{
	{'a', "class 6 or 7 outside the bound for more than 10 s"},
	{'b', "class 7 outside the spec"},
	{'c', "not at class 6 when it was due"},
	{'d', "a step or a drift above the limits while clients are served"},
	{'e', "more than an hour without alarm or ETA"},
	{'f', "an announcement that contradicts what is known"},
}

// WriteWeather tells the judgement in words: each broken day with its story and
// the command that repeats it, then the tables.
func WriteWeather(out io.Writer, r *WeatherResult) error {
	var b strings.Builder
	for _, v := range r.verdicts {
		if len(v.Broken) > 0 {
			fmt.Fprintf(&b, "%s\n", v.line())
		}
	}
	if r.DaysBroken > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d days of weather from seed %d: %d broken\n", r.N, r.Seed, r.DaysBroken)
	for _, l := range letters {
		n := 0
		for _, x := range r.Broken {
			if x.What == string(l.what) {
				n++
			}
		}
		fmt.Fprintf(&b, "  %c  %5d  %s\n", l.what, n, l.text)
	}
	fmt.Fprintf(&b, "  longest outside the bound at class 6 or 7 in a day: %s\n\n", seconds(Number(r.OutsideMost)))
	fmt.Fprintf(&b, "median bound over the true error's 95th percentile (marks: below %d locked, below %d in the first 4 h of holdover)\n", WorthLocked, WorthHoldover)
	fmt.Fprintf(&b, "  %-8s %-6s %7s %9s %6s %10s\n", "kind", "told", "locked", "holdover", "days", "holdovers")
	for _, w := range r.Worth {
		fmt.Fprintf(&b, "  %-8s %-6s %7s %9s %6d %10d\n", w.Oscillator, w.Told, times(w.Locked), times(w.Holdover), w.Days, w.Holdovers)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func times(n Number) string {
	if !known(n) {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(n))
}

// line is a broken day in one line.
func (v *Verdict) line() string {
	var what []string
	for _, f := range v.Broken {
		what = append(what, fmt.Sprintf("%c after %s (%s)", f.What, seconds(Number(f.AtS)), f.Why))
	}
	return fmt.Sprintf("seed %d broke %s; outside the bound for %s, %s off at most at class 6 or 7. The day: %s. Again: %s", v.Day.Seed,
		strings.Join(what, ", "), seconds(Number(v.OutsideS)), nanos(v.PeakNs), strings.Join(v.Day.Story(), "; "), v.Day.repeat())
}
