package client

import (
	"net/netip"
	"testing"

	"bragi/master/wire"
)

// The spread is of stamp minus what the master said, whether in one step or two,
// corrections included; a Follow_Up of another Sync makes no sample.
func TestOneWay(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	const epoch = 1_800_000_000
	said := func(ns uint32) wire.Timestamp { return wire.Timestamp{Seconds: epoch, Nanoseconds: ns} }
	stamp := func(ns int64) int64 { return epoch*1e9 + ns }
	sync := func(seq uint16, twoStep bool, ns uint32, correction int64) []byte {
		h := wire.Header{SequenceID: seq, Correction: correction << 16}
		if twoStep {
			h.Flags = wire.FlagTwoStep
		}
		return (&wire.Sync{Header: h, OriginTimestamp: said(ns)}).Append(nil)
	}
	follow := func(seq uint16, ns uint32, correction int64) []byte {
		return (&wire.FollowUp{Header: wire.Header{SequenceID: seq, Correction: correction << 16}, PreciseOriginTimestamp: said(ns)}).Append(nil)
	}
	var w Crowd
	w.oneWay.note(a, sync(1, false, 0, 0), stamp(77)) // before Begin
	w.Begin()
	w.oneWay.note(a, sync(2, false, 1000, 0), stamp(6000))   // 5000
	w.oneWay.note(a, sync(3, false, 1000, 500), stamp(7500)) // 6000
	w.oneWay.note(b, sync(9, true, 0, 100), stamp(9000))
	w.oneWay.note(b, follow(8, 1000, 0), 0) // of another
	w.oneWay.note(a, follow(9, 1000, 0), 0) // of another client
	w.oneWay.note(b, follow(9, 1000, 900), 0)
	w.oneWay.note(b, follow(9, 1000, 900), 0)         // twice
	w.oneWay.note(a, sync(4, false, 1000, 0), 0)      // without a stamp
	w.oneWay.note(a, sync(5, false, 1, 0)[:20], 1e18) // cut
	if got, want := w.OneWay(), (OneWay{P1: -1000, P99: 1000, N: 3}); got != want {
		t.Errorf("%+v, want %+v: 5000, 6000 and 7000 ns", got, want)
	}
}
