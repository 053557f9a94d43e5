package control

import (
	"sync"
	"time"

	"bragi/cmd/internal/status"
)

// The log keeps a limited number of events. A user who may only read must not push out
// all others by asking for changes.
const (
	refusalsTold  = 5 // of one user
	refusalsEvery = time.Minute
	refusersKept  = 100
)

// refusals limits what is told of refused changes. The zero value is ready.
type refusals struct {
	mu    sync.Mutex
	users map[uint32]*refused
}

// refused is one user's.
type refused struct {
	since  time.Time // the first told one of this minute
	told   int
	untold uint64
}

// next is the event of one more refusal; told is false where it is only counted.
func (r *refusals) next(who status.User, what string, now time.Time) (e status.ChangeRefused, told bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.users[who.UID]
	if u == nil {
		if r.users == nil || len(r.users) >= refusersKept {
			r.users = map[uint32]*refused{}
		}
		u = &refused{since: now}
		r.users[who.UID] = u
	}
	if now.Sub(u.since) >= refusalsEvery {
		u.since, u.told = now, 0
	}
	if u.told == refusalsTold {
		u.untold++
		return e, false
	}
	u.told++
	e = status.ChangeRefused{By: who, What: what, Untold: u.untold, Last: u.told == refusalsTold}
	u.untold = 0
	return e, true
}
