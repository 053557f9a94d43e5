package show

import (
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

// Everything that an operator asks a board is on the screen.
func TestTheHardwareScreenHasWhatIsAsked(t *testing.T) {
	text := Hardware(status.Status{Hardware: status.Hardware{
		PHC: "/dev/ptp0", Driver: "fec ptp", SyncMode: "predicted-one-step", SyncModeWhy: "because", Profile: "imx6ul", Accuracy: "a microsecond",
		Limits: []string{"first limit", "second limit"}, Pulse: "/dev/pps0", LED: "yellow:status", ResidualNs: status.Residual{P1: -40, P50: 3, P99: 55, N: 900},
		Counter: status.BoardClock{QuantumPPB: 1, MaxPPB: 250e6, ExtTS: 2, Pins: []string{"SDP0 extts:0"}, CrossMethod: "PTP_SYS_OFFSET", CrossNs: 1374, NoiseNs: 50,
			Foreign: 3, Steered: 2, Absences: 1, Suspects: []string{"ptp4l[812]"}, Trouble: "it is gone"},
		Device: status.Device{Name: "eth0.17", Physical: "eth0", Driver: "fec", MAC: "02:00:00:00:00:01", Carrier: true, SpeedMbs: 100, Source: "hardware",
			Unicast: "yes", Multicast: "yes", L2: "yes", TxModes: []string{"on"}, RxFilters: []string{"all"}, TxSet: "on", RxSet: "all"},
		Stamps:           status.StampCounts{Asked: 100, Stamped: 98, Withheld: 2, ReceivedRefused: 7, TwinsSent: 16, TwinsStamped: 15},
		IngressLatencyNs: 300,
	}})
	for _, want := range []string{"imx6ul: a microsecond", "/dev/ptp0 (fec ptp)", "it is gone", "steps of 1 ppb", "PTP_SYS_OFFSET, 1374 ns wide, noise 50 ns",
		"set by others 3 times, steered 2 times, away 1 time; held open by ptp4l[812]", "2 external time stamp channels", "by /dev/pps0", "yellow:status", "SDP0 extts:0",
		"eth0.17 on eth0 (fec), 02:00:00:00:00:01, link up, 100 Mbit/s", "unicast yes, multicast yes, L2 yes (on); received: all", "sent on, received all",
		"predicted-one-step: because", "+3 ns median, p1 -40, p99 +55 (900 Syncs)", "100 asked of the device, 98 given, 2 withheld", "twins 15 of 16", "7 refused",
		"ingress 300 ns", "first limit", "second limit"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// What the metrics count, the screen tells: an alert sends its reader here.
	lossy := Hardware(status.Status{Master: status.Master{Traffic: status.Traffic{Dropped: 9540, Busy: 3, Failed: 2, Undelivered: 7}, Schedule: status.Schedule{Ticks: 1, Late: 20, Missed: 18358, LatestMs: 2500}}})
	for _, want := range []string{"9540 that came", "12 not sent: 3 busy, 2 failed, 7 with", "1 slot, 20 more than 1 ms late, 18358 skipped after a stop; the latest 2500.0 ms"} {
		if !strings.Contains(lossy, want) {
			t.Errorf("no %q in\n%s", want, lossy)
		}
	}
	bare := Hardware(status.Status{Hardware: status.Hardware{PHC: "sim", SyncMode: "software", Interface: ""}})
	if !strings.Contains(bare, "not measured yet") || !strings.Contains(bare, "of no known size") {
		t.Errorf("bare:\n%s", bare)
	}
}
