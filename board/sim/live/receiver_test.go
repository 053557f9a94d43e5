package live

import (
	"bytes"
	"testing"
	"time"

	"go.bug.st/serial"

	"bragi/board/sim"
	"bragi/gnss/ubx"
)

// The u-blox of software on its pseudo terminal answers at its own rate, which is
// the one that the host has set there, and at no other.
func TestReceiverAnswersAtItsRate(t *testing.T) {
	t.Parallel()
	b := start(t, sim.Config{Seed: 1, Receiver: sim.F9T})
	poll := ubx.AppendMessage(nil, ubx.MonVER, nil)
	for _, c := range []struct {
		baud    int
		answers bool
	}{{9600, false}, {38_400, true}} {
		p, err := serial.Open(b.Device(), &serial.Mode{BaudRate: c.baud})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetReadTimeout(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(poll); err != nil {
			t.Fatal(err)
		}
		var heard []byte
		buf := make([]byte, 4096)
		limit := 3 * time.Second // noise only: long enough for two bursts
		if c.answers {
			limit = 20 * time.Second
		}
		for end := time.Now().Add(limit); time.Now().Before(end) && !(c.answers && bytes.Contains(heard, []byte("FWVER=TIM"))); {
			n, err := p.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			heard = append(heard, buf[:n]...)
		}
		p.Close()
		if got := bytes.Contains(heard, []byte("FWVER=TIM")); got != c.answers {
			t.Errorf("at %d baud answered: %v, want %v", c.baud, got, c.answers)
		}
		if !c.answers && (len(heard) == 0 || bytes.Contains(heard, []byte("RMC"))) {
			t.Errorf("at %d baud heard %q, want noise", c.baud, heard)
		}
	}
	if b.SetReceiver(3, 2, true) != true {
		t.Error("a u-blox has no knobs")
	}
	if start(t, sim.Config{Seed: 1}).SetReceiver(3, 2, true) {
		t.Error("a receiver that is no u-blox has a u-blox's knobs")
	}
}
