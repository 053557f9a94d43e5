package daemon

import (
	"fmt"

	"bragi/cmd/internal/file"
	"bragi/gnss/timescale"
)

// leapFileLimit is far more than such a file has.
const leapFileLimit = 1 << 20

// leapTable is the table of leap seconds in a file, or the built-in one where
// that knows more. A file that cannot be used is an error and no reason not to
// serve: the built-in table goes on.
func leapTable(path string) (*timescale.LeapSeconds, error) {
	table := timescale.Builtin()
	if path == "" {
		return table, nil
	}
	data, err := file.Read(path, leapFileLimit)
	if err != nil {
		return table, fmt.Errorf("gnss.leap_file: %w", err)
	}
	read, err := timescale.ParseLeapSeconds(data)
	if err != nil {
		return table, fmt.Errorf("gnss.leap_file: %s: %w", path, err)
	}
	if read.Expires().Sub(table.Expires()) > 0 {
		table = read
	}
	return table, nil
}
