package gnss

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"bragi/gnss/timescale"
)

// resumed is a Pairer that goes on, away after the last labelled pulse.
func resumed(t *testing.T, away time.Duration) (p *Pairer, l Label, now timescale.Mono) {
	t.Helper()
	l = Label{At: timescale.MonoFromNs(100e9), Second: 1_790_000_037, Delay: 120 * time.Millisecond}
	now = l.At.Add(away)
	p = NewPairer(PairerConfig{})
	p.Resume(now, l)
	return p, l, now
}

func pulseAfter(p *Pairer, l Label, d time.Duration) (Mark, bool) {
	at := l.At.Add(d)
	return p.Edge(timescale.Edge{Local: timescale.LocalFromNs(at.Ns()), Mono: at, SigmaNs: 10})
}

// The first pulse after a restart is the second that it would have been.
func TestAResumedLabelMarksTheFirstPulse(t *testing.T) {
	for _, seconds := range []int64{1, 2, 3} {
		p, l, _ := resumed(t, 600*time.Millisecond)
		m, ok := pulseAfter(p, l, time.Duration(seconds)*time.Second+3*time.Millisecond)
		if !ok || m.Second != timescale.TAIFromNs((l.Second+seconds)*1e9) {
			t.Errorf("after %d s: %v, %v", seconds, m.Second, ok)
		}
		if again, ok := p.Label(); !ok || again.Second != l.Second+seconds || again.Delay != l.Delay {
			t.Errorf("after %d s the label is %+v, %v", seconds, again, ok)
		}
	}
}

// It is not believed for ever, nor over a long gap, nor off the train.
func TestAResumedLabelMustBeConfirmed(t *testing.T) {
	p, l, _ := resumed(t, 600*time.Millisecond)
	for s := time.Duration(1); s <= 3; s++ {
		pulseAfter(p, l, s*time.Second)
	}
	if _, ok := pulseAfter(p, l, 4*time.Second); ok {
		t.Error("a pulse is marked 3.4 s after the restart without a message")
	}
	p, l, _ = resumed(t, 600*time.Millisecond)
	if _, ok := pulseAfter(p, l, 5*time.Second); ok {
		t.Error("a pulse is marked over a gap of 5 s")
	}
	p, l, _ = resumed(t, 600*time.Millisecond)
	if _, ok := pulseAfter(p, l, 1400*time.Millisecond); ok {
		t.Error("a pulse is marked that is 400 ms off the train")
	}
}

// Messages that contradict a resumed count end the marks, as they always do.
func TestAResumedLabelCanBeProvenWrong(t *testing.T) {
	p, l, _ := resumed(t, 600*time.Millisecond)
	for s := int64(1); s <= 10; s++ {
		at := l.At.Add(time.Duration(s) * time.Second)
		p.Edge(timescale.Edge{Local: timescale.LocalFromNs(at.Ns()), Mono: at})
		utc := timescale.Builtin()
		truth, _ := utc.ToUTC(timescale.TAIFromNs((l.Second + s + 1) * 1e9)) // a second later than the count
		p.Epoch(Epoch{UTC: truth, Trusted: true, Received: at.Add(120 * time.Millisecond)})
	}
	if s := p.Status(l.At.Add(10 * time.Second)); s.State != PairFault {
		t.Errorf("ten contradictions leave the pairer %v", s.State)
	}
	if _, ok := p.Label(); ok {
		t.Error("a label is saved under a fault")
	}
}

// A label comes back from JSON with every field.
func TestALabelComesBackFromJSON(t *testing.T) {
	in := Label{At: timescale.MonoFromNs(100e9), Second: 1_790_000_037, Delay: 120 * time.Millisecond, Every: 2, Evidence: Vouched}
	for v, i := reflect.ValueOf(in), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is zero: fill it", v.Type().Field(i).Name)
		}
	}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Label
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("%s became %+v, %v", text, out, err)
	}
}
