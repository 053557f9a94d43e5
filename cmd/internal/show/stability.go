package show

import (
	"fmt"
	"math"
	"strings"

	"bragi/cmd/internal/status"
)

// Stability is the screen of `bragi show stability`.
func Stability(s status.Status, width int) string {
	st := s.Stability
	if st == nil {
		return "Nothing is known of the clock's stability.\n"
	}
	var b strings.Builder
	b.WriteString(stabilityHead(st))
	t := table{columns: []column{{"TAU", 0}, {"TDEV", 0}, {"PRTC-A", 1}, {"PRTC-B", 2}, {"MTIE", 0}, {"PRTC-A", 1}, {"PRTC-B", 2}, {"TERMS", 4}, {"OVER", 3}}}
	for _, r := range st.Rows {
		t.add(seconds(&r.TauS), tenths(r.TDEVNs), tenths(r.PRTCATDEVNs), tenths(r.PRTCBTDEVNs), tenths(r.MTIENs), tenths(r.PRTCAMTIENs), tenths(r.PRTCBMTIENs), fmt.Sprint(r.Terms), seconds(&r.WindowS))
	}
	b.WriteString(t.draw(width))
	b.WriteString(comparison(s, width))
	return b.String()
}

// comparison is TDEV and MTIE of receivers against the one that is followed: of two, not of
// one judged by its own clock. "": there is no other.
func comparison(s status.Status, width int) string {
	t := table{columns: []column{{"REFERENCE", 0}, {"TDEV 1 s", 0}, {"10 s", 1}, {"100 s", 2}, {"MTIE 1 s", 0}, {"10 s", 3}, {"100 s", 4}, {"OVER", 5}}}
	any := false
	for _, r := range s.References.List {
		if r.Name == s.References.ComparedTo || r.TDEVNs.S1 == nil {
			continue
		}
		any = true
		over := float64(r.ComparedS)
		t.add(r.Name, tenths(r.TDEVNs.S1), tenths(r.TDEVNs.S10), tenths(r.TDEVNs.S100), tenths(r.MTIENs.S1), tenths(r.MTIENs.S10), tenths(r.MTIENs.S100), seconds(&over))
	}
	if !any {
		return ""
	}
	return fmt.Sprintf("\nComparison of two receivers: pulse less pulse of %s, without the clock; the noise of both is in it; in ns\n", s.References.ComparedTo) + t.draw(width)
}

// stabilityHead says what was measured, and which masks it is inside.
func stabilityHead(st *status.Stability) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Of        %s; in ns\n", st.Of)
	fmt.Fprintf(&b, "Pulses    %d; one has a noise of %s (one sigma), which is in each figure\n", st.Pulses, size(st.NoiseNs))
	for _, m := range st.Masks {
		fmt.Fprintf(&b, "Mask      %s: %s\n", m.Name, maskWords(m))
	}
	return b.String()
}

func maskWords(m status.StabilityMask) string {
	switch {
	case m.Met == nil:
		return "nothing was measured yet"
	case *m.Met:
		return "met, up to " + seconds(&m.UpToS)
	}
	return "not shown to be met: " + m.Why
}

// tenths are nanoseconds without their unit.
func tenths(ns *float64) string { return number(ns, "%.1f") }

// StabilityMeasures are what `show stability --plot` draws.
var StabilityMeasures = []string{"tdev", "mtie"}

// stabilityRows is the height of its plot.
const stabilityRows = 14

// StabilityPlot draws TDEV or MTIE over the averaging time, both axes logarithmic, with
// the limits of the masks.
func StabilityPlot(s status.Status, measure string, width int) string {
	st := s.Stability
	if st == nil || len(st.Rows) < 2 {
		return Stability(s, width)
	}
	if width <= 0 {
		width = 80
	}
	curve := func(r status.StabilityRow) (have, a, b *float64) { return r.TDEVNs, r.PRTCATDEVNs, r.PRTCBTDEVNs }
	if measure == "mtie" {
		curve = func(r status.StabilityRow) (have, a, b *float64) { return r.MTIENs, r.PRTCAMTIENs, r.PRTCBMTIENs }
	}
	const least = 0.01 // ns: less is drawn there
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range st.Rows {
		have, a, b := curve(r)
		for _, v := range []*float64{have, a, b} {
			if v != nil {
				low, high = min(low, max(*v, least)), max(high, *v)
			}
		}
	}
	if low >= high {
		return Stability(s, width)
	}
	columns := max(10, width-plotMargin)
	cells := newCanvas(columns, stabilityRows)
	span := math.Log(high / low)
	row := func(ns float64) int {
		return int(math.Round(math.Log(high/max(ns, least)) / span * (stabilityRows - 1)))
	}
	// A line between two averaging times, at each column.
	line := func(mark byte, of func(status.StabilityRow) *float64) {
		for i := range columns {
			at := float64(i) / float64(columns-1) * float64(len(st.Rows)-1)
			k := min(int(at), len(st.Rows)-2)
			from, to := of(st.Rows[k]), of(st.Rows[k+1])
			if from != nil && to != nil {
				f := at - float64(k)
				cells.put(i, row(math.Exp((1-f)*math.Log(max(*from, least))+f*math.Log(max(*to, least)))), mark)
			}
		}
	}
	line('A', func(r status.StabilityRow) *float64 { _, a, _ := curve(r); return a })
	line('B', func(r status.StabilityRow) *float64 { _, _, b := curve(r); return b })
	line('*', func(r status.StabilityRow) *float64 { have, _, _ := curve(r); return have })
	var b strings.Builder
	b.WriteString(stabilityHead(st))
	fmt.Fprintf(&b, "%s *, limits of PRTC-A and PRTC-B\n", strings.ToUpper(measure))
	middle := math.Sqrt(low * high)
	cells.draw(&b, func(i int) string {
		switch i {
		case 0:
			return tenths(&high) + " ns"
		case (stabilityRows - 1) / 2:
			return tenths(&middle) + " ns"
		case stabilityRows - 1:
			return tenths(&low) + " ns"
		}
		return ""
	})
	first, last := st.Rows[0].TauS, st.Rows[len(st.Rows)-1].TauS
	fmt.Fprintf(&b, "%*s %-*s%s\n", plotMargin-1, "", columns-len(seconds(&last)), seconds(&first), seconds(&last))
	return b.String()
}
