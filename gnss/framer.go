package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// FrameKind tells one protocol from another.
type FrameKind uint8

// The kinds of Frame.
const (
	// FrameNMEA is a sentence $...*hh whose checksum is right.
	FrameNMEA FrameKind = iota
	// FrameNMEAUnchecked is a line $... that ended without a checksum. It may be
	// shown, never trusted.
	FrameNMEAUnchecked
	// FrameUBX is a u-blox frame whose checksum is right.
	FrameUBX
)

// Frame is one message cut out of the stream.
type Frame struct {
	Kind FrameKind
	// Bytes is the whole message, from $ to the last checksum digit or from B5
	// to the last checksum byte. It is the Framer's memory: copy what outlives
	// the call.
	Bytes []byte
	// Received is when the chunk with the first byte came.
	Received timescale.Mono
}

// FramerCounters count since the Framer was made. Every byte is counted once:
// Bytes = FrameBytes + GarbageBytes + what waits in the Framer.
type FramerCounters struct {
	Bytes        uint64
	FrameBytes   uint64 // in frames of any kind, line ends included
	GarbageBytes uint64 // everything else, bad frames included
	Sentences    uint64 // FrameNMEA
	UBX          uint64 // FrameUBX
	BadChecksums uint64 // NMEA sentences with a wrong checksum, and false or broken UBX frames
}

// Frames is the number of frames with a good checksum.
func (c FramerCounters) Frames() uint64 { return c.Sentences + c.UBX }

const (
	// maxSentence is the longest sentence, $ to checksum. NMEA 0183 says 82 with
	// the line end; receivers go to about 120.
	maxSentence = 256
	// maxUBXPayload is above NAV-SAT with 255 satellites (3,068) and the longest
	// RXM-RAWX.
	maxUBXPayload = 4096
	ubxOverhead   = 8 // B5 62 class id length(2) ... checksum(2)
	framerBuffer  = maxUBXPayload + ubxOverhead + 1024
	// ubxPatience ends the wait for the rest of a UBX frame. A receiver sends a
	// frame in one go; a longer silence means that the length was false.
	ubxPatience = 300 * time.Millisecond
	maxStamps   = 128
)

// Framer cuts a stream that mixes NMEA, UBX and garbage into frames. Whatever
// it is fed, it is back in step with the first good frame after the damage:
//
//   - a $ always starts a sentence anew, and a sentence that grows too long is
//     dropped up to the next $
//   - a UBX frame whose checksum is wrong gives back all but its first byte, so
//     that a false length swallows nothing
//
// The frames do not depend on how the stream is cut into chunks. Memory is
// bounded. The zero value is ready.
type Framer struct {
	buf     []byte // bytes not yet judged; buf[0] is a start byte once scan returned
	seen    int    // bytes of the sentence at buf[0] that were looked at
	eol     bool   // a line end here belongs to the last frame
	stamps  []stamp
	last    timescale.Mono
	counter FramerCounters
}

// stamp: bytes from pos on came at the time received.
type stamp struct {
	pos      int
	received timescale.Mono
}

// Counters returns what was counted so far.
func (f *Framer) Counters() FramerCounters { return f.counter }

// Feed takes the next chunk, which came at received, and gives each frame that
// it completes to emit.
func (f *Framer) Feed(received timescale.Mono, chunk []byte, emit func(Frame)) {
	if f.buf == nil {
		f.buf = make([]byte, 0, framerBuffer)
		f.stamps = make([]stamp, 0, maxStamps)
	}
	if received.Sub(f.last) > ubxPatience {
		for len(f.buf) > 0 && f.buf[0] == ubxSync1 {
			f.giveUp(emit)
		}
	}
	f.last = received
	f.counter.Bytes += uint64(len(chunk))
	for len(chunk) > 0 {
		n := min(len(chunk), cap(f.buf)-len(f.buf))
		f.stampChunk(received)
		f.buf = append(f.buf, chunk[:n]...)
		chunk = chunk[n:]
		f.scan(emit)
	}
}

// Flush ends the stream: what waits for more bytes is given up, and the good
// frames inside it are given to emit.
func (f *Framer) Flush(emit func(Frame)) {
	for len(f.buf) > 0 {
		f.giveUp(emit)
	}
}

// giveUp drops the start of what waits and looks again at the rest.
func (f *Framer) giveUp(emit func(Frame)) {
	if f.buf[0] == ubxSync1 {
		f.garbage(1)
	} else {
		f.garbage(len(f.buf))
	}
	f.scan(emit)
}

// stampChunk notes when the bytes that follow came. When the list is full the
// chunk counts as part of the one before it.
func (f *Framer) stampChunk(received timescale.Mono) {
	n := len(f.stamps)
	if n > 0 && (f.stamps[n-1].received == received || n == cap(f.stamps)) {
		return
	}
	f.stamps = append(f.stamps, stamp{len(f.buf), received})
}

// scan judges bytes until more are needed. Every branch that does not return
// consumes at least one byte.
func (f *Framer) scan(emit func(Frame)) {
	for len(f.buf) > 0 {
		switch f.buf[0] {
		case '$':
			end, verdict := f.sentenceEnd()
			switch verdict {
			case incomplete:
				return
			case checked:
				f.frame(FrameNMEA, end, emit)
			case unchecked:
				f.frame(FrameNMEAUnchecked, end, emit)
			case badChecksum:
				f.counter.BadChecksums++
				f.garbage(end)
			case broken:
				f.garbage(end)
			}
		case ubxSync1:
			end, verdict := ubxEnd(f.buf)
			switch verdict {
			case incomplete:
				return
			case checked:
				f.frame(FrameUBX, end, emit)
			case badChecksum:
				f.counter.BadChecksums++
				f.garbage(1)
			default:
				f.garbage(1)
			}
		default:
			f.skip()
		}
	}
}

// skip drops bytes up to the next that can start a frame.
func (f *Framer) skip() {
	n := 0
	for n < len(f.buf) && f.buf[n] != '$' && f.buf[n] != ubxSync1 {
		if f.eol && (f.buf[n] == '\r' || f.buf[n] == '\n') {
			f.counter.FrameBytes++
		} else {
			f.eol = false
			f.counter.GarbageBytes++
		}
		n++
	}
	f.consume(n)
}

func (f *Framer) frame(kind FrameKind, end int, emit func(Frame)) {
	switch kind {
	case FrameNMEA:
		f.counter.Sentences++
	case FrameUBX:
		f.counter.UBX++
	}
	f.counter.FrameBytes += uint64(end)
	emit(Frame{Kind: kind, Bytes: f.buf[:end:end], Received: f.stamps[0].received})
	f.consume(end)
	f.eol = kind != FrameUBX
}

func (f *Framer) garbage(n int) {
	f.counter.GarbageBytes += uint64(n)
	f.eol = false
	f.consume(n)
}

// consume removes the first n bytes and their stamps.
func (f *Framer) consume(n int) {
	f.seen = 0
	f.buf = f.buf[:copy(f.buf, f.buf[n:])]
	if len(f.buf) == 0 {
		f.stamps = f.stamps[:0]
		return
	}
	first := 0
	for first+1 < len(f.stamps) && f.stamps[first+1].pos <= n {
		first++
	}
	f.stamps = f.stamps[:copy(f.stamps, f.stamps[first:])]
	for i := range f.stamps {
		f.stamps[i].pos = max(0, f.stamps[i].pos-n)
	}
}

type verdict uint8

const (
	incomplete verdict = iota
	checked
	unchecked
	badChecksum
	broken
)

// sentenceEnd looks for the end of the sentence at buf[0], which is $. It stops
// at *hh without waiting for the line's end: some receivers send none.
func (f *Framer) sentenceEnd() (end int, v verdict) {
	for i := max(1, f.seen); i < len(f.buf); i++ {
		switch c := f.buf[i]; {
		case c == '$':
			return i, broken
		case c == '*':
			if len(f.buf) < i+3 {
				// A line end or a new $ may come instead of the digits.
				if len(f.buf) == i+2 && !isHex(f.buf[i+1]) {
					return i + 1, broken
				}
				f.seen = i
				return 0, incomplete
			}
			if !isHex(f.buf[i+1]) || !isHex(f.buf[i+2]) {
				return i + 1, broken
			}
			if sum(f.buf[1:i]) != unhex(f.buf[i+1])<<4|unhex(f.buf[i+2]) {
				return i + 3, badChecksum
			}
			return i + 3, checked
		case c == '\r' || c == '\n':
			if i < minUnchecked {
				return i, broken
			}
			return i, unchecked
		case c < ' ' || c > '~':
			return i, broken
		}
		if i >= maxSentence {
			return i, broken
		}
	}
	f.seen = len(f.buf)
	return 0, incomplete
}

// minUnchecked is the length of $ and an address of five letters.
const minUnchecked = 6

func sum(b []byte) (s byte) {
	for _, c := range b {
		s ^= c
	}
	return s
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

const (
	ubxSync1 = 0xB5
	ubxSync2 = 0x62
)

// ubxEnd looks for the end of the UBX frame at b[0]: B5 62, class, id, length
// (little-endian), payload, and an 8-bit Fletcher checksum from class on.
func ubxEnd(b []byte) (end int, v verdict) {
	if len(b) < 2 {
		return 0, incomplete
	}
	if b[1] != ubxSync2 {
		return 0, broken
	}
	if len(b) < 6 {
		return 0, incomplete
	}
	length := int(b[4]) | int(b[5])<<8
	if length > maxUBXPayload {
		return 0, broken
	}
	end = length + ubxOverhead
	if len(b) < end {
		return 0, incomplete
	}
	var ckA, ckB byte
	for _, c := range b[2 : end-2] {
		ckA += c
		ckB += ckA
	}
	if ckA != b[end-2] || ckB != b[end-1] {
		return 0, badChecksum
	}
	return end, checked
}
