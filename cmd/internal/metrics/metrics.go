// Package metrics draws Prometheus metrics from the Status: GET /metrics. It
// computes nothing and keeps nothing; each scrape reads one snapshot. What is not
// known is left out, never zero. docs/METRICS.md lists all of them.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bragi/cmd/internal/status"
)

// The list in docs/METRICS.md is made from the descriptions.
//
//go:generate go test . -run TestThePageListsEveryMetric -update

// scrapesAtOnce is how many scrapes are answered at the same time; more are sent
// away with 503.
const scrapesAtOnce = 4

// Handler answers with what read returns at that moment, and with what the Go
// runtime and the kernel say of this process.
func Handler(read func() status.Status) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector(read), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce})
}

// description is a metric that is told.
type description struct {
	name, help string
	labels     []string
	desc       *prometheus.Desc
}

// descriptions are all there are.
var descriptions []description

// describe makes a metric: its name without "bragi_", one sentence, its labels.
func describe(name, help string, labels ...string) *prometheus.Desc {
	name = "bragi_" + name
	desc := prometheus.NewDesc(name, help, labels, nil)
	descriptions = append(descriptions, description{name, help, labels, desc})
	return desc
}

type collector func() status.Status

func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		out <- d.desc
	}
}

// Collect tells one snapshot.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s, t := c(), teller(out)
	t.gauge(build, 1, s.Version, s.Profile)
	t.gauge(uptime, s.UptimeS)
	t.clock(&s)
	t.gnss(&s)
	t.references(&s)
	t.service(&s)
	t.hardware(&s)
	t.syslog(&s)
	for _, a := range s.Alarms {
		t.gauge(alarm, 1, a.Code, a.Severity)
	}
}

var (
	build  = describe("build_info", "1, by version and board profile.", "version", "profile")
	uptime = describe("uptime_seconds", "Since the program started.")
	alarm  = describe("alarm", "1 for each alarm that stands.", "code", "severity")
)

// ns are in a second, ms too; a division rounds once.
const (
	ns = 1e9
	ms = 1e3
)

// teller tells metrics of one scrape.
type teller chan<- prometheus.Metric

func (t teller) gauge(d *prometheus.Desc, v float64, labels ...string) {
	t <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (t teller) count(d *prometheus.Desc, v uint64, labels ...string) {
	t <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

// known tells a gauge that may not be known; unit is how many of v make one of the
// metric's.
func (t teller) known(d *prometheus.Desc, v *float64, unit float64, labels ...string) {
	if v != nil {
		t.gauge(d, *v/unit, labels...)
	}
}

// whole is known for whole numbers.
func whole[N int | int64 | uint8](t teller, d *prometheus.Desc, v *N, unit float64) {
	if v != nil {
		t.gauge(d, float64(*v)/unit)
	}
}

// word tells 1 for what a receiver says in a word, where it says it.
func (t teller) word(d *prometheus.Desc, v *string) {
	if v != nil {
		t.gauge(d, 1, *v)
	}
}

func (t teller) truth(d *prometheus.Desc, b bool, labels ...string) {
	v := 0.0
	if b {
		v = 1
	}
	t.gauge(d, v, labels...)
}

// histogram tells a distribution in seconds, once there is something in it.
func (t teller) histogram(d *prometheus.Desc, h status.Histogram) {
	buckets, n := map[float64]uint64{}, uint64(0)
	for i, count := range h.Counts {
		n += count
		if i < len(h.UpToNs) {
			buckets[h.UpToNs[i]/ns] = n
		}
	}
	if n > 0 {
		t <- prometheus.MustNewConstHistogram(d, n, h.SumNs/ns, buckets)
	}
}
