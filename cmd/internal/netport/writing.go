package netport

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel's part in a predicted Sync: its program at the device's egress
// (master/udp) writes the time into it as it is handed to the driver.

// unwrittenSyncs is how many samples within a second, all without the kernel's
// time, show that its program is not there.
const unwrittenSyncs = 8

type writer uint8

const (
	nobodyWrites writer = iota // it was not asked for, or could not be
	kernelWrites
	kernelBypassed // its program does not see the Syncs
)

// writing is who brings the time in a predicted Sync up to date.
type writing struct {
	by                 writer
	err                error     // why the kernel does not
	written, unwritten uint64    // of the samples, as it was a second ago
	relinked           time.Time // when its program was last linked anew
}

// words are empty where there is nothing to say.
func (w *writing) words() string {
	switch {
	case w.by == kernelWrites:
		return "the kernel brings it up to date as it hands the Sync to the driver"
	case w.by == kernelBypassed:
		return "the kernel's program does not see the Syncs: they leave by another device than board.interface"
	case w.err == nil:
		return ""
	}
	text := "the kernel does not write it nearer to the wire: " + w.err.Error()
	if errors.Is(w.err, unix.EPERM) || errors.Is(w.err, unix.E2BIG) { // the second: its guesses are looked at, too
		text += " (fix: run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)"
	}
	return text
}

// writeOrigins lets the kernel write the time into the Syncs that are predicted,
// at the device that has the hardware, or takes its program away. The caller holds
// mu.
func (p *Port) writeOrigins() {
	index, err := 0, error(nil)
	if p.cfg.KernelSync && p.mode == PredictedOneStep {
		index, err = p.index()
	}
	if err == nil {
		err = p.server.OriginWriter(index)
	}
	p.writing.by, p.writing.err = nobodyWrites, err
	if err == nil && index > 0 {
		p.writing.by = kernelWrites
	}
}

// judgeWriting links the kernel's program anew when the Syncs that it was to write
// come by without: somebody may have taken it away. Where they leave by another
// device that does not help, and is said.
func (p *Port) judgeWriting(now time.Time) {
	w, n := &p.writing, p.transport.Stamps
	missed, done := n.Unwritten-w.unwritten, n.Written-w.written
	w.unwritten, w.written = n.Unwritten, n.Written
	switch {
	case missed < unwrittenSyncs || done > 0:
		if done > 0 && w.by == kernelBypassed {
			w.by = kernelWrites
		}
	case now.Sub(w.relinked) > retryAfter:
		w.relinked = now
		_ = p.server.OriginWriter(0) // nothing can fail when it is taken away
		p.writeOrigins()
	default:
		w.by, w.err = kernelBypassed, nil
	}
}
