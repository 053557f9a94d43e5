package board

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// KernelRelease is the running kernel's, such as "6.12.30"; "" where it does not say.
func KernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// SnapshotAdvice says why a PTP clock's input may stamp nothing although the kernel has
// turned it on; "" where nothing is known of the driver. Before Linux 6.7 stmmac sets no
// bit for the snapshot on hardware like the i.MX8MP's, and reports success.
func SnapshotAdvice(driver, release string) string {
	var major, minor int
	if n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor); n != 2 || !strings.Contains(driver, "stmmac") {
		return ""
	}
	if major > 6 || major == 6 && minor >= 7 {
		return ""
	}
	return fmt.Sprintf("this is stmmac on Linux %s, which turns no stamps on: it needs Linux 6.7 or later", release)
}
