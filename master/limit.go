package master

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
)

// limiter holds the messages of each source to a rate. Sources share a bucket
// when their hashes meet; the hash is keyed, so nobody can choose whom to meet.
// A source that is over its rate gets through at random, one time in leakOneIn: a
// spoofer who spends a newcomer's allowance cannot shut it out for good. A client
// has a bucket of its own, which only one who knows its portIdentity can spend.
type limiter struct {
	seed    maphash.Seed
	random  *rand.Rand
	buckets []bucket
	cost    int64 // of one message, in ns of the bucket's filling
	burst   int64 // what a bucket holds, in ns
	leak    int   // one in so many gets through beyond; noLeak: none
}

type bucket struct {
	tokens int64 // ns
	filled timescale.Mono
}

const (
	limitBuckets = 4096
	leakOneIn    = 8
	noLeak       = 0
)

// newLimiter makes a limiter of one message each `every`, and of burst of that
// time at once.
func newLimiter(r *rand.Rand, every, burst time.Duration) *limiter {
	return &limiter{
		seed: maphash.MakeSeed(), random: r, buckets: make([]bucket, limitBuckets),
		cost: int64(every), burst: int64(burst), leak: leakOneIn,
	}
}

// pass charges the bucket of a source.
func (l *limiter) pass(now timescale.Mono, a netip.Addr) bool {
	return l.take(now, l.bucket(a))
}

func (l *limiter) bucket(a netip.Addr) *bucket {
	return &l.buckets[uint32(maphash.Comparable(l.seed, a))%limitBuckets]
}

// take charges a bucket with one message.
func (l *limiter) take(now timescale.Mono, b *bucket) bool {
	if b.filled.IsZero() {
		b.tokens = l.burst
	} else {
		b.tokens = min(b.tokens+int64(now.Sub(b.filled)), l.burst)
	}
	b.filled = now
	if b.tokens >= l.cost {
		b.tokens -= l.cost
		return true
	}
	return l.leak != noLeak && l.random.IntN(l.leak) == 0
}

// durationOf is a durationField as a Duration.
func durationOf(seconds uint32) time.Duration { return time.Duration(seconds) * time.Second }
