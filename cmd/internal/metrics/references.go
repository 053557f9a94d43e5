package metrics

import "bragi/cmd/internal/status"

var (
	refFollowed = describe("reference_followed", "1 for the reference that the clock follows.", "reference")
	refGood     = describe("reference_good", "1 while the reference is followed, or could be at once.", "reference")
	refOdd      = describe("reference_odd", "1 while the reference is contradicted, and dropped.", "reference")
	refFails    = describe("reference_failures_total", "How often the reference has failed.", "reference")
	refAhead    = describe("reference_difference_seconds", "Time of the reference less that of the one which is followed; positive: ahead.", "reference")
	refTDEV     = describe("reference_difference_tdev_seconds", "TDEV of that difference.", "reference", "tau")
	refMTIE     = describe("reference_difference_mtie_seconds", "MTIE of that difference.", "reference", "tau")
	refOrdered  = describe("reference_ordered", "1 while an operator's order stands in the place of the choice.")
	refDispute  = describe("references_disagree", "1 while references differ and nothing tells which one is right.")
)

func (t teller) references(s *status.Status) {
	r := &s.References
	if len(r.List) == 0 {
		return
	}
	t.truth(refOrdered, r.Order != "" && r.Order != "automatic")
	t.truth(refDispute, r.Dispute != "")
	for i := range r.List {
		one := &r.List[i]
		t.truth(refFollowed, one.Followed, one.Name)
		t.truth(refGood, one.Good, one.Name)
		t.truth(refOdd, one.State == "odd", one.Name)
		t.count(refFails, uint64(one.Fails), one.Name)
		t.known(refAhead, one.AheadNs, ns, one.Name)
		for _, m := range []struct {
			tau        string
			tdev, mtie *float64
		}{{"1", one.TDEVNs.S1, one.MTIENs.S1}, {"10", one.TDEVNs.S10, one.MTIENs.S10}, {"100", one.TDEVNs.S100, one.MTIENs.S100}} {
			t.known(refTDEV, m.tdev, ns, one.Name, m.tau)
			t.known(refMTIE, m.mtie, ns, one.Name, m.tau)
		}
	}
}
