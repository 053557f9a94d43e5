// Package port reads a GNSS receiver's serial port and, where it is let, writes to it.
//
// One goroutine, the one that calls Run, opens the port, finds its rate, reads
// it, lets a Talker speak and closes it. When the device vanishes, is missing or
// may not be opened, Run says so once and tries again with back-off until it is
// there; a device path that is a link (/dev/serial/by-id/...) is followed anew
// each time.
//
// Each chunk carries CLOCK_MONOTONIC_RAW as read right after the read returned.
// What the bytes mean is gnss's business; here a frame only proves that the
// rate is right.
package port
