package daemon

import (
	"path/filepath"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/scripts/reflecttest"
)

// What an RTC tells after a time without power is right within the uncertainty that it
// tells, however it drifts and whatever its date is; one that was set back tells nothing.
func TestAnRTCTellsTheSecondWithinItsUncertainty(t *testing.T) {
	const driftPPB = 17_000 // fast
	table := timescale.Builtin()
	begin := table.ToTAI(timescale.UTCFromNs(1_795_392_000e9))
	for _, off := range []time.Duration{0, -26 * 365 * 24 * time.Hour, 7*time.Hour + 300*time.Millisecond} {
		reads := func(tai timescale.TAI) timescale.UTC {
			since := tai.Sub(begin)
			return timescale.UTCFromNs(1_795_392_000e9).Add(off + since + time.Duration(float64(since)*driftPPB/1e9))
		}
		var m *rtcMemory
		for _, after := range []time.Duration{0, time.Hour, 2 * time.Hour} {
			now := begin.Add(after)
			next := m.compared("first", reads(now), now, table)
			m = &next
		}
		if !m.Drifts || m.DriftPPB < driftPPB-10 || m.DriftPPB > driftPPB+10 {
			t.Errorf("the drift is %.0f ppb", m.DriftPPB)
		}
		for _, away := range []time.Duration{0, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour} {
			now := begin.Add(2*time.Hour + away)
			truth, _ := table.ToUTC(now)
			o, ok := m.opinion(timescale.MonoFromNs(1e9), reads(now), table)
			if err := o.UTC.Sub(truth).Abs(); !ok || err > o.Uncertainty || o.Uncertainty > 30*time.Millisecond+away/40_000 {
				t.Errorf("after %v without power: %v off, +-%v, %v", away, err, o.Uncertainty, ok)
			}
		}
		if _, ok := m.opinion(timescale.MonoFromNs(1e9), reads(begin), table); ok {
			t.Error("an RTC that was set back tells the time")
		}
	}
}

// Somebody who sets it is no drift.
func TestAnRTCThatIsSetDoesNotDrift(t *testing.T) {
	tai := timescale.TAIFromNs(1_795_392_037e9)
	table := timescale.Builtin()
	m := (*rtcMemory)(nil).compared("a", timescale.UTCFromNs(0), tai, table)
	if m = m.compared("a", timescale.UTCFromNs(1_795_395_600e9), tai.Add(time.Hour), table); m.Drifts {
		t.Errorf("%+v", m)
	}
}

// It is a witness in the boot in which it was compared, and in others once it has kept the
// time through a loss of power; one that stood still meanwhile is none.
func TestAnRTCIsAWitnessOnceItHasKeptTheTime(t *testing.T) {
	table, begin := timescale.Builtin(), timescale.TAIFromNs(1_795_392_037e9)
	for _, still := range []bool{false, true} {
		reads := func(tai timescale.TAI, lost time.Duration) timescale.UTC {
			u, _ := table.ToUTC(tai)
			if still {
				u = u.Add(-lost)
			}
			return u
		}
		first := (*rtcMemory)(nil).compared("a", reads(begin, 0), begin, table)
		if !first.witnesses("a") || first.witnesses("b") || (*rtcMemory)(nil).witnesses("a") {
			t.Errorf("after its first comparison: %+v", first)
		}
		const lost = 30 * time.Second
		second := first.compared("b", reads(begin.Add(time.Hour), lost), begin.Add(time.Hour), table)
		if second.witnesses("c") == still {
			t.Errorf("it stood still: %v; %+v", still, second)
		}
		third := second.compared("b", reads(begin.Add(2*time.Hour), lost), begin.Add(2*time.Hour), table)
		if third.Proven == still || third.DriftPPB != 0 {
			t.Errorf("it stood still: %v; later %+v", still, third)
		}
	}
}

// What is kept comes back with every field.
func TestTheMemoryOfAnRTCComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rtc")
	m := rtcMemory{TAINs: 1_795_392_037e9, AheadNs: -37e9, DriftPPB: -1200, Drifts: true, Boot: "b", Proven: true}
	if unset := reflecttest.Unset(m, "rtcMemory"); len(unset) > 0 {
		t.Errorf("%v: fill it", unset)
	}
	if readRTCMemory(path) != nil {
		t.Error("something is read where nothing is")
	}
	if err := writeRTCMemory(path, m); err != nil {
		t.Fatal(err)
	}
	if got := readRTCMemory(path); got == nil || *got != m {
		t.Errorf("%+v became %+v", m, got)
	}
}
