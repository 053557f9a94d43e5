package gnss_test

import (
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// A full serial line is an alarm, and a label that was learned on it is none: its
// messages may be seconds old. A USB device has no line.
func TestALabelLearnedOnAFullLineIsNotUsed(t *testing.T) {
	for _, c := range []struct {
		octets       int // a second, at 9600 baud
		alarm, marks bool
		share        float64
	}{
		{400, false, true, 0.417}, {890, true, true, 0.927}, {955, true, false, 0.995}, {975, true, false, 1}, {5000, false, true, 0},
	} {
		r, marks := newReferenceRig(gnss.ReferenceConfig{}), 0
		r.Line(9600)
		chunk := make([]byte, c.octets/20)
		for range 30 {
			if _, ok := r.next(); ok {
				marks++
			}
			for i := range 20 {
				r.Bytes(r.now.Add(time.Duration(i)*50*time.Millisecond), chunk)
			}
		}
		now := r.now.Add(950 * time.Millisecond)
		alarm := false
		for _, x := range r.Troubles(now) {
			alarm = alarm || x.Reason == gnss.ReasonLineFull
		}
		s := r.Status(now)
		if alarm != c.alarm || (marks > 15) != c.marks || marks > 0 != c.marks || s.LineFill.Known != (c.share > 0) || s.LineFill.Value < c.share-0.03 || s.LineFill.Value > c.share+0.03 {
			t.Errorf("%d octets a second: alarm %v, %d marks, fill %+v", c.octets, alarm, marks, s.LineFill)
		}
	}
}

// A line that fills up later leaves the label, which is counted on.
func TestALabelOutlastsALineThatFillsUp(t *testing.T) {
	r, marks := newReferenceRig(gnss.ReferenceConfig{}), 0
	r.Line(9600)
	for i := range 60 {
		if _, ok := r.next(); ok && i >= 30 {
			marks++
		}
		octets := 20
		if i >= 20 {
			octets = 48
		}
		for k := range 20 {
			r.Bytes(r.now.Add(time.Duration(k)*50*time.Millisecond), make([]byte, octets))
		}
	}
	if marks != 30 {
		t.Errorf("%d marks in the last 30 s", marks)
	}
}

// gnss.message_delay names which second a message is about, where it comes before its
// pulse or more than a second after it.
func TestMessagesFarFromTheirPulseNeedTheirDelay(t *testing.T) {
	for _, delay := range []time.Duration{-700 * time.Millisecond, -150 * time.Millisecond, 5 * time.Millisecond, 400 * time.Millisecond, 1300 * time.Millisecond, 2400 * time.Millisecond} {
		for _, told := range []bool{true, false} {
			cfg := gnss.ReferenceConfig{}
			if told {
				cfg.MessageDelay = delay
			}
			r := newReferenceRig(cfg)
			marks, off := 0, time.Duration(0)
			type message struct {
				at     timescale.Mono
				second int64
			}
			var waiting []message
			say := func(until timescale.Mono) {
				for len(waiting) > 0 && waiting[0].at.Before(until) {
					utc, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(waiting[0].second * 1e9))
					r.Epoch(gnss.Epoch{UTC: utc, Received: waiting[0].at, Fix: gnss.FixTime, Trusted: true})
					waiting = waiting[1:]
				}
			}
			for range 40 {
				// Messages before their pulse are said a second ahead of it.
				waiting = append(waiting, message{r.now.Add(2*time.Second + delay), r.second + 2})
				r.second++
				r.now = r.now.Add(time.Second)
				say(r.now)
				if p, ok := r.Edge(r.now, timescale.Edge{Local: timescale.LocalFromNs(r.second * 1e9), Mono: r.now, SigmaNs: 1}, r.held); ok {
					marks++
					off = time.Duration(p.Local.OffsetNs(p.Second))
				}
			}
			if told && (marks < 25 || off != 0) {
				t.Errorf("messages %v after their pulse, which is told: %d marks, %v off", delay, marks, off)
			}
			if inTime := delay > 20*time.Millisecond && delay < 950*time.Millisecond; !told && inTime && off != 0 {
				t.Errorf("messages %v after their pulse: %v off", delay, off)
			}
			if s := r.Status(r.now); told && (s.Pairing.Delay-delay).Abs() > time.Millisecond {
				t.Errorf("messages %v after their pulse: the status says %v", delay, s.Pairing.Delay)
			}
		}
	}
}
