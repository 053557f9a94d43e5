package egress

// Saved is what a Predictor has learnt: the latest latencies of each path in ns,
// the oldest first.
type Saved struct {
	First   []int64 `json:"first"`
	Later   []int64 `json:"later"`
	Written []int64 `json:"written"`
}

// of is the list of a path.
func (s *Saved) of(on Path) *[]int64 {
	return [numPaths]*[]int64{First: &s.First, Later: &s.Later, Written: &s.Written}[on]
}

// Save is for the next process on the same machine.
func (p *Predictor) Save() (s Saved) {
	for on := range numPaths {
		*s.of(on) = p.paths[on].samples.list()
	}
	return s
}

// Resume teaches a new Predictor what another had learnt, so that its first
// messages are no worse than the other's last. What cannot be is left out.
func (p *Predictor) Resume(s Saved) {
	for on := range numPaths {
		list := *s.of(on)
		for _, latency := range list[max(0, len(list)-medianSamples):] {
			p.Learn(on, latency)
		}
	}
}

// list is the ring's values, the oldest first.
func (r *ring) list() []int64 {
	if len(r.v) < cap(r.v) {
		return append([]int64{}, r.v...)
	}
	return append(append([]int64{}, r.v[r.next:]...), r.v[:r.next]...)
}
