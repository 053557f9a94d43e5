package e2e

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// raised tells whether an alarm stands.
func raised(s status.Status, code string) bool {
	return slices.ContainsFunc(s.Alarms, func(a status.Alarm) bool { return a.Code == code })
}

// Two grandmasters, each the other's twin. The pulses of the second are late by a known
// time, so that the two differ by it, and then it loses its antenna. Each shows what a change to the other would do, and serves as before.
func TestTwoGrandmastersAreEachOthersTwin(t *testing.T) {
	const lateNs = 20_000
	t.Parallel()
	need(t, "ip")
	b := newHosts(t)
	one := b.startDaemon("twin.address=" + clientAddress)
	two := b.startDaemonIn(b.client, t.TempDir(), "master.address="+clientAddress, "board.interface=cl0", `master.allow=["`+serviceAddress+`"]`,
		"twin.address="+serviceAddress, "twin.limit=100us", "sim.seed=2", "sim.time_to_fix=5s")
	if err := two.control.Post(t.Context(), "/v1/sim/lie", control.Lie{LateNs: lateNs}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	locked := func() bool {
		return one.status().Clock.ClockClass == 6 && two.status().Clock.ClockClass == 6
	}
	eventually(t, 60*time.Second, "both are of class 6", locked)
	eventually(t, 60*time.Second, "each knows the other", func() bool {
		x, y := one.status().Twin, two.status().Twin
		return x.OffsetNs != nil && y.OffsetNs != nil && x.Samples == 16 && y.Samples == 16
	})
	// measured is the offset that one shows against the truth of both.
	measured := func(when string) {
		t.Helper()
		var differs []float64
		for range 5 {
			time.Sleep(2 * time.Second)
			x, y := one.status().Twin, two.status().Twin
			if x.OffsetNs == nil || y.OffsetNs == nil {
				continue
			}
			truth := two.sim().TrueErrorNs - one.sim().TrueErrorNs
			t.Logf("%s: one sees %+.0f ns (%s), two sees %+.0f ns (%s); in truth two is %+.0f ns ahead", when, *x.OffsetNs, x.Text, *y.OffsetNs, y.Text, truth)
			differs = append(differs, *x.OffsetNs-truth, -*y.OffsetNs-truth)
		}
		slices.Sort(differs)
		if len(differs) < 8 || math.Abs(differs[len(differs)/2]) > 5000 {
			t.Errorf("%s: what the two see differs from the truth by %.0f ns", when, differs)
		}
	}
	if truth := two.sim().TrueErrorNs - one.sim().TrueErrorNs; math.Abs(truth+lateNs) > 1000 {
		t.Fatalf("in truth two is %+.0f ns ahead, want %d", truth, -lateNs)
	}
	measured("both on GNSS")
	eventually(t, 30*time.Second, "one says that the two differ although both are on GNSS", func() bool {
		s := one.status()
		return s.Twin.Answer == "differs" && strings.Contains(s.Twin.Text, "although both are on GNSS") && raised(s, "TWIN_DIFFERS")
	})
	if s := two.status(); s.Twin.Answer != "ready" || !strings.Contains(s.Twin.Text, "both on GNSS") || raised(s, "TWIN_DIFFERS") {
		t.Errorf("two, with a limit of 100 us, says %q", s.Twin.Text)
	}
	t.Logf("%s", b.bragi("show", "twin"))

	if err := two.control.Post(t.Context(), "/v1/sim/antenna", map[string]bool{"ok": false}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "one says that its twin is in holdover", func() bool {
		return strings.Contains(one.status().Twin.Text, "the twin is in holdover")
	})
	measured("the twin in holdover")
	if text := b.bragi("show", "twin"); !strings.Contains(text, "the twin is in holdover: do not fail over") || !strings.Contains(text, "class 7") {
		t.Errorf("show twin:\n%s", text)
	} else {
		t.Log(text)
	}
	if s := two.status().Twin; s.Answer != "better" {
		t.Errorf("two, in holdover, says %q", s.Text)
	}
	for name, d := range map[string]*daemon{"one": one, "two": two} {
		s := d.status()
		if s.Master.Counters["message is not for a master"] > 0 || len(s.Denied) > 0 && s.Denied[0].AgoS < 5 || raised(s, "TWIN_SILENT") || s.Clock.Steps > 1 {
			t.Errorf("%s was disturbed: %v, %+v, %d steps, %+v", name, s.Master.Counters, s.Denied, s.Clock.Steps, s.Alarms)
		}
	}

	two.stop()
	eventually(t, 60*time.Second, "one says that its twin is silent", func() bool {
		s := one.status()
		return s.Twin.Answer == "no-answer" && raised(s, "TWIN_SILENT") && !raised(s, "TWIN_DIFFERS")
	})
	t.Logf("%s", one.status().Twin.Text)
}
