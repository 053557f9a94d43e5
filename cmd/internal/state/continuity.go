package state

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// BootID names the present boot; another one begins CLOCK_MONOTONIC_RAW anew.
func BootID() (string, error) {
	return bootID("/proc/sys/kernel/random/boot_id", os.Getenv("BRAGI_BOOT"))
}

// bootID reads file. A unit that hides it says the same itself, as systemd writes it: without hyphens.
func bootID(file, told string) (string, error) {
	b, err := os.ReadFile(file)
	switch {
	case err == nil:
		return strings.TrimSpace(string(b)), nil
	case len(told) == 32:
		return strings.Join([]string{told[:8], told[8:12], told[12:16], told[16:20], told[20:]}, "-"), nil
	}
	return "", fmt.Errorf("state: %w (fix: mount /proc, or let the unit say Environment=BRAGI_BOOT=%%b)", err)
}

// AppendBoot adds a boot's name to b, before what is of that boot alone.
func AppendBoot(b []byte, boot string) []byte {
	boot = boot[:min(len(boot), 255)]
	return append(append(b, byte(len(boot))), boot...)
}

// CutBoot takes apart what begins with AppendBoot.
func CutBoot(b []byte) (boot string, rest []byte, err error) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return "", nil, ErrTorn
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], nil
}

// Moment is the served clock and the kernel's clocks, read together.
type Moment struct {
	Boot       string  `json:"boot"`
	RawNs      int64   `json:"raw_ns"`      // CLOCK_MONOTONIC_RAW
	ClockNs    int64   `json:"clock_ns"`    // the served clock's reading
	WidthNs    int64   `json:"width_ns"`    // the two belong together within +- half of it
	RealtimeNs int64   `json:"realtime_ns"` // what CLOCK_REALTIME claimed
	RatePPB    float64 `json:"rate_ppb"`    // how much faster than CLOCK_MONOTONIC_RAW the clock ran
}

// Why a clock is not the one that it was; errors.Is finds them.
var (
	ErrOtherBoot = errors.New("it is of another boot")
	ErrTooOld    = errors.New("it is too old")
	ErrFuture    = errors.New("it was saved after now")
	ErrStood     = errors.New("the clock stood still meanwhile")
	ErrMoved     = errors.New("the clock was set or steered meanwhile")
)

const (
	// vouchedFor is how long a clock is vouched for without anybody looking.
	vouchedFor = time.Minute
	// What two crystals and a change of the correction that was not written down
	// any more may do, beside the widths of the two readings: 1 us, and 1 ppm of
	// the age.
	toleranceNs  = 1000.0
	tolerancePPM = 1.0
)

// Predict is what the clock reads at rawNs if nobody has touched it since m.
func (m Moment) Predict(rawNs int64) (clockNs int64) {
	age := rawNs - m.RawNs
	return m.ClockNs + age + int64(float64(age)*m.RatePPB*1e-9)
}

// Continues tells whether the clock that reads now is the one that was left at
// before, and how far it is from where it should be, in ns; positive: ahead.
func Continues(before, now Moment) (offNs int64, err error) {
	age := time.Duration(now.RawNs - before.RawNs)
	switch {
	case before.Boot != now.Boot || before.Boot == "":
		return 0, ErrOtherBoot
	case age < 0:
		return 0, ErrFuture
	case age > vouchedFor:
		return 0, fmt.Errorf("%w (%v, at most %v)", ErrTooOld, age.Round(time.Second), vouchedFor)
	}
	offNs = now.ClockNs - before.Predict(now.RawNs)
	tolerance := int64(float64(before.WidthNs+now.WidthNs)/2 + toleranceNs + tolerancePPM*1e-6*float64(age))
	if offNs >= -tolerance && offNs <= tolerance {
		return offNs, nil
	}
	if moved := now.ClockNs - before.ClockNs; moved >= -tolerance && moved <= int64(age)/10 {
		return offNs, fmt.Errorf("%w: it moved %v in %v", ErrStood, time.Duration(moved), age)
	}
	return offNs, fmt.Errorf("%w: it is %v from where it should be, more than %v", ErrMoved, time.Duration(offNs), time.Duration(tolerance))
}
