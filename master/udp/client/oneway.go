package client

import (
	"net/netip"
	"slices"

	"bragi/master/wire"
)

// oneWay collects, of the Syncs to a crowd, the kernel's receive stamp minus what
// the master says: in the Sync itself, or of a two-step one in its Follow_Up.
// Half of it is the distance of two clocks, so that only its spread tells of the
// master: how far a client's offset jumps from Sync to Sync.
type oneWay struct {
	from    int64   // what the samples are counted from, ns
	samples []int64 // ns
	waiting map[netip.Addr]twoStepSync
}

// twoStepSync waits for its Follow_Up.
type twoStepSync struct {
	seq        uint16
	stampNs    int64
	correction int64
}

// oneWayRoom is how many Syncs are looked at: the first after begin.
const oneWayRoom = 1 << 18

func (o *oneWay) begin() {
	*o = oneWay{samples: make([]int64, 0, oneWayRoom), waiting: make(map[netip.Addr]twoStepSync, 64)}
}

// note takes what came to a client.
func (o *oneWay) note(client netip.Addr, payload []byte, stampNs int64) {
	if o.samples == nil || len(payload) == 0 {
		return
	}
	switch wire.MessageType(payload[0] & 0x0F) {
	case wire.TypeSync:
		m, err := wire.ParseSync(payload)
		if err != nil || stampNs == 0 {
			return
		}
		if m.Flags&wire.FlagTwoStep != 0 {
			o.waiting[client] = twoStepSync{m.SequenceID, stampNs, m.Correction}
			return
		}
		o.add(stampNs, m.OriginTimestamp, m.Correction)
	case wire.TypeFollowUp:
		m, err := wire.ParseFollowUp(payload)
		if err != nil {
			return
		}
		if s, ok := o.waiting[client]; ok && s.seq == m.SequenceID {
			delete(o.waiting, client)
			o.add(s.stampNs, m.PreciseOriginTimestamp, m.Correction+s.correction)
		}
	}
}

func (o *oneWay) add(stampNs int64, said wire.Timestamp, correction int64) {
	if len(o.samples) == cap(o.samples) {
		return
	}
	d := stampNs - int64(said.Seconds)*1e9 - int64(said.Nanoseconds) - correction>>16
	if len(o.samples) == 0 {
		o.from = d
	}
	o.samples = append(o.samples, d-o.from)
}

// OneWay is the spread of receive stamp minus what the master says, ns around its
// median.
type OneWay struct {
	P1  int64 `json:"p1"`
	P99 int64 `json:"p99"`
	N   int   `json:"n"`
}

// Begin starts the measurement of OneWay anew.
func (w *Crowd) Begin() { w.oneWay.begin() }

// OneWay is what was measured since Begin.
func (w *Crowd) OneWay() OneWay {
	n := len(w.oneWay.samples)
	if n == 0 {
		return OneWay{}
	}
	s := slices.Clone(w.oneWay.samples)
	slices.Sort(s)
	return OneWay{P1: s[n/100] - s[n/2], P99: s[n-1-n/100] - s[n/2], N: n}
}
