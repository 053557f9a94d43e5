package kernelclock

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// SystemClock is CLOCK_REALTIME as another program keeps it.
type SystemClock struct {
	Pair
	// Synchronised: some program (chrony, ntpd, systemd-timesyncd) steers it and says
	// so. Else it is whatever date the board began with.
	Synchronised bool
	MaxError     time.Duration // as that program says; the kernel lets it grow since
}

// ReadSystemClock reads it, and whether it is synchronised.
func ReadSystemClock() (SystemClock, error) {
	var t Timex // no modes: it is only read
	if err := Adjust(unix.CLOCK_REALTIME, &t); err != nil {
		return SystemClock{}, err
	}
	pair, err := ReadPair()
	if err != nil {
		return SystemClock{}, err
	}
	return SystemClock{pair, t.Status&unix.STA_UNSYNC == 0, time.Duration(t.Maxerror) * time.Microsecond}, nil
}

// StepRealtime steps CLOCK_REALTIME, forward where by is positive. It needs CAP_SYS_TIME.
func StepRealtime(by time.Duration) error {
	seconds := by / time.Second
	rest := by - seconds*time.Second
	if rest < 0 { // the kernel wants the rest positive
		seconds, rest = seconds-1, rest+time.Second
	}
	t := Timex{Modes: AdjSetOffset | AdjNano, TimeSec: int64(seconds), TimeUsec: int64(rest)}
	if err := Adjust(unix.CLOCK_REALTIME, &t); err != nil {
		return fmt.Errorf("%w (fix: give bragid CAP_SYS_TIME, or set ntp.set_system_clock = false)", err)
	}
	return nil
}
