package metrics

import "bragi/cmd/internal/status"

var (
	residual = describe("egress_residual_seconds", "Transmit stamp less what the Sync said; positive: it left later than it says.")
	recent   = describe("egress_residual_recent_seconds", "The same, of the last 1,024 Syncs that were sampled: the 1st, 50th and 99th percentile.", "percentile")
	samples  = describe("egress_residual_samples", "Syncs in bragi_egress_residual_recent_seconds.")
	egress   = describe("egress_bound_seconds", "What clockAccuracy allows between the served clock and the wire.")
	syncMode = describe("sync_mode", "1 for how the time gets into a Sync.", "mode")
	written  = describe("syncs_written_total", "Sampled Syncs by whether the kernel wrote the time as it handed them to the driver.", "by_kernel")
	waited   = describe("receive_wait_seconds", "What is taken off a receive stamp of the kernel's, as messages with the device's beside it have shown.")
	withheld = describe("transmit_stamps_withheld_total", "Transmit stamps that the device owed and did not give.")
	carrier  = describe("link_up", "1 while the network port has a carrier.")
	foreign  = describe("clock_set_by_others_total", "Readings that showed that another program set the board's clock.")
)

func (t teller) hardware(s *status.Status) {
	h := &s.Hardware
	t.histogram(residual, h.Residuals)
	t.gauge(samples, float64(h.ResidualNs.N))
	if h.ResidualNs.N > 0 {
		t.gauge(recent, float64(h.ResidualNs.P1)/ns, "1")
		t.gauge(recent, float64(h.ResidualNs.P50)/ns, "50")
		t.gauge(recent, float64(h.ResidualNs.P99)/ns, "99")
	}
	t.known(egress, h.EgressNs, ns)
	if h.SyncMode != "" {
		t.gauge(syncMode, 1, h.SyncMode)
	}
	t.count(withheld, h.Stamps.Withheld)
	t.count(written, h.Stamps.Written, "yes")
	t.count(written, h.Stamps.Unwritten, "no")
	if h.Stamps.WaitedN > 0 {
		t.gauge(waited, float64(h.Stamps.WaitedNs)/ns)
	}
	if h.Device.Name != "" {
		t.truth(carrier, h.Device.Carrier)
	}
	t.count(foreign, h.Counter.Foreign)
}
