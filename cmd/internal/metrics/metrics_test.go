package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

// What is known is told in the unit that its name says; what is not known is absent.
func TestMetrics(t *testing.T) {
	bound, used := 250.0, 9
	s := status.Status{Version: "v1", Profile: "sim", Alarms: []status.Alarm{{Code: "ANTENNA_OPEN", Severity: "major"}}}
	s.Clock = status.Clock{StateName: "LOCKED", ClockClass: 6, Serving: true, BoundNs: &bound, Pulses: 7, PulsesRejected: 2}
	s.GNSS.SatsUsed = &used
	s.Master.Counters = map[string]uint64{"accepted": 5}
	s.Master.AnnounceGap = status.AnnounceGap{Max: 0.379, Last: 0.126, Long: 3}
	s.Hardware = status.Hardware{SyncMode: "two-step", ResidualNs: status.Residual{P1: -1000, P50: 20, P99: 3000, N: 64}, Stamps: status.StampCounts{Written: 60, Unwritten: 4, WaitedNs: 2500, WaitedN: 64}}
	got := scrape(s)
	for _, line := range []string{
		`bragi_build_info{profile="sim",version="v1"} 1`,
		`bragi_clock_class 6`,
		`bragi_clock_state{state="LOCKED"} 1`,
		`bragi_serving 1`,
		`bragi_time_error_bound_seconds 2.5e-07`,
		`bragi_pulses_total{judgement="accepted"} 7`,
		`bragi_pulses_total{judgement="rejected"} 2`,
		`bragi_gnss_trusted 0`,
		`bragi_gnss_satellites_used 9`,
		`bragi_messages_judged_total{reason="accepted"} 5`,
		`bragi_announce_gap_max_seconds 0.379`,
		`bragi_announce_gap_recent_seconds 0.126`,
		`bragi_announce_gaps_long_total 3`,
		`bragi_egress_residual_seconds{quantile="0.01"} -1e-06`,
		`bragi_egress_residual_seconds{quantile="0.99"} 3e-06`,
		`bragi_egress_residual_samples 64`,
		`bragi_syncs_written_total{by_kernel="yes"} 60`,
		`bragi_syncs_written_total{by_kernel="no"} 4`,
		`bragi_receive_wait_seconds 2.5e-06`,
		`bragi_sync_mode{mode="two-step"} 1`,
		`bragi_alarm{code="ANTENNA_OPEN",severity="major"} 1`,
	} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no line %s in:\n%s", line, got)
		}
	}
	for _, name := range []string{"bragi_time_error_seconds", "bragi_holdover_forecast_seconds", "bragi_egress_bound_seconds"} {
		if strings.Contains(got, "\n"+name+" ") {
			t.Errorf("%s is told though it is not known", name)
		}
	}
	if strings.Contains(scrape(status.Status{}), "bragi_egress_residual_seconds") {
		t.Error("a residual without a sample")
	}
}

func scrape(s status.Status) string {
	w := httptest.NewRecorder()
	Handler(func() status.Status { return s }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}
