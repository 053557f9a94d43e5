package egress

// Saved is what a Predictor has learnt: the latest latencies of each path in ns,
// the oldest first.
type Saved struct {
	First   []int64 `json:"first"`
	Later   []int64 `json:"later"`
	Written []int64 `json:"written"`
}

// Save is for the next process on the same machine.
func (p *Predictor) Save() Saved {
	return Saved{First: p.paths[First].samples.list(), Later: p.paths[Later].samples.list(), Written: p.paths[Written].samples.list()}
}

// Resume teaches a new Predictor what another had learnt, so that its first
// messages are no worse than the other's last. What cannot be is left out.
func (p *Predictor) Resume(s Saved) {
	for on, list := range map[Path][]int64{First: s.First, Later: s.Later, Written: s.Written} {
		for _, latency := range list[max(0, len(list)-window):] {
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
