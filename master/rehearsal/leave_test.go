package rehearsal

import (
	"testing"
	"time"

	"bragi/master/wire"
)

// A client that leaves cancels what it was granted, each once, and is silent. What was
// asked for and had no answer may be granted, and is cancelled too; what was denied is not.
func TestLeaveCancelsEachFlow(t *testing.T) {
	c := newClient(t, Config{})
	sent(t, c, start)
	c.give(start, wire.TypeAnnounce, -3, 300)
	c.give(start, wire.TypeDelayResp, -5, 0)
	c.Leave()
	now := start.Add(time.Second)
	cancelled := map[wire.MessageType]int{}
	for range 10 {
		payload, event, ok := c.Poll(now)
		if !ok {
			break
		}
		s, err := wire.ParseSignaling(payload)
		if err != nil || event {
			t.Fatalf("event %t, %v", event, err)
		}
		typ, v, _ := s.TLVs.Next()
		x, err := wire.ParseUnicastCancel(v)
		if typ != wire.TLVCancelUnicast || err != nil {
			t.Fatalf("says TLV %v: %v", typ, err)
		}
		cancelled[x.MessageType]++
	}
	if len(cancelled) != 2 || cancelled[wire.TypeAnnounce] != 1 || cancelled[wire.TypeSync] != 1 {
		t.Errorf("cancelled %v, want Announce and Sync once each", cancelled)
	}
	if _, _, ok := c.Poll(now.Add(time.Minute)); ok {
		t.Error("speaks after it has left")
	}
	if next := c.Next(); next.Sub(now) < time.Minute {
		t.Errorf("wants to be asked again after %v", next.Sub(now))
	}
}
