package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTheQuickestSyncsTellWhereTheClockIs(t *testing.T) {
	var said strings.Builder
	said.WriteString("ptp4l[1.0]: port 1: UNCALIBRATED to SLAVE on MASTER_CLOCK_SELECTED\n")
	for i := range 100 {
		delay := 2_000_000 // what ptp4l takes for the path's delay changes, and does not matter
		if i%2 == 0 {
			delay = 90_000_000
		}
		late := 5_000_000 + (i/10)*30_000_000 // most wait for the host
		fmt.Fprintf(&said, "ptp4l[42307.724]: master offset %10d s2 freq +100000000 path delay %9d\n", late-delay, delay)
	}
	if late, n := quickest(said.String()); late != 5*time.Millisecond || n != 100 {
		t.Errorf("the quickest of %d is %v late, want 5ms of 100", n, late)
	}
	if late, n := quickest("ptp4l[1.0]: nothing\n"); late != 0 || n != 0 {
		t.Errorf("no offsets are %d, %v late", n, late)
	}
}
