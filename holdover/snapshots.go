package holdover

// snapshots are states of the estimator, the last of each so many seconds.
type snapshots struct {
	ring  []model
	n     int
	first int     // of those that count
	sep   float64 // s
}

const (
	snapshotEveryS  = 4.5
	snapshotMinuteS = 57.0
)

func (s *snapshots) reset() { s.n, s.first = 0, 0 }

// oldest is the index of the first that is there.
func (s *snapshots) oldest() int { return max(s.first, s.n-len(s.ring)) }

// since drops the states before t.
func (s *snapshots) since(t float64) {
	for s.first = s.oldest(); s.first < s.n && s.ring[s.first%len(s.ring)].t < t; s.first++ {
	}
}

// forget drops the states after t.
func (s *snapshots) forget(t float64) {
	for s.n > s.oldest() && s.ring[(s.n-1)%len(s.ring)].t > t {
		s.n--
	}
}

// take takes the states of another list in place of its own.
func (s *snapshots) take(from *snapshots) {
	s.reset()
	for i := from.oldest(); i < from.n; i++ {
		s.add(&from.ring[i%len(from.ring)])
	}
}

func (s *snapshots) add(m *model) {
	if s.n == s.oldest() || m.t-s.ring[(s.n-1)%len(s.ring)].t >= s.sep {
		s.ring[s.n%len(s.ring)] = *m
		s.n++
	}
}

// before is the newest state at or before t.
func (s *snapshots) before(t float64) (model, bool) {
	for i := s.n - 1; i >= s.oldest(); i-- {
		if m := &s.ring[i%len(s.ring)]; m.t <= t {
			return *m, true
		}
	}
	return model{}, false
}
