package board

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

func fakePHC(t *testing.T, m *machine) *PHC {
	t.Helper()
	return namedPHC(t, m, "fake", 0)
}

func namedPHC(t *testing.T, m *machine, clockName string, counterNs int64) *PHC {
	t.Helper()
	find := func() (string, error) { return m.path, m.lost }
	open := func(string) (ptpDevice, string, error) { return m, clockName, nil }
	p, err := newPHC(find, open, m.clocks(), counterNs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each driver and kernel gets the best method it knows, and every method tells
// the same time.
func TestEachDriverGetsTheBestCrossTimestampItKnows(t *testing.T) {
	for _, tc := range []struct {
		name       string
		supported  []uint
		precise    bool
		rawClockID bool
		want       crossMethod
		widthNs    int64
	}{
		{"PTM hardware", []uint{unix.PTP_SYS_OFFSET_PRECISE, unix.PTP_SYS_OFFSET_EXTENDED, unix.PTP_SYS_OFFSET}, true, true, crossPrecise, 50},
		{"stmmac, which offers precise and refuses it", []uint{unix.PTP_SYS_OFFSET}, true, false, crossOffset, 1000},
		{"CPTS on a kernel that knows clockid", []uint{unix.PTP_SYS_OFFSET_EXTENDED, unix.PTP_SYS_OFFSET}, false, true, crossRaw, 400},
		{"CPTS on one that does not", []uint{unix.PTP_SYS_OFFSET_EXTENDED, unix.PTP_SYS_OFFSET}, false, false, crossExtended, 1000},
		{"FEC", []uint{unix.PTP_SYS_OFFSET}, false, true, crossOffset, 1000},
		{"no ioctl at all", nil, false, false, crossRead, 600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMachine(tc.supported...)
			m.rawClockID = tc.rawClockID
			m.phc, m.realtime = m.raw, 1e9 // near enough to 0 for the model's arithmetic to be exact
			if tc.precise {
				m.caps.Cross_timestamping = 1
			}
			p := fakePHC(t, m)
			x, err := p.Cross()
			if err != nil {
				t.Fatal(err)
			}
			if p.CrossMethod() != tc.want.String() {
				t.Errorf("method %s, want %v", p.CrossMethod(), tc.want)
			}
			if x.WidthNs <= 0 || x.WidthNs > tc.widthNs {
				t.Errorf("%d ns wide, want at most %d", x.WidthNs, tc.widthNs)
			}
			want := m.phcAt(float64(x.Mono.Ns()))
			if off := math.Abs(float64(x.Local.Ns()) - want); off > float64(x.WidthNs)/2+1 {
				t.Errorf("Local and Mono are %.0f ns apart, width %d", off, x.WidthNs)
			}
			if off := x.Realtime.Ns() - x.Mono.Ns() - m.realtime; off < -x.WidthNs-300 || off > x.WidthNs+300 {
				t.Errorf("Realtime and Mono are %d ns apart, width %d", off, x.WidthNs)
			}
			calls := len(m.calls)
			if _, err := p.Cross(); err != nil {
				t.Fatal(err)
			}
			if n := len(m.calls) - calls; n > 1 {
				t.Errorf("%d ioctls for a cross timestamp: what was refused is asked for again", n)
			}
		})
	}
}

func TestJumpOfRealtimeVoidsACrossTimestamp(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	m.jumpNs, m.jumps = 1_000_000, 1
	x, err := p.Cross()
	if err != nil {
		t.Fatalf("one jump: %v", err)
	}
	if off := math.Abs(float64(x.Local.Ns()) - m.phcAt(float64(x.Mono.Ns()))); off > float64(x.WidthNs) {
		t.Errorf("after a jump Local and Mono are %.0f ns apart", off)
	}
	m.jumps = 100
	if _, err := p.Cross(); !errors.Is(err, errJump) {
		t.Errorf("a clock that jumps all the time: %v", err)
	}
}

func TestThePHCsFrequencyIsSetInWholeKernelUnits(t *testing.T) {
	const unit = 1000.0 / 65536
	for _, tc := range []struct{ ask, want float64 }{
		{0, 0}, {1, 66 * unit}, {-1, -66 * unit}, {1234.5, 80904 * unit}, {9e6, 1e6}, {-9e6, -1e6}, {0.007, 0},
	} {
		m := newMachine()
		p := fakePHC(t, m)
		got, err := p.AdjustFrequency(tc.ask)
		if err != nil || math.Abs(got-tc.want) > 1e-9 || math.Abs(m.correction-tc.want) > 1e-9 {
			t.Errorf("%v ppb: applied %v, hardware %v, %v; want %v", tc.ask, got, m.correction, err, tc.want)
		}
		if m.lastAdjust.Modes != kernelclock.AdjFrequency {
			t.Errorf("modes %#x", m.lastAdjust.Modes)
		}
	}
	p := fakePHC(t, newMachine())
	for _, ppb := range []float64{math.NaN(), math.Inf(-1)} {
		if _, err := p.AdjustFrequency(ppb); err == nil {
			t.Errorf("%v ppb was taken", ppb)
		}
	}
}

func TestACorrectionStaysWithinALimitBetweenUnits(t *testing.T) {
	m := newMachine()
	m.caps.Max_adj = 7 // 458.75 units
	p := fakePHC(t, m)
	for _, ppb := range []float64{100, -100} {
		if got, err := p.AdjustFrequency(ppb); err != nil || math.Abs(got) > 7 || math.Abs(got) < 6.98 {
			t.Errorf("%v ppb: applied %v, %v; the limit is 7", ppb, got, err)
		}
	}
}

// The line follows what the program does to the clock, and the clock itself.
func TestThePHCsLineFollowsStepsAndSteering(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET_EXTENDED)
	p := fakePHC(t, m)
	check := func(when string, limit float64) {
		t.Helper()
		if off := math.Abs(float64(p.Local(timescale.MonoFromNs(int64(m.raw))).Ns()) - m.phcNow()); off > limit {
			t.Errorf("%s: Local is %.0f ns off", when, off)
		}
	}
	for range 20 {
		m.pass(500e6)
		if _, err := p.Cross(); err != nil {
			t.Fatal(err)
		}
	}
	m.pass(1e9)
	check("a second after a reading", 300)
	if _, err := p.AdjustFrequency(-200_000); err != nil {
		t.Fatal(err)
	}
	m.pass(1e9)
	check("a second after a change of frequency", 400)
	for _, step := range []int64{1, -1, 999_999_999, -1_000_000_000, -2_300_000_000, 1_795_000_000e9} {
		if err := p.Step(step); err != nil {
			t.Fatalf("step by %d: %v", step, err)
		}
		check("after a step", 600)
		m.pass(5e8)
		check("half a second after a step", 800)
	}
	if n := p.Foreign(); n != 0 {
		t.Errorf("our own steps and changes were taken for foreign ones, %d times", n)
	}
	m.phc += 50_000
	if _, err := p.Cross(); err != nil || p.Foreign() != 1 {
		t.Errorf("a foreign step of 50 us: %d found, %v", p.Foreign(), err)
	}
	check("after a foreign step", 600)
}

// What others do to the clock is told with its size, and undone to the width of
// the readings; our own steps and steering in between do not count.
func TestWhatOthersDidToThePHCIsToldAndPutBack(t *testing.T) {
	for _, tc := range []struct {
		what  string
		by    int64 // ns, each half second
		times int
	}{
		{"a step of 5 us", 5_000, 1},
		{"a step of -300 ms", -300_000_000, 1},
		{"a counter that stands still for 20 s", -500_000_000, 40},
	} {
		m := newMachine(unix.PTP_SYS_OFFSET)
		p := fakePHC(t, m)
		pass := func() {
			m.pass(500e6)
			if _, err := p.Cross(); err != nil {
				t.Fatal(err)
			}
		}
		for range 40 {
			pass()
		}
		if d, err := p.PutBack(); err != nil || d != (Disturbance{}) {
			t.Fatalf("%s: before it: %+v, %v", tc.what, d, err)
		}
		truth := m.phcNow() - m.raw*(1+m.ratePPB*1e-9)
		for range tc.times {
			m.phc += float64(tc.by)
			pass()
		}
		if err := p.Step(1_000_000); err != nil {
			t.Fatal(err)
		}
		d, total := p.Disturbance(), tc.by*int64(tc.times)
		if off := d.Ns - total; d.Count != tc.times || off > d.WidthNs || off < -d.WidthNs || d.WidthNs > int64(tc.times)*1500 {
			t.Errorf("%s: told as %+v", tc.what, d)
		}
		if _, err := p.PutBack(); err != nil {
			t.Fatal(err)
		}
		if off := m.phcNow() - m.raw*(1+m.ratePPB*1e-9) - truth - 1_000_000; math.Abs(off) > float64(d.WidthNs) {
			t.Errorf("%s: %.0f ns off after PutBack, within %d", tc.what, off, d.WidthNs)
		}
		if left := p.Disturbance(); left != (Disturbance{}) {
			t.Errorf("%s: after PutBack still %+v", tc.what, left)
		}
	}
}

// A counter that stood still between a reading and a step of ours is noticed all
// the same: the step does not hide it.
func TestStepHidesNoDisturbance(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	for range 20 {
		m.pass(500e6)
		if _, err := p.Cross(); err != nil {
			t.Fatal(err)
		}
	}
	m.pass(400e6)
	m.phc -= 400e6
	if err := p.Step(2_000_000); err != nil {
		t.Fatal(err)
	}
	if d := p.Disturbance(); d.Count != 1 || math.Abs(float64(d.Ns)+400e6) > 100_000 {
		t.Errorf("it stood still for 400 ms before a step: told as %+v", d)
	}
	m.pass(300e6)
	m.phc -= 300e6
	if _, err := p.PutBack(); err != nil {
		t.Fatal(err)
	}
	if d := p.Disturbance(); d.Count != 1 || math.Abs(float64(d.Ns)+300e6) > 100_000 {
		t.Errorf("it stood still for 300 ms before it was put back: told as %+v", d)
	}
}

// What another program left behind is known at the start.
func TestPHCStartsWithItsCorrection(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	m.correction = -4600
	p := fakePHC(t, m)
	if got := p.Timebase().RatePPB; math.Abs(got+4600) > 0.02 {
		t.Errorf("rate at the start %v ppb, want the correction, -4600", got)
	}
}

// The FEC of QEMU: its counter stands still at 0.
func TestAPHCThatStandsStillIsNoticed(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	m.frozen = true
	p := fakePHC(t, m)
	for range 10 {
		m.pass(500e6)
		x, err := p.Cross()
		if err != nil || x.Local.Ns() != 0 || x.WidthNs > 1000 {
			t.Fatalf("%+v, %v", x, err)
		}
	}
	if p.Foreign() < 9 {
		t.Errorf("a clock that stands still was noticed %d times of 10", p.Foreign())
	}
}

func TestPHCErrorsNameDeviceAndFix(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{unix.EPERM, "CAP_SYS_TIME"}, {unix.EOPNOTSUPP, "another clock"}, {unix.ENODEV, "gone"}, {unix.EBUSY, "n_vclocks"},
	} {
		m := newMachine()
		p := fakePHC(t, m)
		m.adjustErr = os.NewSyscallError("clock_adjtime", tc.err)
		_, freq := p.AdjustFrequency(1)
		for _, err := range []error{freq, p.Step(1)} {
			if !errors.Is(err, tc.err) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "/dev/ptp7") {
				t.Errorf("%v: %q should name the device and %q", tc.err, err, tc.want)
			}
		}
	}
	open := func(path string) (*PHC, error) { return FindPHC(func() (string, error) { return path, nil }, 0) }
	_, err := open(filepath.Join(t.TempDir(), "ptp0"))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "ls /sys/class/ptp") {
		t.Errorf("a missing clock: %v", err)
	}
	if _, err := open("/dev/null"); err == nil || !strings.Contains(err.Error(), "no PTP clock") {
		t.Errorf("/dev/null as a clock: %v", err)
	}
	if s := openFix("/dev/pps3", unix.EACCES); !strings.Contains(s, "root") {
		t.Error(s)
	}
	if s := openFix("/dev/ptp3", unix.EBUSY); !strings.Contains(s, "another program") {
		t.Error(s)
	}
}

func TestAClosedPHCRefusesAndItsLineGoesOn(t *testing.T) {
	m := newMachine()
	p := fakePHC(t, m)
	p.keepFresh()
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !m.closed {
		t.Error("the device is still open")
	}
	if _, err := p.Cross(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Cross of a closed clock: %v", err)
	}
	if _, err := p.AdjustFrequency(1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("AdjustFrequency of a closed clock: %v", err)
	}
	if err := p.Step(1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Step of a closed clock: %v", err)
	}
	at := timescale.MonoFromNs(int64(m.raw))
	if p.Local(at.Add(time.Second)).Sub(p.Local(at)) <= 0 {
		t.Error("the line of a closed clock stands still")
	}
}

func TestPHCLocalAllocatesNothing(t *testing.T) {
	p := fakePHC(t, newMachine())
	if n := testing.AllocsPerRun(100, func() { p.Local(timescale.MonoFromNs(6e12)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheDriversNameIsReadFromSysfs(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "ptp3"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ptp3", "clock_name"), []byte("fec ptp\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := driverName(dir, "/dev/ptp3"); got != "fec ptp" {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"525400090001", "52:54:00:09:00:01"} {
		folder := filepath.Join(dir, "ptp5")
		if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(filepath.Join(folder, "device"), 0o755),
			os.WriteFile(filepath.Join(folder, "clock_name"), []byte(name+"\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
		if got := driverName(dir, "/dev/ptp5"); got != name {
			t.Errorf("%q, want %q where no driver is told", got, name)
		}
		if err := os.Symlink("../../../bus/pci/drivers/igb", filepath.Join(folder, "device", "driver")); err != nil {
			t.Fatal(err)
		}
		if got := driverName(dir, "/dev/ptp5"); got != "igb" {
			t.Errorf("%q, want igb where the name is an address", got)
		}
	}
	if got := driverName(dir, "/dev/ptp4"); got != "" {
		t.Errorf("%q", got)
	}
}

// A clock whose rate is told foresees half a second from its first reading on;
// one that must learn it is microseconds off.
func TestAnAssumedRateForeseesFromTheFirstReading(t *testing.T) {
	for _, told := range []bool{false, true} {
		c := newTracked(1)
		c.steer = 250
		c.track = newTracker(c.steer, c.now)
		c.observe(60)
		c.pass(5 * time.Millisecond)
		c.observe(60)
		p := &PHC{track: c.track}
		p.publish()
		if told {
			p.AssumeRate(c.base + c.steer)
		}
		c.pass(500 * time.Millisecond)
		off := math.Abs(float64(p.Local(c.now).Sub(c.local())))
		if told && off > 200 || !told && off < 2000 {
			t.Errorf("told %v: half a second on, the line is off by %.0f ns", told, off)
		}
	}
	// A rate that was measured is better.
	c := newTracked(1)
	for range 20 {
		c.pass(500 * time.Millisecond)
		c.observe(60)
	}
	p := &PHC{track: c.track}
	p.publish()
	before := p.Timebase()
	p.AssumeRate(0)
	if p.Timebase() != before {
		t.Error("a measured rate was overwritten")
	}
}
