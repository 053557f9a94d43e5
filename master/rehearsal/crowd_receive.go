package rehearsal

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// Receive takes a datagram to dst. stamp is the kernel's at its arrival, zero for
// none.
func (w *Crowd) Receive(now timescale.Mono, event bool, dst netip.Addr, payload []byte, stamp timescale.Mono) {
	i := w.of(dst)
	if i < 0 {
		w.counts.Strangers++
		return
	}
	h, err := wire.ParseHeader(payload)
	if err != nil || event != h.MessageType.Event() {
		w.counts.Malformed++
		return
	}
	c := &w.clients[i]
	c.heard = true
	switch h.MessageType {
	case wire.TypeSync:
		w.sync(c, now, stamp)
		w.lookAtTime(now, i, payload)
	case wire.TypeFollowUp:
		w.counts.FollowUp++
		if w.served.waits == i+1 && w.served.seq == h.SequenceID {
			w.followUp(payload)
		}
	case wire.TypeAnnounce:
		w.counts.Announce++
		c.announces++
		if a, err := wire.ParseAnnounce(payload); err == nil && a.Domain == w.cfg.Domain {
			w.announce, w.announced = a, true
		}
	case wire.TypeDelayResp:
		w.delayResp(c, i, payload, stamp)
	case wire.TypeSignaling:
		w.grants(now, i, payload)
	}
}

// lookAtTime notes once a second which time the master serves.
func (w *Crowd) lookAtTime(now timescale.Mono, i int, payload []byte) {
	if x := &w.served; !x.at.IsZero() && now.Sub(x.at) < time.Second || x.waits != 0 && now.Sub(x.pending) < time.Second {
		return
	}
	s, err := wire.ParseSync(payload)
	if err != nil {
		return
	}
	if s.Flags&wire.FlagTwoStep != 0 {
		w.served.waits, w.served.pending, w.served.seq = i+1, now, s.SequenceID
		return
	}
	w.served.take(now, s.OriginTimestamp)
}

func (w *Crowd) followUp(payload []byte) {
	if f, err := wire.ParseFollowUp(payload); err == nil {
		w.served.waits = 0
		w.served.take(w.served.pending, f.PreciseOriginTimestamp)
	}
}

func (s *served) take(at timescale.Mono, t wire.Timestamp) {
	if tai, ok := t.TAI(); ok {
		s.at, s.ns, s.known = at, tai.Ns(), true
	}
}

// Time is the time that the master serves, in ns since the epoch of its timescale, within
// a fraction of a second. false: there is none. See Client.Time.
func (w *Crowd) Time(at timescale.Mono) (ns int64, ok bool) {
	return w.served.ns + int64(at.Sub(w.served.at)), w.served.known
}

// lateSync tells whether a client waits for Sync for longer than it stays with a master.
func (w *Crowd) lateSync(c *member, now timescale.Mono) bool {
	return now.Sub(c.heardSync) >= syncTimeout(c.seat.Every(&w.habit, unicast.Sync))
}

func (w *Crowd) sync(c *member, now, t2 timescale.Mono) {
	w.counts.Sync++
	c.syncs++
	c.left = c.left || c.seen && w.lateSync(c, now)
	c.seen, c.heardSync = true, now
	if t2.IsZero() {
		w.counts.NoStamp++
		c.lastSync = t2
		return
	}
	if !c.lastSync.IsZero() {
		want := int64(c.seat.Every(&w.habit, unicast.Sync))
		got := int64(t2.Sub(c.lastSync))
		deviation := max(got-want, want-got)
		w.spacing.add(deviation)
		if w.shortest == 0 || got < w.shortest {
			w.shortest = got
		}
		c.spaced++
		if deviation <= want*3/10 { // 7.7.2.1
			c.steady++
		}
	}
	c.lastSync = t2
}

func (w *Crowd) delayResp(c *member, i int, payload []byte, stamp timescale.Mono) {
	r, err := wire.ParseDelayResp(payload)
	x := &c.t3[r.SequenceID%openDelayReqs]
	if err != nil || r.Requesting != identityOf(i) || x.IsZero() || c.id-r.SequenceID > openDelayReqs || c.id == r.SequenceID {
		w.counts.Unmatched++
		return
	}
	w.counts.DelayResp++
	if stamp.IsZero() {
		w.counts.NoStamp++
	} else {
		w.turnaround.add(int64(stamp.Sub(*x)))
	}
	*x = timescale.Mono{}
}

func (w *Crowd) grants(now timescale.Mono, i int, payload []byte) {
	s, err := wire.ParseSignaling(payload)
	if err != nil || !s.Target.Addresses(identityOf(i)) {
		w.counts.Malformed++
		return
	}
	c := &w.clients[i]
	for {
		a, ok := c.seat.Answers(&w.habit, now, &s)
		if !ok {
			return
		}
		switch a.Verdict {
		case unicast.Granted:
			w.counts.Grants++
			if c.denied = false; a.Flow == unicast.DelayResp && a.Anew {
				c.delayAt = now
			}
		case unicast.Denied:
			w.counts.Denials++
			c.denied = true
		case unicast.Cancelled:
			w.counts.Cancels++
		}
	}
}

// Begin begins a new window: the counts are zero again.
func (w *Crowd) Begin(now timescale.Mono) {
	w.begun, w.counts, w.spacing, w.turnaround, w.shortest = now, CrowdCounts{}, histogram{}, histogram{}, 0
	for i := range w.clients {
		c := &w.clients[i]
		c.syncs, c.spaced, c.steady, c.delayReqs, c.unanswered, c.announces = 0, 0, 0, 0, 0, 0
		c.left, c.heardSync = false, now
	}
}

// Leave makes every client cancel what it was granted, or asked for and had no answer to;
// nothing else is asked for from now on.
func (w *Crowd) Leave() {
	for i := range w.clients {
		w.clients[i].seat.Leave()
	}
}
