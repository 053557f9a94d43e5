package gnss_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// trusting feeds a Trust one epoch a second.
type trusting struct {
	gnss.Trust
	now     timescale.Mono
	survey  gnss.Maybe[ubx.Survey]
	fix     gnss.Fix
	northM  float64
	betterM float64 // by which the accuracy is better than 2 m
	edit    func(*gnss.Epoch)
}

func (x *trusting) seconds(n int) (distrusted, told []gnss.Reason) {
	for range n {
		x.now = x.now.Add(time.Second)
		e := gnss.Epoch{Received: x.now, Fix: x.fix, Trusted: true, TAccNs: gnss.Some(int64(20)), Antenna: gnss.Some("ok"),
			Jamming: gnss.Some("ok"), Spoofing: gnss.Some("none")}
		if x.edit != nil {
			x.edit(&e)
		}
		x.Epoch(e, gnss.Position{At: x.now, Latitude: gnss.Some(60 + x.northM/111_412), Longitude: gnss.Some(5.0), AccuracyM: gnss.Some(2 - x.betterM)}, x.survey)
	}
	list, n := x.Reasons()
	for i, t := range list {
		if i < n {
			distrusted = append(distrusted, t.Reason)
		} else {
			told = append(told, t.Reason)
		}
	}
	return distrusted, told
}

// A place more than 100 m away in fixed mode, 1 km else, five epochs long; never
// for one epoch, and over when it is back.
func TestFiveEpochsElsewhereAreMoved(t *testing.T) {
	surveyed := ubx.Survey{Valid: true, HasMean: true, Observations: 1200, X: 3184938.6, Y: 278646, Z: 5500477.1} // 60 N, 5 E
	for _, c := range []struct {
		name    string
		survey  gnss.Maybe[ubx.Survey]
		fix     gnss.Fix
		northM  float64
		n       int
		suspect bool
	}{
		{"navigating, 900 m", gnss.Maybe[ubx.Survey]{}, gnss.Fix3D, 900, 10, false},
		{"navigating, 1100 m", gnss.Maybe[ubx.Survey]{}, gnss.Fix3D, 1100, 10, true},
		{"time fix, 90 m", gnss.Maybe[ubx.Survey]{}, gnss.FixTime, 90, 10, false},
		{"time fix, 110 m", gnss.Maybe[ubx.Survey]{}, gnss.FixTime, 110, 10, true},
		{"time fix, 110 m, four epochs", gnss.Maybe[ubx.Survey]{}, gnss.FixTime, 110, 4, false},
		{"surveyed, 150 m", gnss.Some(surveyed), gnss.Fix3D, 150, 10, true},
		{"surveyed, south", gnss.Some(surveyed), gnss.Fix3D, -150, 10, true},
	} {
		x := &trusting{now: start, survey: c.survey, fix: c.fix}
		if d, _ := x.seconds(60); len(d) > 0 {
			t.Errorf("%s: at home %v", c.name, d)
		}
		x.northM = c.northM
		if d, _ := x.seconds(c.n); slices.Contains(d, gnss.ReasonMoved) != c.suspect {
			t.Errorf("%s: distrusted %v", c.name, d)
		}
		x.northM = 0
		if d, _ := x.seconds(20); len(d) > 0 {
			t.Errorf("%s: back home %v", c.name, d)
		}
	}
}

// A place that an hour of good fixes has made is not given up for another by itself;
// one that is younger is, for a place that more of them speak for.
func TestAPlaceIsGivenUpForABetterOne(t *testing.T) {
	for _, c := range []struct {
		home, away int // s
		kept       bool
	}{{3600, 3 * 3600, true}, {600, 290, true}, {600, 700, false}, {60, 290, true}, {60, 310, false}} {
		x := &trusting{now: start, fix: gnss.Fix3D}
		x.seconds(c.home)
		x.northM = 1500
		if c.home >= 3600 {
			x.betterM = 1
		}
		if d, _ := x.seconds(c.away); slices.Contains(d, gnss.ReasonMoved) != c.kept {
			t.Errorf("%d s at home, %d s elsewhere: distrusted %v", c.home, c.away, d)
		}
	}
}

// Signs that come and go: one message throws nothing, and a suspicion does not
// flutter.
func TestASuspicionDoesNotFlutter(t *testing.T) {
	x := &trusting{now: start, fix: gnss.Fix3D}
	x.seconds(40)
	say := func(spoofing string, n int) []gnss.Reason {
		x.edit = func(e *gnss.Epoch) { e.Spoofing = gnss.Some(spoofing) }
		d, _ := x.seconds(n)
		return d
	}
	if d := say("indicated", 1); len(d) > 0 {
		t.Errorf("after one epoch %v", d)
	}
	if d := say("affirmed", 1); !slices.Equal(d, []gnss.Reason{gnss.ReasonSpoofing}) {
		t.Errorf("after two %v", d)
	}
	for range 5 {
		if d := say("none", 4); len(d) != 1 {
			t.Errorf("it flutters: %v", d)
		}
		say("indicated", 1)
	}
	if d := say("none", 10); len(d) > 0 {
		t.Errorf("ten seconds later %v", d)
	}
}

// Jamming with the receiver's own accuracy beside it.
func TestJammingCountsWhenTheSigmaGrows(t *testing.T) {
	for _, c := range []struct {
		name    string
		jamming string
		tAccNs  gnss.Maybe[int64]
		want    []gnss.Reason
		told    []gnss.Reason
	}{
		{"ok", "ok", gnss.Some(int64(90)), nil, nil},
		{"warning", "warning", gnss.Some(int64(90)), nil, []gnss.Reason{gnss.ReasonJammed}},
		{"critical, it stands", "critical", gnss.Some(int64(30)), nil, []gnss.Reason{gnss.ReasonJammed}},
		{"critical, it grows", "critical", gnss.Some(int64(50)), []gnss.Reason{gnss.ReasonJamming}, nil},
		{"critical, not told", "critical", gnss.Maybe[int64]{}, []gnss.Reason{gnss.ReasonJamming}, nil},
	} {
		x := &trusting{now: start, fix: gnss.Fix3D}
		x.seconds(40)
		x.edit = func(e *gnss.Epoch) { e.Jamming, e.TAccNs = gnss.Some(c.jamming), c.tAccNs }
		if d, told := x.seconds(5); !slices.Equal(d, c.want) || !slices.Equal(told, c.told) {
			t.Errorf("%s: distrusted %v, told %v", c.name, d, told)
		}
	}
}

// An M8T's own sawtooth: with its sign the pulses' first differences shrink, with
// the other they grow, and then it is left out. Pulses that come by it are the
// definition (true second = stamp + qErr), with 3 ns of noise beside it.
func TestASawtoothOfTheWrongSignIsLeftOut(t *testing.T) {
	epochs, _ := replay(t, readCapture(t, "u-blox-m8t-time"), 64)
	for _, sign := range []int64{1, -1} {
		var s gnss.Sawtooth
		noise := rand.New(rand.NewPCG(7, 7))
		applied := 0
		for i, e := range epochs {
			second := e.TAI.Value.Add(time.Second)
			stamp := second.Ns() + 5_000_000 + int64(i)*3 + int64(math.Round(3*noise.NormFloat64()-float64(e.QErrPs.Value)/1000))
			c := s.Correction(gnss.Mark{Edge: timescale.Edge{Local: timescale.LocalFromNs(stamp)}, Second: second, QErrPs: gnss.Some(sign * e.QErrPs.Value)})
			if c != 0 {
				applied++
			}
		}
		wrong, without, with := s.Wrong()
		if wrong != (sign < 0) || (with < 0.8*without) != (sign > 0) {
			t.Errorf("sign %+d: wrong %v, pulse to pulse %.2f ns without it, %.2f ns with it", sign, wrong, without, with)
		}
		if sign < 0 && applied > 70 {
			t.Errorf("the wrong sign was applied %d times", applied)
		}
		t.Logf("sign %+d: %.2f ns without, %.2f ns with, applied %d times", sign, without, with, applied)
	}
}

// A megabyte of noise between two good bursts of UBX loses neither.
func TestAMegabyteOfNoiseLosesNoGoodUBX(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	stream := append(append(ubxBurst(), noise...), ubxBurst()...)
	d := gnss.NewDecoder(gnss.DecoderConfig{Floor: floor2000(t)})
	n := 0
	for rest := stream; len(rest) > 0; rest = rest[min(509, len(rest)):] {
		d.Feed(start.Add(time.Duration(len(stream)-len(rest))*time.Microsecond), rest[:min(509, len(rest))], func(gnss.Epoch) { n++ })
	}
	d.Flush(func(gnss.Epoch) { n++ })
	if c := d.Counters(); n == 0 || c.UBX < 8 || c.Bytes != uint64(len(stream)) || c.FrameBytes+c.GarbageBytes != c.Bytes {
		t.Errorf("%d epochs, %+v", n, c)
	}
}
