package holdover

import (
	"math"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// forecast is how long a holdover stays inside the spec from an instant on, in
// s: the bound; and the times when the error is as likely outside as inside
// (P50), and when it is inside in 19 cases of 20 (P95).
type forecast struct {
	at       timescale.Mono
	state    quality.State
	bound    float64
	p50, p95 float64
	coast1h  float64 // model's deviation after an hour, ns
}

const (
	forecastEvery = 60.0
	forecastMost  = 30 * dayS
	sigmasP50     = 0.6745
	sigmasP95     = 1.96
)

// foresee is the forecast from now on, made anew now and then.
func (c *Clock) foresee(now timescale.Mono) forecast {
	f := &c.foreseen
	age := seconds(now.Sub(f.at))
	if !f.at.IsZero() && f.state == c.life.State && age >= 0 && age < forecastEvery {
		g := *f
		g.bound, g.p50, g.p95 = max(f.bound-age, 0), max(f.p50-age, 0), max(f.p95-age, 0)
		return g
	}
	if level, m := c.est.level, c.est.model; !c.held.Active && c.noBetter() {
		c.est.add(sFreq, sFreq, square(c.est.kind.flickerPPB))
		defer func() { c.est.model = m; c.est.setLevel(level) }()
	}
	x, _ := c.error(now)
	spec := ns(c.cfg.Spec) - math.Abs(x)
	away := 0.0
	if c.held.Active {
		away = c.est.t - c.held.From
	}
	from := c.bound(now) - math.Abs(x)
	*f = forecast{at: now, state: c.life.State}
	f.bound = c.lasts(func(s, sigma float64) bool {
		return max(from, c.coastBound(away+s, sigma)) < spec
	})
	f.p50 = c.lasts(func(s, sigma float64) bool { return sigmasP50*c.virtual.ratio(away+s)*sigma < spec })
	f.p95 = c.lasts(func(s, sigma float64) bool { return sigmasP95*c.virtual.ratio(away+s)*sigma < spec })
	f.coast1h = c.sigmaAfter(3600)
	return *f
}

// lasts is the longest time of coasting for which inside holds, in s.
func (c *Clock) lasts(inside func(s, sigma float64) bool) float64 {
	low, high := 0.0, 0.0
	for s := 1.0; ; s *= 4 {
		if s > forecastMost {
			return forecastMost
		}
		if !inside(s, c.sigmaAfter(s)) {
			high = s
			break
		}
		low = s
	}
	for high-low > max(0.005*high, 0.5) {
		mid := (low + high) / 2
		if inside(mid, c.sigmaAfter(mid)) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}
