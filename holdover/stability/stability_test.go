package stability

import (
	"bufio"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// data is the folder of recorded oscillators beside the repository.
func data(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("BRAGI_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "oscillator")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: no recorded oscillators: %v (put them there or set BRAGI_DATA)", err)
	}
	return dir
}

// numbers are the rows of numbers of a file.
func numbers(t *testing.T, file string) [][]float64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows [][]float64
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var row []float64
		for _, w := range strings.Fields(line) {
			v, err := strconv.ParseFloat(w, 64)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return rows
}

func column(rows [][]float64) []float64 {
	x := make([]float64, len(rows))
	for i, r := range rows {
		x[i] = r[0]
	}
	return x
}

// Every table that Stable32 printed of the two records, within 0.1 %, with its
// number of terms.
func TestDeviationsAreThoseThatStable32Printed(t *testing.T) {
	dir := data(t)
	phase := column(numbers(t, filepath.Join(dir, "phasedat", "PHASE.DAT")))
	pink := column(numbers(t, filepath.Join(dir, "pink_frequency", "pink_frequency.txt")))
	const tolerance = 1e-3
	type statistic func(x []float64, tau0 float64, m int) (float64, int)
	mtie := func(x []float64, _ float64, m int) (float64, int) { return MTIE(x, m) }
	tables := map[string]statistic{
		"phasedat/phase_dat_adev.txt": ADEV, "phasedat/phase_dat_adev_octave.txt": ADEV,
		"phasedat/phase_dat_oadev.txt": OADEV, "phasedat/phase_dat_oadev_octave.txt": OADEV,
		"phasedat/phase_dat_mdev.txt": MDEV, "phasedat/phase_dat_mdev_octave.txt": MDEV,
		"phasedat/phase_dat_hdev.txt": HDEV, "phasedat/phase_dat_hdev_octave.txt": HDEV,
		"phasedat/phase_dat_ohdev.txt": OHDEV, "phasedat/phase_dat_ohdev_octave.txt": OHDEV,
		"phasedat/phase_dat_tdev.txt": TDEV, "phasedat/phase_dat_tdev_octave.txt": TDEV,
		"phasedat/phase_dat_mtie.txt": mtie,
		"pink_frequency/adev.txt":     ADEV, "pink_frequency/oadev.txt": OADEV, "pink_frequency/s32_oadev_octave.txt": OADEV,
		"pink_frequency/mdev.txt": MDEV, "pink_frequency/hdev.txt": HDEV, "pink_frequency/ohdev.txt": OHDEV,
		"pink_frequency/tdev.txt": TDEV,
	}
	for name, of := range tables {
		rows := numbers(t, filepath.Join(dir, name))
		if len(rows) < 8 {
			t.Errorf("%s has %d rows", name, len(rows))
		}
		for _, row := range rows {
			m, tau, terms := int(row[0]), row[1], int(row[2])
			sigma := row[3] // AF tau # MTIE
			if len(row) >= 6 {
				sigma = row[5] // AF tau # alpha min sigma max
			} else if len(row) == 5 {
				sigma = row[4]
			}
			tau0 := math.Round(tau / row[0]) // 42 s in some of the tables
			x := phase
			if strings.HasPrefix(name, "pink") {
				x = Phase(pink, tau0)
			}
			got, n := of(x, tau0, m)
			if math.Abs(got-sigma) > tolerance*sigma || n != terms {
				t.Errorf("%s, factor %d: %.5e of %d terms, Stable32 says %.5e of %d", name, m, got, n, sigma, terms)
			}
		}
	}
}

// White phase noise has ADEV sqrt(3) sigma / tau, TDEV(tau) sigma / sqrt(n) and
// white frequency noise ADEV sigma / sqrt(tau): textbook figures.
func TestDeviationsOfWhiteNoiseAreTheTextbooks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n, sigma = 200_000, 5.0
	white, walk := make([]float64, n), make([]float64, n)
	for i := range n {
		white[i] = sigma * rng.NormFloat64()
		if i > 0 {
			walk[i] = walk[i-1] + sigma*rng.NormFloat64()
		}
	}
	for _, m := range []int{1, 4, 16, 64} {
		for name, c := range map[string][2]float64{
			"ADEV of white phase":     {first(OADEV(white, 1, m)), math.Sqrt(3) * sigma / float64(m)},
			"TDEV of white phase":     {first(TDEV(white, 1, m)), sigma / math.Sqrt(float64(m))},
			"ADEV of white frequency": {first(OADEV(walk, 1, m)), sigma / math.Sqrt(float64(m))},
			"HDEV of white frequency": {first(OHDEV(walk, 1, m)), sigma / math.Sqrt(float64(m))},
		} {
			if math.Abs(c[0]/c[1]-1) > 0.05 {
				t.Errorf("%s at factor %d: %.4f, want %.4f", name, m, c[0], c[1])
			}
		}
	}
}

func first(v float64, _ int) float64 { return v }

// The queues give what looking at every window gives, with gaps too.
func TestMTIEIsWhatEveryWindowGives(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		x := make([]float64, 2+rng.IntN(60))
		for i := range x {
			x[i] = math.Round(10 * rng.NormFloat64())
			if rng.IntN(12) == 0 {
				x[i] = math.NaN()
			}
		}
		m := 1 + rng.IntN(len(x))
		want, count := math.NaN(), 0
		for i := 0; i+m < len(x); i++ {
			low, high := math.Inf(1), math.Inf(-1)
			for _, v := range x[i : i+m+1] {
				low, high = min(low, v), max(high, v) // NaN if any is
			}
			if high == high {
				count++
				want = max(high-low, map[bool]float64{true: high - low, false: want}[want != want])
			}
		}
		got, n := MTIE(x, m)
		if n != count || got != want && (got == got || want == want) {
			t.Fatalf("MTIE(%v, %d) = %v of %d windows, want %v of %d", x, m, got, n, want, count)
		}
	}
}

// A gap takes away the terms that would need it and no others; a straight line
// has no instability, however steep.
func TestAGapTakesOnlyItsTermsAndALineHasNoInstability(t *testing.T) {
	x := make([]float64, 1000)
	for i := range x {
		x[i] = 1e6 + 12.5*float64(i)
	}
	x[500] = math.NaN()
	for _, m := range []int{1, 7, 100} {
		for name, of := range map[string]func([]float64, float64, int) (float64, int){"OADEV": OADEV, "MDEV": MDEV, "OHDEV": OHDEV, "TDEV": TDEV} {
			dev, n := of(x, 1, m)
			if !(dev < 1e-9) || n == 0 || n >= len(x)-2*m {
				t.Errorf("%s of a line with a gap, factor %d: %v of %d terms", name, m, dev, n)
			}
		}
		if got, _ := MTIE(x, m); math.Abs(got-12.5*float64(m)) > 1e-6 {
			t.Errorf("MTIE of a line, factor %d: %v", m, got)
		}
	}
}

func TestARecordTooShortHasNoTerms(t *testing.T) {
	for _, x := range [][]float64{nil, {1}, {1, 2}, {math.NaN(), math.NaN(), math.NaN()}} {
		for _, r := range Table(x, 1, []int{1, 5}) {
			if r.ADEV == r.ADEV || r.MDEV == r.MDEV || r.HDEV == r.HDEV || r.Counts.OADEV != 0 {
				t.Errorf("of %v: %+v", x, r)
			}
		}
	}
	if _, n := ADEV([]float64{1, 2, 3}, 1, 0); n != 0 {
		t.Error("a factor of 0 has terms")
	}
}

func TestOnlyMultiplesOfTau0AreFactors(t *testing.T) {
	if ms, ok := Factors([]float64{100, 1, 0.5, 1}, 0.5); !ok || len(ms) != 3 || ms[0] != 1 || ms[1] != 2 || ms[2] != 200 {
		t.Errorf("%v %v", ms, ok)
	}
	for _, bad := range []float64{0, -1, 0.7, math.NaN(), math.Inf(1)} {
		if _, ok := Factors([]float64{bad}, 0.5); ok {
			t.Errorf("tau %v was taken", bad)
		}
	}
}

// The masks at the corners that G.8272 names.
func TestTheMasksHaveTheCornersOfG8272(t *testing.T) {
	for _, c := range []struct{ have, want float64 }{
		{PRTCA.MTIE(1), 25.275}, {PRTCA.MTIE(300), 100}, {PRTCA.TDEV(10), 3}, {PRTCA.TDEV(500), 15}, {PRTCA.TDEV(5000), 30},
		{PRTCB.MTIE(1), 25.275}, {PRTCB.MTIE(100), 40}, {PRTCB.TDEV(10), 1}, {PRTCB.TDEV(300), 3}, {PRTCB.TDEV(5000), 5},
	} {
		if math.Abs(c.have-c.want) > 1e-9 {
			t.Errorf("limit %v, want %v", c.have, c.want)
		}
	}
	rng := rand.New(rand.NewPCG(3, 3))
	x := make([]float64, 5000)
	for i := range x {
		x[i] = 0.5 * rng.NormFloat64()
	}
	judge := func(k Mask) (Failure, bool) { return k.Judge(x, Table(x, 1, Octaves(len(x)))) }
	if f, met := judge(PRTCB); !met {
		t.Errorf("half a nanosecond of white noise breaks %v", f)
	}
	for i := range x {
		x[i] *= 8 // 4 ns: above TDEV's 3 ns at 1 s
	}
	if f, met := judge(PRTCA); met || f.Statistic != "TDEV" {
		t.Errorf("4 ns of white noise: %v %v", f, met)
	}
	x[100] = 101
	if f, met := judge(PRTCA); met || f.Statistic != "time error" {
		t.Errorf("101 ns: %v %v", f, met)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 2)
	f.Fuzz(func(t *testing.T, b []byte, m int) {
		x := make([]float64, len(b))
		for i, v := range b {
			x[i] = float64(v)
			if v == 0 {
				x[i] = math.NaN()
			}
		}
		for _, r := range Table(x, 1, []int{m % 1000}) {
			if r.ADEV < 0 || r.MTIE < 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}
