package port

import (
	"math/rand/v2"
	"testing"
)

func ubx(class, id byte, payload ...byte) []byte {
	b := append([]byte{0xB5, 0x62, class, id, byte(len(payload)), byte(len(payload) >> 8)}, payload...)
	var ckA, ckB byte
	for _, c := range b[2:] {
		ckA += c
		ckB += ckA
	}
	return append(b, ckA, ckB)
}

func TestSnifferCountsGoodFrames(t *testing.T) {
	ack := string(ubx(5, 1, 6, 1))
	empty := string(ubx(0x0A, 0x04))
	for _, c := range []struct {
		name, in string
		want     int
	}{
		{"sentence", zda, 1},
		{"two", zda + zda, 2},
		{"checksum in lower case", "$GPTXT,h*0b", 1},
		{"wrong checksum", "$GPZDA,120000.00,01,03,2026,00,00*00\r\n", 0},
		{"no checksum", "$GPZDA,120000.00,01,03,2026,00,00\r\n", 0},
		{"broken off, then good", "$GPZDA,1200" + zda, 1},
		{"too short to be one", "$A*41", 0},
		{"UBX", ack, 1},
		{"UBX without payload", empty, 1},
		{"UBX, NMEA, UBX", ack + zda + empty, 3},
		{"UBX after a lone sync byte", "\xb5" + ack, 1},
		{"UBX with a wrong checksum", ack[:len(ack)-1] + "\x00", 0},
	} {
		var s sniffer
		if got := s.feed([]byte(c.in)); got != c.want {
			t.Errorf("%s: %d good frames, want %d", c.name, got, c.want)
		}
	}
}

// A wrong rate looks like noise: a second of it at 115200 baud, a hundred times,
// must not pass for a receiver.
func TestNoiseIsNoFrame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 11_520)
	for range 100 {
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		var s sniffer
		if n := s.feed(noise); n > 0 {
			t.Fatalf("%d frames in noise", n)
		}
	}
}
