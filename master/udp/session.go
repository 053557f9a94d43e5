package udp

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// favour gives this process's session a priority among the others. Where
// sessions are scheduled as groups (CONFIG_SCHED_AUTOGROUP, as in Debian's
// kernels), the nice value of a thread counts within its session alone, and a
// busy session takes half of the processor from a thread at nice -20. Only a
// session that begins with us, as a service's does, is ours to change.
func favour(nice int) {
	if sid, err := unix.Getsid(0); err != nil || sid != os.Getpid() {
		return
	}
	// Without such groups there is no such file, and nothing to be done.
	_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(nice)), 0)
}
