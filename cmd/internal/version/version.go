// Package version tells which build this is.
package version

import (
	"strconv"
	"time"
)

// Version and BuildUnix are set by the Makefile's -ldflags.
var (
	Version   = "unknown"
	BuildUnix = "0"
)

// fallbackBuild stands for a build without the Makefile's stamp: the date of
// the first code. It is the floor below which no date is believed.
const fallbackBuild = 1795305600 // 2026-11-22T00:00:00Z

// BuildDate is when this program was made, in Unix seconds: no plausible date
// of a receiver is earlier.
func BuildDate() int64 {
	unix, err := strconv.ParseInt(BuildUnix, 10, 64)
	if err != nil || unix < fallbackBuild {
		return fallbackBuild
	}
	return unix
}

// Line is the one line that --version prints.
func Line(program string) string {
	return program + " " + Version + " (built from a commit of " + time.Unix(BuildDate(), 0).UTC().Format(time.DateOnly) + ")"
}
