package board

// AssumeRate says how much faster than CLOCK_MONOTONIC_RAW the clock runs with
// the correction that it has, in ppb: what another process measured a moment ago.
// Without it the line would be off by the crystals' difference until this one has
// measured it.
func (p *PHC) AssumeRate(ppb float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.track
	if n := len(t.points); n == 0 || t.baseKnown && t.points[n-1].mono.Sub(t.points[0].mono) >= trackSpan {
		return
	}
	t.basePPB, t.baseKnown = ppb-t.correction, true
	t.fit()
	p.publish()
}
