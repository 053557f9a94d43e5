// Package phasefile reads recorded phase: time errors, one a line, plain or
// gzip, with comments.
//
// A line is one number, the phase, or two (by comma or blanks), the time in s
// and the phase. With times, missing ones are gaps; "nan" is a gap always.
// What follows #, ; or % is a comment; one line of column names may come
// before the first number.
package phasefile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say what the numbers mean.
type Options struct {
	Tau0 time.Duration // between two points; 0: by the times, else 1 s
	Unit string        // "s" or "ns"; "": s
}

// Record is phase at even spacing.
type Record struct {
	X    []float64 // s; NaN: gap
	Tau0 float64   // s
	Gaps int       // points that are missing
}

const (
	pointsMost = 50_000_000 // more than a year of seconds
	lineMost   = 1 << 16
)

// Units are the units of a record, and how many s each is.
var units = map[string]float64{"": 1, "s": 1, "ns": 1e-9}

// Read reads the record in file.
func Read(file string, o Options) (*Record, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("phase record: %w (fix: name a file of numbers, one a line, that can be read)", err)
	}
	defer f.Close()
	r, err := Parse(f, o)
	if err != nil {
		return nil, fmt.Errorf("phase record: %s: %w", file, err)
	}
	return r, nil
}

// Parse is Read of an open file.
func Parse(r io.Reader, o Options) (*Record, error) {
	scale, ok := units[o.Unit]
	if !ok {
		return nil, fmt.Errorf("unit %q is unknown (fix: s or ns)", o.Unit)
	}
	if o.Tau0 < 0 {
		return nil, fmt.Errorf("tau0 %v is negative (fix: the time between two points, like 1s)", o.Tau0)
	}
	buffered := bufio.NewReader(r)
	if magic, err := buffered.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("the gzip is damaged: %w", err)
		}
		defer z.Close()
		buffered = bufio.NewReader(z)
	}
	times, x, err := read(buffered)
	if err != nil {
		return nil, err
	}
	for i := range x {
		x[i] *= scale
	}
	tau0 := o.Tau0.Seconds()
	if times == nil {
		if tau0 == 0 {
			tau0 = 1
		}
		return withGaps(x, tau0), nil
	}
	if tau0 == 0 {
		if tau0 = usual(times); !(tau0 > 0) {
			return nil, errors.New("the times do not say how far the points are apart (fix: --tau0)")
		}
	}
	return spread(times, x, tau0)
}

// read gives the columns; times is nil when there is only the phase.
func read(r io.Reader) (times, x []float64, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), lineMost)
	line, named, columns := 0, false, 0
	for s.Scan() {
		line++
		text := s.Text()
		if i := strings.IndexAny(text, "#;%"); i >= 0 {
			text = text[:i]
		}
		fields := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '\r' })
		if len(fields) == 0 {
			continue
		}
		var v [2]float64
		bad := ""
		for i, f := range fields[:min(len(fields), 2)] {
			if v[i], err = strconv.ParseFloat(f, 64); err != nil || math.IsInf(v[i], 0) {
				bad = f
			}
		}
		switch {
		case bad != "" && columns == 0 && !named:
			named = true
			continue
		case bad != "":
			return nil, nil, fmt.Errorf("line %d: %q is no number", line, bad)
		case len(fields) > 2 || columns != 0 && columns != len(fields):
			return nil, nil, fmt.Errorf("line %d: %d columns (fix: the phase, or time and phase, on each line)", line, len(fields))
		case len(x) >= pointsMost:
			return nil, nil, fmt.Errorf("line %d: more than %d points", line, pointsMost)
		}
		columns = len(fields)
		if columns == 2 {
			if math.IsNaN(v[0]) {
				return nil, nil, fmt.Errorf("line %d: the time is no number", line)
			}
			times = append(times, v[0])
		}
		x = append(x, v[columns-1])
	}
	if err := s.Err(); err != nil {
		return nil, nil, fmt.Errorf("line %d: %w", line+1, err)
	}
	if len(x) < 3 {
		return nil, nil, fmt.Errorf("%d points are no record (fix: one number a line)", len(x))
	}
	return times, x, nil
}

// usual is the median distance of neighbours.
func usual(times []float64) float64 {
	d := make([]float64, len(times)-1)
	for i := range d {
		d[i] = times[i+1] - times[i]
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// spread puts the points where their times say.
func spread(times, x []float64, tau0 float64) (*Record, error) {
	last := math.Round((times[len(times)-1] - times[0]) / tau0)
	if !(last >= 0 && last < pointsMost) {
		return nil, fmt.Errorf("the times run from %v s to %v s in steps of %v s (fix: --tau0, or the first column)", times[0], times[len(times)-1], tau0)
	}
	even := make([]float64, int(last)+1)
	for i := range even {
		even[i] = math.NaN()
	}
	before := -1
	for i, t := range times {
		at := math.Round((t - times[0]) / tau0)
		if !(at > float64(before)) || at >= float64(len(even)) {
			return nil, fmt.Errorf("point %d at %v s is not %v s after the one before (fix: --tau0, or order the points)", i+1, t, tau0)
		}
		before = int(at)
		even[before] = x[i]
	}
	return withGaps(even, tau0), nil
}

func withGaps(x []float64, tau0 float64) *Record {
	r := &Record{X: x, Tau0: tau0}
	for _, v := range x {
		if v != v {
			r.Gaps++
		}
	}
	return r
}

// EachSecond is the record with one point a second.
func (r *Record) EachSecond() ([]float64, error) {
	m := math.Round(1 / r.Tau0)
	if m < 1 || math.Abs(m*r.Tau0-1) > 1e-6 {
		return nil, fmt.Errorf("phase record: points %v s apart (fix: a whole number of points a second)", r.Tau0)
	}
	step := int(m)
	x := make([]float64, 0, len(r.X)/step+1)
	for i := 0; i < len(r.X); i += step {
		x = append(x, r.X[i])
	}
	return x, nil
}
