package gnss_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// sentence makes a sentence of its body, checksum and line end included.
func sentence(body string) string {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, sum)
}

func ubxFrame(class, id byte, payload ...byte) string {
	b := append([]byte{0xB5, 0x62, class, id, byte(len(payload)), byte(len(payload) >> 8)}, payload...)
	var ckA, ckB byte
	for _, c := range b[2:] {
		ckA += c
		ckB += ckA
	}
	return string(append(b, ckA, ckB))
}

var start = timescale.MonoFromNs(1e9)

// frames is what a stream holds when fed in one piece and flushed.
func frames(stream string) (got []string, c gnss.FramerCounters) {
	var f gnss.Framer
	emit := func(fr gnss.Frame) { got = append(got, string(fr.Bytes)) }
	f.Feed(start, []byte(stream), emit)
	f.Flush(emit)
	return got, f.Counters()
}

func trim(s string) string { return strings.TrimRight(s, "\r\n") }

func TestFramerFindsItsWayBack(t *testing.T) {
	good := sentence("GPZDA,120000.00,01,03,2026,00,00")
	nav := ubxFrame(0x01, 0x07, make([]byte, 92)...)
	lie := "\xb5\x62\x01\x07\x00\x08" // a UBX header that claims 2,048 bytes
	for _, c := range []struct {
		name, in string
		want     []string
		bad      uint64
	}{
		{"NMEA and UBX mixed", good + nav + good, []string{trim(good), nav, trim(good)}, 0},
		{"UBX in the middle of a line", "$GPZDA,1200" + nav + good, []string{nav, trim(good)}, 0},
		{"a $ inside a line starts anew", "$GPZDA,1200" + good, []string{trim(good)}, 0},
		{"no line end between", trim(good) + trim(good), []string{trim(good), trim(good)}, 0},
		{"line without end", "$GPGSV," + strings.Repeat("1234567890", 1000) + good, []string{trim(good)}, 0},
		{"line longer than the limit", "$GPGSV," + strings.Repeat("1,", 150) + "\r\n" + good, []string{trim(good)}, 0},
		{"wrong checksum", "$GPZDA,120000.00,01,03,2026,00,00*00\r\n" + good, []string{trim(good)}, 1},
		{"checksum cut off", "$GPZDA,120000.00*6\r\n" + good, []string{trim(good)}, 0},
		{"star at the end", "$GPZDA,120000.00*\r\n" + good, []string{trim(good)}, 0},
		{"star, then a sentence", "$GPZDA,120000.00*" + good, []string{trim(good)}, 0},
		{"false UBX length", lie + good + good, []string{trim(good), trim(good)}, 0},
		{"false UBX length, enough bytes", lie + good + strings.Repeat("\x00", 3000) + good, []string{trim(good), trim(good)}, 1},
		{"UBX frame in a false one", lie + nav + strings.Repeat("\x00", 3000), []string{nav}, 1},
		{"UBX length beyond any frame", "\xb5\x62\x01\x07\xff\xff" + good, []string{trim(good)}, 0},
		{"sync byte twice", "\xb5" + nav, []string{nav}, 0},
		{"sync bytes only", "\xb5\x62", nil, 0},
		{"garbage only", "\x00\x01\x02hello\r\n", nil, 0},
		{"$ only", "$$$$$$", nil, 0},
	} {
		got, n := frames(c.in)
		if !slices.Equal(got, c.want) || n.BadChecksums != c.bad {
			t.Errorf("%s: got %q with %d bad checksums, want %q with %d", c.name, got, n.BadChecksums, c.want, c.bad)
		}
	}
}

func TestLineWithoutChecksumIsMarked(t *testing.T) {
	var f gnss.Framer
	var kinds []gnss.FrameKind
	f.Feed(start, []byte("$GPZDA,222449,25,10,2010,+00,00\r\n"+sentence("GPZDA,,,,,,")), func(fr gnss.Frame) {
		kinds = append(kinds, fr.Kind)
	})
	if !slices.Equal(kinds, []gnss.FrameKind{gnss.FrameNMEAUnchecked, gnss.FrameNMEA}) {
		t.Errorf("kinds %v", kinds)
	}
}

// A receiver sends a frame in one go; when the rest of a UBX frame does not come,
// its length was false and the sentence behind it must not wait for 4 KB.
func TestFalseLengthDoesNotHoldUpLiveData(t *testing.T) {
	var f gnss.Framer
	var got []string
	var received []timescale.Mono
	emit := func(fr gnss.Frame) {
		got = append(got, string(fr.Bytes))
		received = append(received, fr.Received)
	}
	good := sentence("GPZDA,120000.00,01,03,2026,00,00")
	f.Feed(start, []byte("\xb5\x62\x01\x07\x00\x10"+good), emit)
	if len(got) > 0 {
		t.Fatal("the frame could still be real")
	}
	f.Feed(start.Add(time.Second), []byte(good), emit)
	if len(got) != 2 || received[0] != start || received[1] != start.Add(time.Second) {
		t.Errorf("got %q received %v, want both sentences with their own times", got, received)
	}
}

// Received is the time of the chunk with the frame's first byte.
func TestReceivedIsOfTheFirstByte(t *testing.T) {
	var f gnss.Framer
	var got []timescale.Mono
	s := sentence("GPZDA,120000.00,01,03,2026,00,00")
	stream := "xx" + s + s
	for i := range len(stream) {
		f.Feed(start.Add(time.Duration(i)*time.Millisecond), []byte(stream[i:i+1]),
			func(fr gnss.Frame) { got = append(got, fr.Received) })
	}
	want := []timescale.Mono{start.Add(2 * time.Millisecond), start.Add(time.Duration(2+len(s)) * time.Millisecond)}
	if !slices.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
}

// A chunk that ends one sentence and begins the next.
func TestAChunkOfTwoSentencesStampsEachByItsFirstByte(t *testing.T) {
	var f gnss.Framer
	var got []timescale.Mono
	s := sentence("GPZDA,120000.00,01,03,2026,00,00")
	for i, chunk := range []string{s[:10], s[10:] + s[:20], s[20:] + s + s[:1], s[1:]} {
		f.Feed(start.Add(time.Duration(i)*time.Second), []byte(chunk),
			func(fr gnss.Frame) { got = append(got, fr.Received) })
	}
	want := []timescale.Mono{start, start.Add(time.Second), start.Add(2 * time.Second), start.Add(2 * time.Second)}
	if !slices.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
}

// A megabyte of noise between two good sentences loses neither.
func TestAMegabyteOfNoiseLosesNoGoodSentence(t *testing.T) {
	good := sentence("GPZDA,120000.00,01,03,2026,00,00")
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 7))
		noise := make([]byte, 1<<20)
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		got, c := frames(good + string(noise) + good)
		if n := len(got); n < 2 || got[0] != trim(good) || got[n-1] != trim(good) {
			t.Errorf("seed %d: %d frames, first or last is not the good sentence", seed, n)
		}
		if c.Bytes != c.FrameBytes+c.GarbageBytes {
			t.Errorf("seed %d: bytes do not add up: %+v", seed, c)
		}
	}
}

// piece draws something that a receiver or a bad line may send.
func piece(t *rapid.T) string {
	good := sentence("GPRMC,120000.00,A,4807.038,N,01131.000,E,022.4,084.4,010326,003.1,W")
	switch rapid.IntRange(0, 7).Draw(t, "piece") {
	case 0:
		return good
	case 1:
		return ubxFrame(0x01, 0x07, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")...)
	case 2:
		return string(rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "noise"))
	case 3:
		return good[:rapid.IntRange(0, len(good)).Draw(t, "cut")]
	case 4:
		return "\xb5\x62\x01\x07" + string(rapid.SliceOfN(rapid.Byte(), 2, 2).Draw(t, "length"))
	case 5:
		return "$GPGSV," + strings.Repeat("9", rapid.IntRange(0, 400).Draw(t, "digits"))
	case 6:
		return "$GPTXT,no checksum\r\n"
	}
	return rapid.StringMatching(`[$*0-9A-F\r\n\xb5b]{0,12}`).Draw(t, "syntax")
}

// The frames do not depend on the chunks, every byte is counted once, and a
// good sentence behind anything at all is found.
func TestChunkingDoesNotMatter(t *testing.T) {
	last := sentence("GPZDA,235959.00,31,12,2026,00,00")
	rapid.Check(t, func(t *rapid.T) {
		var stream string
		for range rapid.IntRange(0, 12).Draw(t, "pieces") {
			stream += piece(t)
		}
		stream += last
		whole, want := frames(stream)
		if len(whole) == 0 || whole[len(whole)-1] != trim(last) {
			t.Fatalf("the last sentence was lost in %q: %q", stream, whole)
		}
		if want.Bytes != want.FrameBytes+want.GarbageBytes {
			t.Fatalf("bytes do not add up: %+v", want)
		}
		var f gnss.Framer
		var got []string
		emit := func(fr gnss.Frame) { got = append(got, string(fr.Bytes)) }
		for rest := []byte(stream); len(rest) > 0; {
			n := min(rapid.IntRange(1, 50).Draw(t, "chunk"), len(rest))
			f.Feed(start, rest[:n], emit)
			rest = rest[n:]
		}
		f.Flush(emit)
		if !slices.Equal(got, whole) || f.Counters() != want {
			t.Fatalf("in chunks: %q %+v\nwhole:     %q %+v", got, f.Counters(), whole, want)
		}
	})
}

func FuzzFramer(f *testing.F) {
	f.Add([]byte(sentence("GPZDA,120000.00,01,03,2026,00,00")+ubxFrame(5, 1, 6, 1)), 3)
	f.Add([]byte("\xb5\x62\x01\x07\x00\x08$GPZDA*"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, chunk int) {
		whole, want := frames(string(stream))
		var fr gnss.Framer
		var got []string
		emit := func(x gnss.Frame) {
			got = append(got, string(x.Bytes))
			if !bytes.Contains(stream, x.Bytes) {
				t.Fatalf("%q is not in the stream", x.Bytes)
			}
		}
		chunk = max(1, chunk%100)
		for rest := stream; len(rest) > 0; {
			n := min(chunk, len(rest))
			fr.Feed(start, rest[:n], emit)
			rest = rest[n:]
		}
		fr.Flush(emit)
		if c := fr.Counters(); c != want || !slices.Equal(got, whole) || c.Bytes != c.FrameBytes+c.GarbageBytes {
			t.Fatalf("chunks of %d: %+v, whole %+v", chunk, c, want)
		}
	})
}
