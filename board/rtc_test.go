package board

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// An RTC is read at the moment that its second changes; one that stands still, or has no
// date, is an error.
func TestAnRTCIsReadWhenItsSecondChanges(t *testing.T) {
	now := timescale.MonoFromNs(5e9)
	raw := func() timescale.Mono { return now }
	sleep := func(d time.Duration) { now = now.Add(d) }
	const phase = 377 * time.Millisecond // of its second in raw time
	read := func() (*unix.RTCTime, error) {
		now = now.Add(time.Millisecond)
		u := timescale.UTCFromNs(1_795_392_000e9).Add(now.Sub(timescale.MonoFromNs(0)) - phase)
		c := u.Civil()
		return &unix.RTCTime{Year: int32(c.Year - 1900), Mon: int32(c.Month - 1), Mday: int32(c.Day), Hour: int32(c.Hour), Min: int32(c.Minute), Sec: int32(c.Second)}, nil
	}
	at, says, err := rtcTick(read, raw, sleep)
	if err != nil {
		t.Fatal(err)
	}
	if off := says.Sub(timescale.UTCFromNs(1_795_392_000e9)) + phase - at.Sub(timescale.MonoFromNs(0)); off.Abs() > rtcPoll {
		t.Errorf("read %v off", off)
	}
	still := &unix.RTCTime{Year: 126, Mon: 10, Mday: 27}
	if _, _, err := rtcTick(func() (*unix.RTCTime, error) { return still, nil }, raw, sleep); err == nil {
		t.Error("one that stands still is read")
	}
	none := &unix.RTCTime{Year: 100, Mon: 14, Mday: 99}
	if _, _, err := rtcTick(func() (*unix.RTCTime, error) { return none, nil }, raw, sleep); err == nil {
		t.Error("a date that no calendar has is read")
	}
	if _, _, err := ReadRTC("/dev/none"); err == nil {
		t.Error("a device that is not there is read")
	}
}
