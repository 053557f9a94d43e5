package e2e

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// Debian's ptp4l with net_sync_monitor is asked for its time: what is measured from
// here is what it finds itself, to 5 us over software stamps. It steers nothing, so
// that its offset wanders a little: each measurement is held against what it logs then.
func TestAClientsOffsetIsMeasuredFromHere(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc", "gcc")
	b := newHosts(t)
	d := b.startDaemon(`master.monitor=["` + clientAddress + `"]`)
	client := b.startPTP4L(serviceAddress, "net_sync_monitor 1", "hybrid_e2e 1")
	eventually(t, 60*time.Second, "ptp4l in SLAVE", client.slave)
	says := func() *status.Says {
		if s := d.status(); len(s.Clients) == 1 {
			return s.Clients[0].Says
		}
		return nil
	}
	var differs []float64
	for answered := uint64(0); len(differs) < 5; {
		var s *status.Says
		eventually(t, 30*time.Second, "another whole answer of ptp4l", func() bool {
			s = says()
			return s != nil && s.Answered > answered && s.PortState == "SLAVE"
		})
		answered = s.Answered
		own := client.offsets(time.Second)
		if len(own) < 10 {
			t.Fatalf("%d offsets of ptp4l in a second, want 32", len(own))
		}
		slices.Sort(own)
		median := own[len(own)/2]
		t.Logf("measured from here %+.0f ns, ptp4l logs %+.0f ns and says %+.0f ns; delay %.0f ns, it says %.0f ns; UTC %t", *s.OffsetNs, median, *s.OwnOffsetNs, *s.PathDelayNs, *s.OwnPathDelayNs, s.UTC)
		differs = append(differs, *s.OffsetNs-median)
		if !s.FollowsUs || s.ClockClass != d.status().Clock.ClockClass {
			t.Errorf("ptp4l follows %s, class %d", s.Parent, s.ClockClass)
		}
	}
	slices.Sort(differs)
	if median := differs[len(differs)/2]; math.Abs(median) > 5000 {
		t.Errorf("the measured offset differs from ptp4l's by %+.0f ns in the median of %.0f", median, differs)
	}
	for words, args := range map[string][]string{
		"CLIENT SAYS": {"show", "clients"}, "measured from here": {"show", "client", clientAddress}, "What does it say itself?": {"explain", "client", clientAddress},
	} {
		if text := b.bragi(args...); !strings.Contains(text, words) {
			t.Errorf("bragi %v does not tell %q:\n%s", args, words, text)
		} else {
			t.Logf("bragi %v\n%s", args, text)
		}
	}
	client.assertPhase(t, "while it is asked")
}
