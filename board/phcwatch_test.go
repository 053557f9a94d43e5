package board

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// A jump of 700 ns is seen by the next cross timestamp, whatever way the clock is
// read, and put back; for an hour before, nothing was taken for one, although the
// crystals wander, interrupts come between and the clock is steered.
func TestAJumpOfLessThanAMicrosecondIsSeenAndPutBack(t *testing.T) {
	for _, tc := range []struct {
		name   string
		ioctls []uint
		readNs float64
		jumpNs float64
	}{
		{"CPTS", []uint{unix.PTP_SYS_OFFSET_EXTENDED}, 300, 700},
		{"CPTS, back", []uint{unix.PTP_SYS_OFFSET_EXTENDED}, 300, -700},
		{"stmmac", []uint{unix.PTP_SYS_OFFSET}, 400, 700},
		{"FEC, whose reading takes a microsecond", []uint{unix.PTP_SYS_OFFSET}, 1000, 1_200},
	} {
		m := newMachine(tc.ioctls...)
		m.readNs, m.interrupts = tc.readNs, 0.02
		m.phc, m.realtime = m.raw, 0 // near enough to 0 for the model's arithmetic to be exact
		p := fakePHC(t, m)
		pass := func(i int) {
			m.pass(float64(refreshEvery))
			m.settle()
			m.ratePPB += 3 * m.rng.NormFloat64() * refreshEvery.Seconds() // 3e-9 a second: a poor crystal in a draught
			if i%4 == 0 {
				if _, err := p.AdjustFrequency(50 * m.rng.NormFloat64()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := p.Cross(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 4 * 3600 {
			if pass(i); p.Disturbance().Count != 0 {
				t.Fatalf("%s: reading %d taken for a jump: %+v, noise %.0f ns", tc.name, i, p.Disturbance(), p.Health().NoiseNs)
			}
		}
		noise := p.Health().NoiseNs
		m.settle()
		m.phc += tc.jumpNs
		pass(1)
		t.Logf("%s: readings %d ns wide, noise %.0f ns", tc.name, p.Health().WidthNs, noise)
		d := p.Disturbance()
		if d.Count != 1 || math.Abs(float64(d.Ns)-tc.jumpNs) > 200 || d.Steered {
			t.Errorf("%s: a jump of %.0f ns told as %+v, noise %.0f ns", tc.name, tc.jumpNs, d, p.Health().NoiseNs)
		}
		before := m.phcNow() - m.raw
		if _, err := p.PutBack(); err != nil || math.Abs(m.phcNow()-m.raw-before+tc.jumpNs) > 200 {
			t.Errorf("%s: put back by %.0f ns, %v", tc.name, m.phcNow()-m.raw-before, err)
		}
		for i := range 40 {
			if pass(i); p.Disturbance().Count != 0 {
				t.Fatalf("%s: afterwards reading %d taken for a jump: %+v", tc.name, i, p.Disturbance())
			}
		}
	}
}

// Another program that sets the frequency is seen at the next reading, however
// little it changes, and overruled.
func TestAnothersSteeringIsSeenAndOverruled(t *testing.T) {
	for _, by := range []float64{0.1, -20, 90_000} {
		m := newMachine(unix.PTP_SYS_OFFSET)
		p := fakePHC(t, m)
		if _, err := p.AdjustFrequency(-4600); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			m.pass(float64(refreshEvery))
			if _, err := p.Cross(); err != nil {
				t.Fatal(err)
			}
		}
		ours := m.correction
		m.settle()
		m.correction += by
		m.pass(float64(refreshEvery))
		if _, err := p.Cross(); err != nil {
			t.Fatal(err)
		}
		d := p.Disturbance()
		if !d.Steered || d.Count != 1 || p.Health().Steered != 1 {
			t.Errorf("steered by %v ppb: told as %+v", by, d)
		}
		if off := float64(d.Ns) - by*refreshEvery.Seconds(); math.Abs(off) > float64(d.WidthNs)+2 {
			t.Errorf("steered by %v ppb for %v: told as %d ns", by, refreshEvery, d.Ns)
		}
		if math.Abs(m.correction-ours) > 0.001 {
			t.Errorf("steered by %v ppb: left at %v, ours is %v", by, m.correction, ours)
		}
		if _, err := p.PutBack(); err != nil {
			t.Fatal(err)
		}
		m.pass(float64(refreshEvery))
		if _, err := p.Cross(); err != nil || p.Disturbance() != (Disturbance{}) {
			t.Errorf("steered by %v ppb: afterwards %+v, %v", by, p.Disturbance(), err)
		}
	}
}

// A clock that is only watched is never set: another program steers it, its line goes
// along, and a step shows within a reading.
func TestAWatchedClockIsOnlyReadAndItsLineFollows(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET_EXTENDED)
	m.phc, m.realtime = m.raw, 0 // near enough to 0 for the model's arithmetic to be exact
	p := fakePHC(t, m)
	p.watches = true
	pass := func() float64 {
		m.pass(float64(refreshEvery))
		m.settle()
		if _, err := p.Cross(); err != nil {
			t.Fatal(err)
		}
		return float64(p.Local(m.clocks().raw()).Ns()) - m.phcNow()
	}
	for i := range 80 {
		if i%8 == 3 {
			m.settle()
			m.correction += 40 // another program's order
		}
		if off := pass(); i > 20 && math.Abs(off) > 200 {
			t.Fatalf("reading %d: the line is off by %.0f ns", i, off)
		}
	}
	set := m.correction
	m.settle()
	m.phc += 1e6 // and its step
	pass()
	if off := pass(); math.Abs(off) > 500 || m.correction != set || p.Health().Steered != 0 {
		t.Errorf("after a step the line is off by %.0f ns; the correction %v, was %v", off, m.correction, set)
	}
}

// Another program's correction is seen also when ours replaces it before the next
// reading.
func TestAnothersSteeringBetweenReadingsIsSeen(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	for range 40 {
		m.pass(float64(refreshEvery))
		if _, err := p.Cross(); err != nil {
			t.Fatal(err)
		}
	}
	m.settle()
	m.correction += 20
	if applied, err := p.AdjustFrequency(-4600); err != nil || m.correction != applied {
		t.Errorf("applied %v, the clock has %v, %v", applied, m.correction, err)
	}
	m.pass(float64(refreshEvery))
	if _, err := p.Cross(); err != nil {
		t.Fatal(err)
	}
	if d := p.Disturbance(); !d.Steered || d.Count != 1 || p.Health().Steered != 1 {
		t.Errorf("told as %+v, steered %d times", d, p.Health().Steered)
	}
	if _, err := p.PutBack(); err != nil {
		t.Fatal(err)
	}
	m.pass(float64(refreshEvery))
	if _, err := p.Cross(); err != nil || p.Disturbance() != (Disturbance{}) {
		t.Errorf("afterwards %+v, %v", p.Disturbance(), err)
	}
}

// A driver that began anew lost the correction without saying so: PutBack gives
// it again.
func TestPutBackGivesTheFrequencyAgain(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	applied, err := p.AdjustFrequency(-4600)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		m.pass(float64(refreshEvery))
		if _, err := p.Cross(); err != nil {
			t.Fatal(err)
		}
	}
	m.settle()
	m.lostCorrection()
	m.phc -= 3e9
	m.pass(float64(refreshEvery))
	if _, err := p.Cross(); err != nil || p.Disturbance().Count != 1 {
		t.Fatalf("%+v, %v", p.Disturbance(), err)
	}
	if _, err := p.PutBack(); err != nil || m.correction != applied {
		t.Errorf("correction %v, %v; want %v", m.correction, err, applied)
	}
}

// A clock that is unplugged is noticed, its line goes on, and when it is back, as
// another device and at another time, it is set to the line at its frequency.
func TestAnUnpluggedClockComesBackToItsLine(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	if _, err := p.AdjustFrequency(-4600); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		m.pass(float64(refreshEvery))
		p.refresh()
	}
	now := func() timescale.Mono { return timescale.MonoFromNs(int64(m.raw)) }
	m.gone, m.lost = unix.ENODEV, os.ErrNotExist
	m.pass(float64(refreshEvery))
	p.refresh()
	tr := p.Trouble()
	if !errors.Is(tr.Err, unix.ENODEV) || !strings.Contains(tr.Err.Error(), "gone") || now().Sub(tr.Since) > 2*refreshEvery || !m.closed {
		t.Fatalf("unplugged: %+v", tr)
	}
	if _, err := p.AdjustFrequency(1); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a clock that is gone was steered: %v", err)
	}
	if err := p.Step(1); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a clock that is gone was set: %v", err)
	}
	line := p.Timebase()
	for range 40 {
		m.pass(float64(refreshEvery))
		p.refresh()
	}
	m.gone, m.lost, m.closed, m.path = nil, nil, false, "/dev/ptp9"
	m.phc, m.phcSince, m.correction = 0, m.raw, 0
	p.refresh()
	if tr := p.Trouble(); tr.Err != nil || tr.Absences != 1 || p.Info().Name != "/dev/ptp9" {
		t.Fatalf("back: %+v, %s", tr, p.Info().Name)
	}
	if off := m.phcNow() - float64(line.At(now()).Ns()); math.Abs(off) > 1500 || math.Abs(m.correction+4600) > 0.02 {
		t.Errorf("back: %.0f ns off the line, at %v ppb", off, m.correction)
	}
	for range 40 {
		m.pass(float64(refreshEvery))
		p.refresh()
	}
	if off := float64(p.Local(now()).Ns()) - m.phcNow(); math.Abs(off) > 1000 || p.Disturbance().Count != 0 {
		t.Errorf("afterwards: line %.0f ns off, %+v", off, p.Disturbance())
	}
	if err := p.Close(); err != nil || !m.closed {
		t.Error(err)
	}
}

// A FEC whose interface is down cannot be read; when it is up again the method
// is the one from before, and what it did meanwhile is a disturbance.
func TestAClockThatWasUnreadableKeepsItsMethod(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	for range 40 {
		m.pass(float64(refreshEvery))
		p.refresh()
	}
	method := p.CrossMethod()
	m.gone = unix.EINVAL
	for range 8 {
		m.pass(float64(refreshEvery))
		p.refresh()
	}
	if tr := p.Trouble(); !errors.Is(tr.Err, unix.EINVAL) || m.closed {
		t.Errorf("down: %+v", tr)
	}
	m.gone = nil
	m.settle()
	m.phc += 5_000_000
	p.refresh()
	if tr := p.Trouble(); tr.Err != nil || p.CrossMethod() != method {
		t.Errorf("up: %+v, %s", tr, p.CrossMethod())
	}
	if d := p.Disturbance(); d.Count != 1 || math.Abs(float64(d.Ns)-5e6) > 10_000 {
		t.Errorf("up: %+v", d)
	}
}

// What the hardware makes of a correction is told and goes into the line.
func TestAppliedIsTheHardwares(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := namedPHC(t, m, "fec ptp", 40)
	applied, err := p.AdjustFrequency(0)
	if err != nil || math.Abs(applied) != 1 || m.lastAdjust.Freq == 0 {
		t.Errorf("0 ppb: applied %v with %d units, %v", applied, m.lastAdjust.Freq, err)
	}
	if applied, err = p.AdjustFrequency(20_003); err != nil || applied != 1e9/(1250*40) {
		t.Errorf("20,003 ppb: applied %v, %v", applied, err)
	}
	if q := p.Info().QuantumPPB; q != 1 {
		t.Errorf("quantum %v", q)
	}
	if q := namedPHC(t, newMachine(), "CTPS timer", 0).Info().QuantumPPB; math.Abs(q-0.4657) > 0.001 {
		t.Errorf("quantum of CPTS %v", q)
	}
}

// hold makes a process of a /proc of files, which holds a device open twice.
func hold(t *testing.T, proc, id, name, target string) {
	t.Helper()
	fd := filepath.Join(proc, id, "fd")
	err := errors.Join(os.MkdirAll(fd, 0o755), os.WriteFile(filepath.Join(proc, id, "comm"), []byte(name+"\n"), 0o644),
		os.Symlink(target, filepath.Join(fd, "7")), os.Symlink(target, filepath.Join(fd, "8")))
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheHoldersOfADeviceAreNamed(t *testing.T) {
	proc := t.TempDir()
	hold(t, proc, "812", "ptp4l", "/dev/ptp0")
	hold(t, proc, "813", "chronyd", "/dev/ptp1")
	hold(t, proc, "9000", "phc2sys", "/dev/ptp0")
	var got []string
	for _, process := range holders(proc, "/dev/ptp0") {
		got = append(got, processName(process))
	}
	if !slices.Equal(got, []string{"ptp4l[812]", "phc2sys[9000]"}) {
		t.Errorf("%v", got)
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got := holders("/proc", file.Name()); len(got) != 0 {
		t.Errorf("we suspect ourselves: %v", got)
	}
}

// Who steers the clock is known as soon as that is seen, by whichever reading, and
// no longer named than it holds the clock open.
func TestSuspectsAreOfNow(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	p.proc = t.TempDir()
	suspects := func(when string, want ...string) {
		t.Helper()
		if got := p.Health().Suspects; !slices.Equal(got, want) {
			t.Errorf("%s: held open by %v, want %v", when, got, want)
		}
	}
	hold(t, p.proc, "217", "phc2sys", m.path)
	hold(t, p.proc, "218", "ts2phc", m.path)
	if _, err := p.Cross(); err != nil {
		t.Fatal(err)
	}
	suspects("before it is steered")
	m.correction += 20
	if _, err := p.Cross(); err != nil {
		t.Fatal(err)
	}
	suspects("steered", "phc2sys[217]", "ts2phc[218]")
	if err := os.RemoveAll(filepath.Join(p.proc, "217")); err != nil {
		t.Fatal(err)
	}
	suspects("one has ended", "ts2phc[218]")
	for _, fd := range []string{"7", "8"} {
		if err := os.Remove(filepath.Join(p.proc, "218", "fd", fd)); err != nil {
			t.Fatal(err)
		}
	}
	suspects("the other has closed it")
}

// The goroutine ends with Close also while the clock is away.
func TestCloseEndsTheWatchWhileTheClockIsAway(t *testing.T) {
	m := newMachine()
	p := fakePHC(t, m)
	m.gone, m.lost = unix.ENODEV, os.ErrNotExist
	p.keepFresh()
	time.Sleep(2 * refreshEvery)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
