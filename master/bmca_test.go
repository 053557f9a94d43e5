package master

import (
	"testing"

	"pgregory.net/rapid"

	"bragi/master/wire"
)

func port(clock byte, number uint16) wire.PortIdentity {
	return wire.PortIdentity{Clock: wire.ClockIdentity{7: clock}, Port: number}
}

// Figures 34 and 35, one row a branch.
func TestCompareFollowsFigures34And35(t *testing.T) {
	good := DataSet{
		Priority1: 128, Grandmaster: wire.ClockIdentity{7: 5}, ClockClass: 7, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D, Priority2: 128,
		StepsRemoved: 3, Sender: port(5, 1), Receiver: port(9, 1),
	}
	other := good
	other.Grandmaster = wire.ClockIdentity{7: 6}
	with := func(d DataSet, f func(*DataSet)) DataSet { f(&d); return d }
	for _, c := range []struct {
		name string
		a, b DataSet
		want Comparison
	}{
		{"priority1 before all", with(other, func(d *DataSet) { d.Priority1, d.ClockClass = 127, 248 }), good, ABetter},
		{"class before accuracy", with(other, func(d *DataSet) { d.ClockClass, d.ClockAccuracy = 6, 0xFE }), good, ABetter},
		{"accuracy before variance", with(other, func(d *DataSet) { d.ClockAccuracy, d.OffsetScaledLogVariance = 0x20, 0xFFFF }), good, ABetter},
		{"variance before priority2", with(other, func(d *DataSet) { d.OffsetScaledLogVariance, d.Priority2 = 0x4E5C, 255 }), good, ABetter},
		{"priority2 before identity", with(other, func(d *DataSet) { d.Priority2 = 127 }), good, ABetter},
		{"identity", good, other, ABetter},
		{"another grandmaster: steps do not count", good, with(other, func(d *DataSet) { d.StepsRemoved = 0 }), ABetter},
		{"same grandmaster: nothing but the way counts", with(good, func(d *DataSet) { d.Priority1, d.StepsRemoved = 1, 5 }), good, BBetter},
		{"two steps fewer", with(good, func(d *DataSet) { d.StepsRemoved = 1 }), good, ABetter},
		{"one step more, received above the sender", with(good, func(d *DataSet) { d.StepsRemoved = 4 }), good, BBetterByTopology},
		{"one step more, received below the sender", with(good, func(d *DataSet) { d.StepsRemoved, d.Receiver = 4, port(2, 1) }), good, BBetter},
		{"one step more, from itself", with(good, func(d *DataSet) { d.StepsRemoved, d.Receiver = 4, d.Sender }), good, ComparisonError1},
		{"a nearer sender", with(good, func(d *DataSet) { d.Sender = port(4, 9) }), good, ABetterByTopology},
		{"a sender's lower port", with(good, func(d *DataSet) { d.Sender = port(5, 0) }), good, ABetterByTopology},
		{"one sender, a lower port of ours", with(good, func(d *DataSet) { d.Receiver = port(9, 0) }), good, ABetterByTopology},
		{"the same twice", good, good, ComparisonError2},
	} {
		if got := Compare(&c.a, &c.b); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		opposite := -c.want
		if c.want == ComparisonError2 {
			opposite = ComparisonError2
		}
		if got := Compare(&c.b, &c.a); got != opposite {
			t.Errorf("%s, the other way round: %d, want %d", c.name, got, opposite)
		}
	}
}

// Compare is antisymmetric for any data sets, and transitive for those that
// agree on what each grandmaster is and do not come back to their sender.
func TestCompareIsAnOrder(t *testing.T) {
	grandmasters := make([]DataSet, 6)
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Uint8Range(0, 1)
		for i := range grandmasters {
			grandmasters[i] = DataSet{
				Priority1: small.Draw(t, "p1"), Grandmaster: wire.ClockIdentity{7: byte(i)}, ClockClass: small.Draw(t, "class"),
				ClockAccuracy: small.Draw(t, "accuracy"), OffsetScaledLogVariance: uint16(small.Draw(t, "variance")), Priority2: small.Draw(t, "p2"),
			}
		}
		gen := rapid.Custom(func(t *rapid.T) DataSet {
			d := grandmasters[rapid.IntRange(0, len(grandmasters)-1).Draw(t, "gm")]
			d.StepsRemoved = rapid.Uint16Range(0, 3).Draw(t, "steps")
			d.Sender = port(rapid.ByteRange(0, 2).Draw(t, "sender"), rapid.Uint16Range(1, 2).Draw(t, "its port"))
			d.Receiver = port(rapid.ByteRange(0, 9).Draw(t, "receiver"), rapid.Uint16Range(1, 2).Draw(t, "our port"))
			return d
		})
		a, b, c := gen.Draw(t, "a"), gen.Draw(t, "b"), gen.Draw(t, "c")
		ab, ba := Compare(&a, &b), Compare(&b, &a)
		if ab != -ba && (ab != ComparisonError2 || ba != ComparisonError2) {
			t.Fatalf("%d and %d", ab, ba)
		}
		better := func(c Comparison) bool { return c == ABetter || c == ABetterByTopology }
		if better(ab) && better(Compare(&b, &c)) {
			if ac := Compare(&a, &c); !better(ac) && ac != ComparisonError1 {
				t.Fatalf("A is better than B and B than C, A against C is %d", ac)
			}
		}
	})
}
