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
}

type bucket struct {
	tokens int64 // ns
	filled timescale.Mono
}

const (
	limitBuckets = 4096
	leakOneIn    = 8
)

// newLimiter makes a limiter of one message each `every`, and of burst of that
// time at once.
func newLimiter(r *rand.Rand, every, burst time.Duration) *limiter {
	return &limiter{
		seed: maphash.MakeSeed(), random: r, buckets: make([]bucket, limitBuckets),
		cost: int64(every), burst: int64(burst),
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
	return l.random.IntN(leakOneIn) == 0
}

// Credit. Towards an address that is not trusted the master is bound by the
// rule that QUIC has for addresses not validated (RFC 9000, 8.1), with a factor
// that the flows of the cable network fit into (an RPD gets 3.9 times the bytes
// it sends, a cBR8 2.6): CreditStart bytes until bytes come back, then at most
// CreditFactor times what came. The grant says what was asked; the flow pauses
// when the credit is spent. Bytes are those of UDP payload, by address, kept for
// an hour after the last client there has gone, so that asking again buys nothing.
const (
	CreditFactor = 5
	CreditStart  = 8000
	creditKept   = time.Hour
	maxCredits   = 4096
)

type credit struct {
	account
	users int32
}

// account is what of a credit outlives a restart of ours (saved.go).
type account struct {
	address        netip.Addr
	sent, received uint64
	last           timescale.Mono
}

type credits struct {
	rows  []credit
	index index[netip.Addr]
	n     int32 // rows ever used
}

func newCredits(rows int) *credits {
	t := &credits{rows: make([]credit, rows)}
	t.index = newIndex(rows, func(row int32) netip.Addr { return t.rows[row].address })
	return t
}

// free finds a row for a new address: an unused one, or one kept long enough.
func (t *credits) free(now timescale.Mono) int32 {
	if int(t.n) < len(t.rows) {
		return t.n
	}
	for i := range t.rows {
		if r := &t.rows[i]; r.users == 0 && now.Sub(r.last) > creditKept {
			return int32(i)
		}
	}
	return -1
}

// room tells whether the address has a row or could get one.
func (t *credits) room(now timescale.Mono, a netip.Addr) bool {
	return t.index.find(a) >= 0 || t.free(now) >= 0
}

// take counts one more client at the address and returns its row + 1; room has
// been asked before.
func (t *credits) take(now timescale.Mono, a netip.Addr) int32 {
	row := t.index.find(a)
	if row < 0 {
		if row = t.free(now); row < 0 {
			return 0
		}
		if row == t.n {
			t.n++
		} else {
			t.index.remove(t.rows[row].address)
		}
		t.rows[row] = credit{account: account{address: a}}
		t.index.insert(a, row)
	}
	t.rows[row].users++
	t.rows[row].last = now
	return row + 1
}

// release counts one client less.
func (t *credits) release(now timescale.Mono, row1 int32) {
	if row1 > 0 {
		t.rows[row1-1].users--
		t.rows[row1-1].last = now
	}
}

func (m *Master) trusted(a netip.Addr) bool {
	return m.cfg.Trusted == nil || within(a, m.cfg.Trusted)
}

// earn counts bytes that came from a client's address.
func (m *Master) earn(c *client, n int) {
	if c.credit > 0 {
		m.credits.rows[c.credit-1].received += uint64(n)
	}
}

// spend tells whether n bytes may be sent to the client, and counts them.
func (m *Master) spend(c *client, n int) bool {
	if c.credit == 0 {
		return true
	}
	r := &m.credits.rows[c.credit-1]
	if r.sent+uint64(n) > max(CreditStart, CreditFactor*r.received) {
		return false
	}
	r.sent += uint64(n)
	return true
}

// durationOf is a durationField as a Duration.
func durationOf(seconds uint32) time.Duration { return time.Duration(seconds) * time.Second }
