package phasefile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseReadsEachForm(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		o    Options
		want []float64
		tau0 float64
	}{
		"one column":          {"# head\n1\n2e-9\n\n-3 # end\n", Options{}, []float64{1, 2e-9, -3}, 1},
		"nanoseconds":         {"1\n2\n3\n", Options{Unit: "ns", Tau0: time.Minute}, []float64{1e-9, 2e-9, 3e-9}, 60},
		"time, phase, names":  {"t_s,x_s\n0,5\n10,6\n20,7\n", Options{}, []float64{5, 6, 7}, 10},
		"a gap in the times":  {"0 1\n1 2\n2 3\n4 5\n", Options{}, []float64{1, 2, 3, math.NaN(), 5}, 1},
		"a gap as a word":     {"1\nnan\n3\n", Options{}, []float64{1, math.NaN(), 3}, 1},
		"carriage returns":    {"1\r\n2\r\n3\r\n", Options{}, []float64{1, 2, 3}, 1},
		"times since 1970":    {"1700000000.1 1\n1700000001.1 2\n1700000002.1 3\n", Options{}, []float64{1, 2, 3}, 1},
		"plus signs, Fortran": {"+2.76E-007\n+2.73E-007\n+2.7E-007\n", Options{}, []float64{2.76e-7, 2.73e-7, 2.7e-7}, 1},
	} {
		for _, zipped := range []bool{false, true} {
			text := []byte(c.text)
			if zipped {
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				z.Write(text)
				z.Close()
				text = b.Bytes()
			}
			r, err := Parse(bytes.NewReader(text), c.o)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			same := len(r.X) == len(c.want) && r.Tau0 == c.tau0
			for i := range min(len(r.X), len(c.want)) {
				same = same && (math.Abs(r.X[i]-c.want[i]) <= 1e-15*math.Abs(c.want[i]) || r.X[i] != r.X[i] && c.want[i] != c.want[i])
			}
			if !same {
				t.Errorf("%s: %v each %v s, want %v each %v s", name, r.X, r.Tau0, c.want, c.tau0)
			}
		}
	}
}

func TestRecordsThatCannotBeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		o    Options
		want string
	}{
		"empty":          {"", Options{}, "no record"},
		"words":          {"1\n2\nthree\n4\n", Options{}, "line 3"},
		"two heads":      {"a\nb\n1\n2\n3\n", Options{}, "line 2"},
		"infinite":       {"1\n2\ninf\n", Options{}, "line 3"},
		"three columns":  {"1 2 3\n1 2 3\n1 2 3\n", Options{}, "columns"},
		"columns change": {"1\n1 2\n3\n", Options{}, "line 2"},
		"backwards":      {"0 1\n1 2\n2 3\n1 4\n5 5\n", Options{}, "point 4"},
		"too far":        {"0 1\n1 2\n2 1\n1e300 2\n", Options{}, "times run"},
		"one instant":    {"5 1\n5 2\n5 3\n", Options{}, "times"},
		"unit":           {"1\n2\n3\n", Options{Unit: "ps"}, "unit"},
		"tau0":           {"1\n2\n3\n", Options{Tau0: -1}, "negative"},
		"damaged gzip":   {"\x1f\x8bxxxxxxxxxxxxx", Options{}, "gzip"},
		"endless line":   {strings.Repeat("1", 1<<17), Options{}, "line 1"},
	} {
		if _, err := Parse(strings.NewReader(c.text), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestEachSecondTakesThePointsOnTheSecond(t *testing.T) {
	r := Record{X: []float64{0, 1, 2, 3, 4}, Tau0: 0.5}
	if x, err := r.EachSecond(); err != nil || len(x) != 3 || x[2] != 4 {
		t.Errorf("%v %v", x, err)
	}
	for _, tau0 := range []float64{2, 0.3} {
		r.Tau0 = tau0
		if _, err := r.EachSecond(); err == nil {
			t.Errorf("points %v s apart were taken for seconds", tau0)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# a\n0,1\n1,2\n2,nan\n"))
	f.Add([]byte("1\n2\n3"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(bytes.NewReader(b), Options{Tau0: time.Second})
		if err == nil && (len(r.X) < 1 || r.Tau0 != 1 || r.Gaps > len(r.X)) {
			t.Errorf("%+v", r)
		}
	})
}
