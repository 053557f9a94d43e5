package kernelclock

import (
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
