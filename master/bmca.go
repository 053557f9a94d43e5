package master

import (
	"bytes"
	"cmp"

	"bragi/master/wire"
)

// The data set comparison of the best master clock algorithm (1588-2019, 9.3.4,
// figures 34 and 35):
//
//	different grandmasters  priority1, clockClass, clockAccuracy, offsetScaledLogVariance, priority2,
//	                        identity: the first that differs decides, the smaller value wins
//	the same grandmaster    the shorter way to it: stepsRemoved; then, where that differs by no more than
//	                        one, the identities of the ports on the way
//
// It is an order as long as all data sets of one grandmaster say the same of it.

// DataSet is what is compared: what an Announce says, who sent it and which
// port received it. For the clock's own data set sender and receiver are its
// clockIdentity with port number 0, stepsRemoved is 0.
type DataSet struct {
	Priority1               uint8
	Grandmaster             wire.ClockIdentity
	ClockClass              uint8
	ClockAccuracy           uint8
	OffsetScaledLogVariance uint16
	Priority2               uint8
	StepsRemoved            uint16
	Sender, Receiver        wire.PortIdentity
}

// Comparison is the outcome of comparing data sets A and B.
type Comparison int8

// The outcomes. An error says that a message came back to its sender (1) or
// twice to one port (2).
const (
	BBetter           Comparison = -2
	BBetterByTopology Comparison = -1
	ComparisonError1  Comparison = 0
	ABetterByTopology Comparison = 1
	ABetter           Comparison = 2
	ComparisonError2  Comparison = 3
)

// Compare tells which of two data sets is better.
func Compare(a, b *DataSet) Comparison {
	if a.Grandmaster == b.Grandmaster {
		return compareWays(a, b)
	}
	if c := cmp.Or(
		cmp.Compare(a.Priority1, b.Priority1),
		cmp.Compare(a.ClockClass, b.ClockClass),
		cmp.Compare(a.ClockAccuracy, b.ClockAccuracy),
		cmp.Compare(a.OffsetScaledLogVariance, b.OffsetScaledLogVariance),
		cmp.Compare(a.Priority2, b.Priority2),
		bytes.Compare(a.Grandmaster[:], b.Grandmaster[:]),
	); c > 0 {
		return BBetter
	}
	return ABetter
}

// compareWays is figure 35.
func compareWays(a, b *DataSet) Comparison {
	switch d := int(a.StepsRemoved) - int(b.StepsRemoved); {
	case d > 1:
		return BBetter
	case d < -1:
		return ABetter
	case d == 1:
		return -farther(a)
	case d == -1:
		return farther(b)
	}
	switch c := comparePorts(a.Sender, b.Sender); {
	case c > 0:
		return BBetterByTopology
	case c < 0:
		return ABetterByTopology
	case a.Receiver.Port > b.Receiver.Port:
		return BBetterByTopology
	case a.Receiver.Port < b.Receiver.Port:
		return ABetterByTopology
	}
	return ComparisonError2
}

// farther is by how much the other one is better than x, which is one step farther.
func farther(x *DataSet) Comparison {
	switch c := comparePorts(x.Receiver, x.Sender); {
	case c < 0:
		return ABetter
	case c > 0:
		return ABetterByTopology
	}
	return ComparisonError1
}

// comparePorts is the order of portIdentities: octet by octet (7.5.2.4).
func comparePorts(a, b wire.PortIdentity) int {
	return cmp.Or(bytes.Compare(a.Clock[:], b.Clock[:]), cmp.Compare(a.Port, b.Port))
}
