package kernelclock

import (
	"testing"
	"time"
)

// The system clock is read together with the raw one; whether somebody keeps it is the
// kernel's word.
func TestSystemClockIsReadWithItsState(t *testing.T) {
	c, err := ReadSystemClock()
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Duration(time.Now().UnixNano() - c.Realtime.Ns()); off < 0 || off > time.Second {
		t.Errorf("it is %v behind", off)
	}
	if age := Raw().Sub(c.Mono); age < 0 || age > time.Second || c.MaxError < 0 || c.Synchronised && c.MaxError > 16*time.Second {
		t.Errorf("%+v, read %v ago", c, age)
	}
}
