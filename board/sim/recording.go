package sim

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bragi/gnss/timescale"
)

// A Recording plays the bytes of a real receiver. The capture is cut into
// bursts, one for each second that its sentences name; a burst is played when
// the sky's second comes, or the fraction after it that the burst names, with the time and date fields of RMC, GGA, GNS, GLL
// and ZDA changed to that second and their checksums made anew. Everything else
// goes out as it came: other sentences, binary messages, garbage, sentences with
// a wrong checksum, empty fields. What precedes the first fix is played once;
// from the first fix to the last it is played round and round.
//
// A sentence whose fields are rewritten keeps their form (hhmmss.00 keeps .00).
// With the antenna cut, RMC and GLL turn to V (mode N) and the quality in GGA to 0.
type Recording struct {
	head []recorded
	loop []recorded
	next int // counts the bursts played
}

// recorded is one burst.
type recorded struct {
	pieces []piece
	fixed  bool          // an RMC in it says A, or a GGA without one a quality
	after  time.Duration // the second: the fraction that it names
}

// piece is a stretch to play as it is, or a sentence whose time is changed.
type piece struct {
	raw  []byte
	kind string // "RMC", ... ; empty: as it is
}

// NewRecording cuts a capture. Leading lines that begin with # are remarks.
func NewRecording(capture []byte) (*Recording, error) {
	for len(capture) > 0 && capture[0] == '#' {
		_, rest, found := bytes.Cut(capture, []byte("\n"))
		if !found {
			rest = nil
		}
		capture = rest
	}
	bursts := cut(capture)
	first, last := -1, -1
	for i, b := range bursts {
		if b.fixed {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return nil, errors.New("sim: the capture has no sentence with a fix to play: use one with a valid RMC or GGA")
	}
	return &Recording{head: bursts[:first], loop: bursts[first : last+1]}, nil
}

// Bursts is how many are played once, and how many round and round.
func (r *Recording) Bursts() (once, looped int) { return len(r.head), len(r.loop) }

// fixed tells whether the burst to play next has a fix.
func (r *Recording) fixed() bool { return r.burst().fixed }

func (r *Recording) burst() recorded {
	if r.next < len(r.head) {
		return r.head[r.next]
	}
	return r.loop[(r.next-len(r.head))%len(r.loop)]
}

// after is how long after its second the burst to play next comes, beside all else.
func (r *Recording) after() time.Duration { return r.burst().after }

// play appends the next burst, named utcS; void takes its fix away.
func (r *Recording) play(buf []byte, utcS int64, void bool) []byte {
	c := civil(utcS)
	for _, p := range r.burst().pieces {
		if p.kind == "" {
			buf = append(buf, p.raw...)
			continue
		}
		buf = retime(buf, p, c, void)
	}
	r.next++
	return buf
}

// cut splits a capture into bursts: a new one begins where a sentence names
// another time than the one before, or, of sentences without a time, where a
// kind comes again. What precedes the first such sentence is a burst of its own.
func cut(capture []byte) []recorded {
	var (
		out     []recorded
		cur     recorded
		named   string
		seen    = map[string]bool{}
		hasRMC  bool
		quality bool
	)
	end := func() {
		if !hasRMC && quality {
			cur.fixed = true
		}
		if len(cur.pieces) > 0 {
			out = append(out, cur)
		}
		cur, hasRMC, quality = recorded{}, false, false
		clear(seen)
	}
	verbatim := func(b []byte) {
		if len(b) > 0 {
			cur.pieces = append(cur.pieces, piece{raw: b})
		}
	}
	for len(capture) > 0 {
		from, to, kind, fields := nextTimed(capture)
		verbatim(capture[:from])
		if kind == "" {
			break
		}
		name := string(fields[timeField(kind)])
		if name != named || seen[kind] && name == "" {
			end()
		}
		if named, seen[kind] = name, true; cur.after == 0 {
			cur.after = fractionOf(name)
		}
		switch kind {
		case "RMC":
			hasRMC = true
			cur.fixed = cur.fixed || len(fields) > 2 && string(fields[2]) == "A"
		case "GGA":
			quality = len(fields) > 6 && len(fields[6]) > 0 && string(fields[6]) != "0"
		}
		cur.pieces = append(cur.pieces, piece{raw: capture[from:to], kind: kind})
		capture = capture[to:]
	}
	end()
	return out
}

// fractionOf is the fraction of a second in hhmmss.sss.
func fractionOf(name string) time.Duration {
	_, digits, _ := strings.Cut(name, ".")
	f, err := strconv.ParseFloat("0."+digits, 64)
	if err != nil || !(f < 1) {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// nextTimed finds the next sentence of a kind that names a time, with a right
// checksum: b[from:to] from $ to the last digit of the checksum. Without one,
// kind is empty and from is len(b).
func nextTimed(b []byte) (from, to int, kind string, fields [][]byte) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '$')
		if i < 0 {
			return len(b), len(b), "", nil
		}
		from = at + i
		at = from + 1
		n := bytes.IndexAny(b[at:], "*$\r\n")
		if n < 0 || b[at+n] != '*' || at+n+3 > len(b) {
			continue
		}
		body := b[at : at+n]
		sum, err := strconv.ParseUint(string(b[at+n+1:at+n+3]), 16, 8)
		if err != nil || byte(sum) != checksum(body) {
			continue
		}
		fields = bytes.Split(body, []byte(","))
		if len(fields[0]) != 5 {
			continue
		}
		kind = string(fields[0][2:])
		if f := timeField(kind); f > 0 && f < len(fields) {
			return from, at + n + 3, kind, fields
		}
	}
}

// timeField is where a sentence has its hhmmss, 0 for nowhere.
func timeField(kind string) int {
	switch kind {
	case "RMC", "GGA", "GNS", "ZDA":
		return 1
	case "GLL":
		return 5
	}
	return 0
}

// retime appends the sentence with the time and date of c.
func retime(buf []byte, p piece, c timescale.Civil, void bool) []byte {
	star := bytes.LastIndexByte(p.raw, '*')
	fields := bytes.Split(p.raw[1:star], []byte(","))
	set := func(i int, format string, args ...any) {
		if i < len(fields) && len(fields[i]) > 0 {
			fields[i] = fmt.Appendf(nil, format, args...)
		}
	}
	if i := timeField(p.kind); len(fields[i]) >= 6 {
		set(i, "%02d%02d%02d%s", c.Hour, c.Minute, c.Second, fields[i][6:])
	}
	switch p.kind {
	case "RMC":
		set(9, "%02d%02d%02d", c.Day, c.Month, c.Year%100)
		if void {
			set(2, "V")
			set(12, "N")
		}
	case "GLL":
		if void {
			set(6, "V")
			set(7, "N")
		}
	case "GGA":
		if void {
			set(6, "0")
		}
	case "ZDA":
		set(2, "%02d", c.Day)
		set(3, "%02d", c.Month)
		set(4, "%04d", c.Year)
	}
	buf = append(buf, '$')
	from := len(buf)
	buf = append(buf, bytes.Join(fields, []byte(","))...)
	return fmt.Appendf(buf, "*%02X", checksum(buf[from:]))
}
