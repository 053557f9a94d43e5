package holdover

import (
	"math"
	"testing"

	"bragi/holdover/quality"
)

// A real free-running TCXO against GPS, without a thermometer: locked for 40
// minutes, then coasting on paper. The prediction's error over 300 s and 1800 s,
// and how often the bound holds it. Gaps in the record are jumped over.
func TestRealTCXO(t *testing.T) {
	times, x := series(t, "oscillator/tcxo_max2771/tcxo_vs_gps_first_half.csv.gz")
	var errors300, errors1800 []float64
	inside, n := 0, 0
	c := New(Config{Oscillator: TCXO})
	c.life.State = quality.Locked // the virtual holdovers judge; the servo is not asked
	l := line{y: (x[60] - x[0]) / (times[60] - times[0]), z: x[60], t: times[60], zErr: 100, yErr: 10}
	c.est.start(l, warmth{})
	c.life.EverLocked = true
	next := times[0] + 2400
	type judged struct {
		at       float64
		z, bound float64
		used     bool
		long     bool
	}
	var waiting []judged
	for i := 61; i < len(x); i++ {
		at := times[i]
		if at-times[i-1] > 60 {
			next = at + 2400
		}
		c.est.update(at, x[i], 0, warmth{})
		c.virtual.observe(&c.est)
		for k := range waiting {
			w := &waiting[k]
			if w.used || at < w.at {
				continue
			}
			w.used = true
			if at > w.at+5 {
				continue // the record has a gap here
			}
			e := c.est.x[sPhase] - w.z
			if w.long {
				errors1800 = append(errors1800, e)
				n++
				if math.Abs(e) <= w.bound {
					inside++
				}
			} else {
				errors300 = append(errors300, e)
			}
		}
		if at < next {
			continue
		}
		next = at + 600
		for _, ahead := range []float64{300, 1800} {
			m := c.est.model
			var k transition
			k.set(ahead, c.est.noise())
			m.predict(&k, warmth{})
			waiting = append(waiting, judged{at + ahead, m.x[sPhase], coastSigmas * c.virtual.ratio(ahead) * m.sigma(), false, ahead > 300})
		}
	}
	rms := func(list []float64) float64 {
		s := 0.0
		for _, v := range list {
			s += v * v / float64(len(list))
		}
		return math.Sqrt(s)
	}
	t.Logf("300 s: %.0f ns rms of %d; 1800 s: %.0f ns rms, inside the bound %d of %d", rms(errors300), len(errors300), rms(errors1800), inside, n)
	if n < 20 || rms(errors300) > 250 || rms(errors1800) > 2200 || inside < n*85/100 {
		t.Errorf("300 s: %.0f ns rms of %d, limit 250; 1800 s: %.0f ns rms, limit 2200; inside the bound %d of %d, limit 85 %%",
			rms(errors300), len(errors300), rms(errors1800), inside, n)
	}
}
