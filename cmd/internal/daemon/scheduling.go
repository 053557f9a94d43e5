package daemon

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/status"
)

// Go's threads wait for each other in short loops. Under a real-time policy such a
// loop takes the processor from the thread that it waits for: on one processor
// nothing goes on, for ever. So bragid runs under the plain policy, whatever it was
// started under; the packets' thread has the nice value -20.

// realTime are the policies under which a thread is not made to give way.
var realTime = map[uint32]string{unix.SCHED_FIFO: "SCHED_FIFO", unix.SCHED_RR: "SCHED_RR", unix.SCHED_DEADLINE: "SCHED_DEADLINE"}

// plainScheduling takes every thread of this process out of a real-time policy. It
// says which one that was, "" for none. Later threads inherit the plain one.
func plainScheduling() (was string, err error) {
	for {
		changed := false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return was, fmt.Errorf("scheduling: %w", err)
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			a, err := unix.SchedGetAttr(id, 0)
			if err != nil {
				continue // it has ended
			}
			name, is := realTime[a.Policy]
			if !is {
				continue
			}
			was = name
			if err := unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: a.Nice}, 0); err != nil {
				return was, fmt.Errorf("the policy %s cannot be left: %w (fix: start bragid without chrt or CPUSchedulingPolicy)", name, os.NewSyscallError("sched_setattr", err))
			}
			changed = true
		}
		if !changed { // a thread may have been made by one that was not changed yet
			return was, nil
		}
	}
}

// schedulingWords tell an operator what was taken back.
func schedulingWords(was string) string {
	return fmt.Sprintf("bragid was started under %s on %s; it takes the plain policy, because Go's threads can stop each other under %s (fix: start it without chrt or CPUSchedulingPolicy)", was, status.Count(runtime.NumCPU(), "processor"), was)
}
