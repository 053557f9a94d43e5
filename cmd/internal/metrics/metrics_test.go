package metrics

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// What is known is told in the unit that its name says; what is not known is absent.
func TestMetrics(t *testing.T) {
	bound, used, warm := 250.0, 9, 41.5
	s := status.Status{Version: "v1", Profile: "sim", Alarms: []status.Alarm{{Code: "ANTENNA_OPEN", Severity: "major"}}}
	s.Clock = status.Clock{StateName: "LOCKED", ClockClass: 6, Serving: true, BoundNs: &bound, Pulses: 7, PulsesRejected: 2}
	s.Clock.PulseResiduals = status.Histogram{UpToNs: []float64{-10, 0, 10}, Counts: []uint64{1, 2, 3, 4}, SumNs: 500}
	s.Holdover.TemperatureC = &warm
	s.GNSS.SatsUsed = &used
	s.Master.Counters = map[string]uint64{"accepted": 5}
	s.Master.Sessions = map[string]int{"RPD": 2, "cBR8": 0}
	s.Master.Traffic = status.Traffic{Received: []status.ReceivedCount{{Type: "Delay_Req", Reason: "accepted", Answered: true, N: 4}}, Sent: map[string]uint64{"Sync": 32}}
	s.Master.AnnounceGap = status.AnnounceGap{Max: 0.379, Last: 0.126, Long: 3}
	s.Master.Schedule = status.Schedule{Ticks: 1000, LatestMs: 4}
	s.Hardware = status.Hardware{SyncMode: "two-step", ResidualNs: status.Residual{P1: -1000, P50: 20, P99: 3000, N: 64}, Stamps: status.StampCounts{Written: 60, Unwritten: 4, WaitedNs: 2500, WaitedN: 64}}
	s.Holdover.Drills = &status.Drills{Last: &status.Drill{Ended: time.Unix(1_795_000_000, 0), JudgedS: 3599, Passed: new(true), ErrorNs: new(-300.0), BoundNs: new(800.0)}}
	s.Stability = &status.Stability{Rows: []status.StabilityRow{{TauS: 1, TDEVNs: new(2.5), MTIENs: new(20.0)}, {TauS: 4096}}, Masks: []status.StabilityMask{{Name: "G.8272 PRTC-A", Met: new(true)}, {Name: "G.8272 PRTC-B"}}}
	got := scrape(s)
	for _, line := range []string{
		`bragi_build_info{profile="sim",version="v1"} 1`,
		`bragi_clock_class 6`,
		`bragi_clock_state{state="LOCKED"} 1`,
		`bragi_serving 1`,
		`bragi_time_error_bound_seconds 2.5e-07`,
		`bragi_temperature_celsius 41.5`,
		`bragi_pulses_total{judgement="accepted"} 7`,
		`bragi_pulses_total{judgement="rejected"} 2`,
		`bragi_pulse_residual_seconds_bucket{le="-1e-08"} 1`,
		`bragi_pulse_residual_seconds_bucket{le="0"} 3`,
		`bragi_pulse_residual_seconds_bucket{le="1e-08"} 6`,
		`bragi_pulse_residual_seconds_bucket{le="+Inf"} 10`,
		`bragi_pulse_residual_seconds_sum 5e-07`,
		`bragi_pulse_tdev_seconds{tau="1"} 2.5e-09`,
		`bragi_pulse_mtie_seconds{tau="1"} 2e-08`,
		`bragi_prtc_mask_met{mask="G.8272 PRTC-A"} 1`,
		`bragi_drill_running 0`,
		`bragi_drill_last_end_timestamp_seconds 1.795e+09`,
		`bragi_drill_last_passed 1`,
		`bragi_drill_last_judged_seconds 3599`,
		`bragi_drill_last_error_seconds -3e-07`,
		`bragi_drill_last_bound_seconds 8e-07`,
		`bragi_gnss_trusted 0`,
		`bragi_gnss_satellites_used 9`,
		`bragi_sessions{kind="RPD"} 2`,
		`bragi_sessions{kind="cBR8"} 0`,
		`bragi_messages_judged_total{reason="accepted"} 5`,
		`bragi_packets_received_total{answered="yes",reason="accepted",type="Delay_Req"} 4`,
		`bragi_packets_sent_total{type="Sync"} 32`,
		`bragi_announce_gap_max_seconds 0.379`,
		`bragi_announce_gap_recent_seconds 0.126`,
		`bragi_announce_gaps_long_total 3`,
		`bragi_schedule_lateness_max_seconds 0.004`,
		`bragi_egress_residual_recent_seconds{percentile="1"} -1e-06`,
		`bragi_egress_residual_recent_seconds{percentile="99"} 3e-06`,
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

// What a process says of itself is there too.
func TestTheProcessIsMeasured(t *testing.T) {
	got := scrape(status.Status{})
	for _, name := range []string{"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "go_goroutines"} {
		if !strings.Contains(got, "\n"+name+" ") {
			t.Errorf("%s is missing", name)
		}
	}
}

// Every number that may be unknown is absent while nothing is known: a face that says
// zero lies.
func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	known := map[string]bool{}
	for _, name := range names(scrape(filled())) {
		known[name] = true
	}
	empty := names(scrape(status.Status{}))
	for _, d := range descriptions {
		if !known[d.name] {
			t.Errorf("%s is not told of a Status in which all is known", d.name)
		}
	}
	for _, name := range empty {
		if !strings.HasPrefix(name, "bragi_") || strings.HasSuffix(name, "_total") {
			continue // a counter begins with zero
		}
		switch name {
		case "bragi_build_info", "bragi_uptime_seconds", "bragi_clock_class", "bragi_clock_state", "bragi_serving", "bragi_squelched", "bragi_draining", "bragi_holdover_forced", "bragi_frequency_correction_ppb",
			"bragi_gnss_connected", "bragi_gnss_trusted", "bragi_clients", "bragi_egress_residual_samples":
			// What is so without anything being known: nobody is served, nothing is connected.
		default:
			t.Errorf("%s is told though nothing is known", name)
		}
	}
}

// names are the metrics of a scrape, from their TYPE lines.
func names(scraped string) (list []string) {
	for line := range strings.Lines(scraped) {
		if rest, found := strings.CutPrefix(line, "# TYPE "); found {
			name, _, _ := strings.Cut(rest, " ")
			list = append(list, name)
		}
	}
	return list
}

// filled is a Status of which nothing is zero or empty.
func filled() (s status.Status) {
	fill(reflect.ValueOf(&s).Elem())
	return s
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("word")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64, reflect.Float32:
		v.SetFloat(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	default:
		if v.CanInt() {
			v.SetInt(1)
		}
	}
}

var update = flag.Bool("update", false, "write the table of docs/METRICS.md anew")

const (
	page   = "../../../docs/METRICS.md"
	begins = "<!-- The metrics: made by go generate ./cmd/internal/metrics -->\n"
	ends   = "<!-- end of the metrics -->\n"
)

// The page lists every metric, and no other.
func TestThePageListsEveryMetric(t *testing.T) {
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(old), begins)
	_, after, ended := strings.Cut(rest, ends)
	if !begun || !ended {
		t.Fatalf("%s has no list of the metrics", page)
	}
	want := before + begins + list() + ends + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(old) != want {
		t.Errorf("%s does not list the metrics as they are (fix: go generate ./cmd/internal/metrics)", page)
	}
}

// list is the table of the page: one line for the name and one for its sentence.
func list() string {
	var b strings.Builder
	for _, d := range descriptions {
		labels := ""
		if len(d.labels) > 0 {
			labels = " by `" + strings.Join(d.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "- **`%s`**%s: ", d.name, labels)
		wrap(&b, d.help, 120)
	}
	return b.String()
}

// wrap writes text from where b stands, in lines of at most width.
func wrap(b *strings.Builder, text string, width int) {
	at := b.Len() - strings.LastIndex(b.String(), "\n") - 1
	for i, word := range strings.Fields(text) {
		if at+1+len(word) > width {
			b.WriteString("\n  ")
			at = 2
		} else if i > 0 {
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	b.WriteString("\n")
}

func scrape(s status.Status) string {
	w := httptest.NewRecorder()
	Handler(func() status.Status { return s }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}
