package holdover

import "slices"

// Copy is a clock that stands where c stands and shares nothing with it: what one of
// them goes through the other does not see.
func (c *Clock) Copy() *Clock {
	d := *c
	d.snaps.ring = slices.Clone(c.snaps.ring)
	d.doubt.past.ring, d.doubt.recent.ring = slices.Clone(c.doubt.past.ring), slices.Clone(c.doubt.recent.ring)
	d.cfg.Memory = c.cfg.Memory.clone()
	return &d
}

func (m *Memory) clone() *Memory {
	if m == nil {
		return nil
	}
	n := *m
	n.Tempco, n.Sigma = slices.Clone(m.Tempco), slices.Clone(m.Sigma)
	if m.TempC != nil {
		t := *m.TempC
		n.TempC = &t
	}
	return &n
}
