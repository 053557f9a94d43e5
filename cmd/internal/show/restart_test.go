package show

import (
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

func TestRestartTellsWhyTheClockIsNew(t *testing.T) {
	for _, c := range []struct {
		restart status.Restart
		want    string
	}{
		{status.Restart{Clock: true, AgeS: 0.31, OffNs: 42, Clients: 101, ServingMs: 87.4}, "went on after 0.3 s, 42ns from where it was expected"},
		{status.Restart{Why: "it is of another boot"}, "started anew: it is of another boot"},
		{status.Restart{}, "no state was left"},
		{status.Restart{GrantsWhy: "the grants are torn"}, "the grants are torn"},
	} {
		s := status.Status{Restart: c.restart}
		s.Master.AnnounceGap = status.AnnounceGap{Max: 0.381}
		if got := Restart(s); !strings.Contains(got, c.want) || !strings.Contains(got, "0.381 s at most") {
			t.Errorf("no %q in\n%s", c.want, got)
		}
	}
}
