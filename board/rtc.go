package board

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// RTC is where the kernel has the board's real-time clock, which a battery keeps running
// without power.
const RTC = "/dev/rtc0"

const (
	rtcPoll = 4 * time.Millisecond
	// rtcPatience is longer than a second of an RTC that runs.
	rtcPatience = 1500 * time.Millisecond
)

// ReadRTC waits until the second of an RTC changes, a second at most, and returns when
// that was and what it says then, to rtcPoll. Whether that is UTC is not its to know.
func ReadRTC(path string) (at timescale.Mono, says timescale.UTC, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return at, says, fmt.Errorf("board: %s: %w", path, os.NewSyscallError("open", err))
	}
	defer unix.Close(fd)
	at, says, err = rtcTick(func() (*unix.RTCTime, error) { return unix.IoctlGetRTCTime(fd) }, kernelclock.Raw, time.Sleep)
	if err != nil {
		return at, says, fmt.Errorf("board: %s: %w", path, err)
	}
	return at, says, nil
}

func rtcTick(read func() (*unix.RTCTime, error), raw func() timescale.Mono, sleep func(time.Duration)) (at timescale.Mono, says timescale.UTC, err error) {
	var before timescale.UTC
	for begun, last := raw(), raw(); ; {
		t, err := read()
		if err != nil {
			return at, says, os.NewSyscallError("ioctl RTC_RD_TIME", err)
		}
		now := raw()
		says, err := timescale.Date(int(t.Year)+1900, int(t.Mon)+1, int(t.Mday), int(t.Hour), int(t.Min), int(t.Sec), 0)
		switch {
		case err != nil:
			return at, says, err
		case before != (timescale.UTC{}) && says != before:
			return last.Add(now.Sub(last) / 2), says, nil
		case now.Sub(begun) > rtcPatience:
			return at, says, errors.New("it stands still")
		}
		before, last = says, now
		sleep(rtcPoll)
	}
}
