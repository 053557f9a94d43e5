// Package metrics draws Prometheus metrics from the Status: GET /metrics on the
// control socket. It keeps nothing; each scrape reads one snapshot.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bragi/cmd/internal/status"
)

// Handler answers with what read returns at that moment.
func Handler(read func() status.Status) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector(read))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

type collector func() status.Status

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("bragi_"+name, help, labels, nil)
}

var (
	build     = describe("build_info", "1, by version and board profile.", "version", "profile")
	uptime    = describe("uptime_seconds", "Since the program started.")
	class     = describe("clock_class", "clockClass announced (6, 7, 52, 58 and their alternatives), or that would be while bragi_serving is 0.")
	state     = describe("clock_state", "1 for the state of the clock.", "state")
	serving   = describe("serving", "1 while clients are served.")
	timeError = describe("time_error_seconds", "Estimated error of the served clock; positive: ahead.")
	bound     = describe("time_error_bound_seconds", "The true error is inside +- this.")
	forecast  = describe("holdover_forecast_seconds", "How long class 7 would last if holdover began now.")
	frequency = describe("frequency_correction_ppb", "Correction applied to the clock.")
	pulses    = describe("pulses_total", "Pulses of the receiver, by what became of them.", "judgement")
	trusted   = describe("gnss_trusted", "1 while the receiver's time is trusted.")
	satsUsed  = describe("gnss_satellites_used", "Satellites in the solution.")
	clients   = describe("clients", "Clients with a live grant.")
	sent      = describe("messages_sent_total", "PTP messages sent.")
	received  = describe("messages_received_total", "PTP messages received.")
	judged    = describe("messages_judged_total", "PTP messages received, by what was made of them.", "reason")
	gapMax    = describe("announce_gap_max_seconds", "Longest wait of a client for an Announce since the start; a cBR8 gives up after 1.25.")
	gapLast   = describe("announce_gap_recent_seconds", "Longest wait of a client for an Announce in the last 10 to 20 s.")
	gapsLong  = describe("announce_gaps_long_total", "Waits for an Announce of more than a second.")
	late      = describe("schedule_late_total", "Slots of the schedule served more than 1 ms late.")
	missed    = describe("schedule_missed_total", "Slots of the schedule skipped after a stop.")
	residual  = describe("egress_residual_seconds", "Transmit stamp less what the Sync said, by quantile.", "quantile")
	samples   = describe("egress_residual_samples", "Syncs in the residual's distribution.")
	egress    = describe("egress_bound_seconds", "What clockAccuracy allows between the served clock and the wire.")
	syncMode  = describe("sync_mode", "1 for how the time gets into a Sync.", "mode")
	written   = describe("syncs_written_total", "Sampled Syncs by whether the kernel wrote the time as it handed them to the driver.", "by_kernel")
	waited    = describe("receive_wait_seconds", "What is taken off a receive stamp of the kernel's, as messages with the device's beside it have shown.")
	withheld  = describe("transmit_stamps_withheld_total", "Transmit stamps that the device owed and did not give.")
	alarm     = describe("alarm", "1 for each alarm that stands.", "code", "severity")
)

func (c collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// Collect tells one snapshot. What is not known is left out, never zero.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c()
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { tell(d, prometheus.GaugeValue, v, labels...) }
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		tell(d, prometheus.CounterValue, float64(v), labels...)
	}
	known := func(d *prometheus.Desc, v *float64, unit float64) {
		if v != nil {
			gauge(d, *v/unit)
		}
	}
	const ns = 1e9 // in a second; a division rounds once

	gauge(build, 1, s.Version, s.Profile)
	gauge(uptime, s.UptimeS)
	gauge(class, float64(s.Clock.ClockClass))
	gauge(state, 1, s.Clock.StateName)
	gauge(serving, truth(s.Clock.Serving))
	known(timeError, s.Clock.TimeErrorNs, ns)
	known(bound, s.Clock.BoundNs, ns)
	known(forecast, s.Clock.ForecastS, 1)
	gauge(frequency, s.Clock.FreqPPB)
	count(pulses, s.Clock.Pulses, "accepted")
	count(pulses, s.Clock.PulsesRejected, "rejected")

	gauge(trusted, truth(s.GNSS.Trusted))
	if s.GNSS.SatsUsed != nil {
		gauge(satsUsed, float64(*s.GNSS.SatsUsed))
	}

	gauge(clients, float64(s.Master.Clients))
	count(sent, s.Master.Sent)
	count(received, s.Master.Received)
	for reason, n := range s.Master.Counters {
		count(judged, n, reason)
	}
	gauge(gapMax, s.Master.AnnounceGap.Max)
	gauge(gapLast, s.Master.AnnounceGap.Last)
	count(gapsLong, s.Master.AnnounceGap.Long)
	count(late, s.Master.Schedule.Late)
	count(missed, s.Master.Schedule.Missed)

	h := s.Hardware
	gauge(samples, float64(h.ResidualNs.N))
	if h.ResidualNs.N > 0 {
		gauge(residual, float64(h.ResidualNs.P1)/ns, "0.01")
		gauge(residual, float64(h.ResidualNs.P50)/ns, "0.5")
		gauge(residual, float64(h.ResidualNs.P99)/ns, "0.99")
	}
	known(egress, h.EgressNs, ns)
	gauge(syncMode, 1, h.SyncMode)
	count(withheld, h.Stamps.Withheld)
	count(written, h.Stamps.Written, "yes")
	count(written, h.Stamps.Unwritten, "no")
	if h.Stamps.WaitedN > 0 {
		gauge(waited, float64(h.Stamps.WaitedNs)/ns)
	}

	for _, a := range s.Alarms {
		gauge(alarm, 1, a.Code, a.Severity)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
