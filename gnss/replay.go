package gnss

import (
	"io"
	"time"

	"bragi/gnss/timescale"
)

// Replay decodes a recording, which has no time of its own: the clock runs with
// the instants that the receiver names, and a little with the bytes between.
func Replay(r io.Reader, d *Decoder, emit func(Epoch)) error {
	const (
		chunk   = 64
		perByte = time.Millisecond / chunk
		longest = time.Minute // a longer step is a receiver that found its date
		// catchUp is a step that leaves a frame whose bytes it lies between whole.
		catchUp = ubxPatience / 2
	)
	now := timescale.MonoFromNs(int64(time.Second))
	due := now // when it is by the epochs
	var utc timescale.UTC
	watch := func(e Epoch) {
		if step := e.UTC.Sub(utc); utc != (timescale.UTC{}) && step > 0 && step < longest {
			due = due.Add(step)
		}
		utc = e.UTC
		emit(e)
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		for b := buf[:n]; len(b) > 0; {
			part := b[:min(chunk, len(b))]
			b = b[len(part):]
			d.Feed(now, part, watch)
			now = now.Add(min(max(due.Sub(now), time.Duration(len(part))*perByte), catchUp))
		}
		if err == io.EOF {
			d.Flush(watch)
			return nil
		}
		if err != nil {
			return err
		}
	}
}
