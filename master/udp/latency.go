package udp

import (
	"math"
	"time"
)

// Latencies are what lies between the stamps and the wire, and between the two
// ways of the link. They are known to a fraction of a nanosecond or not at all.
type Latencies struct {
	// EgressNs is from the stamp of what leaves to the wire: added to it.
	EgressNs float64
	// IngressNs is from the wire to the stamp of what comes: taken off it.
	IngressNs float64
	// AsymmetryNs is by how much a message to the clients is longer on its way than
	// the mean of both ways (delayAsymmetry, 1588-2019, 7.4.2).
	AsymmetryNs float64
}

// Corrections are what the correctionFields of Sync and Delay_Resp get, in
// 2^-16 ns: the asymmetry, and what of the latencies is below the nanosecond of
// a stamp. A fraction of a receiveTimestamp is taken off there (11.3.2).
func (l Latencies) Corrections() (sync, delayResp int64) {
	sync = scaled(l.AsymmetryNs + l.EgressNs - float64(l.egress()))
	delayResp = scaled(-l.AsymmetryNs - (float64(l.ingress()) - l.IngressNs))
	return sync, delayResp
}

// egress and ingress are the whole nanoseconds, which the stamps take.
func (l Latencies) egress() time.Duration  { return time.Duration(math.Floor(l.EgressNs)) }
func (l Latencies) ingress() time.Duration { return time.Duration(math.Ceil(l.IngressNs)) }

func scaled(ns float64) int64 { return int64(math.Round(ns * 65536)) }
