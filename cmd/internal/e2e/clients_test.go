package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ptpd, of another code base than ptp4l, reaches its steady state: one-step,
// all three flows at their rates, no reset.
func TestPTPD(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptpd")
	b := newHosts(t)
	d := b.startDaemon()
	eventually(t, 30*time.Second, "clockClass 6", func() bool { return d.status().Clock.ClockClass == 6 })
	template, err := os.ReadFile("testdata/ptpd.conf")
	if err != nil {
		t.Fatal(err)
	}
	statusFile, config := filepath.Join(b.dir, "ptpd.status"), filepath.Join(b.dir, "ptpd.conf")
	text := strings.NewReplacer("INTERFACE", "cl0", "MASTER", serviceAddress, "STATUS", statusFile).Replace(string(template))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(b.client, nil, "ptpd", "-c", config)
	var said string
	field := func(name string) string {
		if m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `\s*:\s*(.*?)\s*$`).FindStringSubmatch(said); m != nil {
			return m[1]
		}
		return ""
	}
	eventually(t, 40*time.Second, "ptpd in PTP_SLAVE, one-step, at the granted rates", func() bool {
		bytes, err := os.ReadFile(statusFile)
		if err != nil {
			return false
		}
		said = string(bytes)
		return strings.HasPrefix(field("Port state"), "PTP_SLAVE") && strings.Contains(field("Sync mode"), "ONE_STEP") &&
			strings.Contains(said, "32/s sync") && strings.Contains(said, "32/s delay") && strings.Contains(said, "8/s announce")
	})
	t.Logf("ptpd: %s, %s, %s, %s", field("Port state"), field("Sync mode"), field("Message rates"), field("Offset from Master"))
	if got := field("PTP Engine resets"); got != "1" {
		t.Errorf("ptpd was reset: %q, want 1 (its start)", got)
	}
	if c := d.status().Clients; len(c) != 1 || c[0].Grants.Sync == nil || c[0].Grants.Sync.Interval != -5 {
		t.Errorf("clients %+v", c)
	}
}

// pmc by multicast from the client's host reads every data set, and a drain
// sends ptp4l away until it ends.
func TestManagementAndDrain(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc", "gcc")
	b := newHosts(t)
	d := b.startDaemon()
	eventually(t, 30*time.Second, "clockClass 6", func() bool { return d.status().Clock.ClockClass == 6 })
	for _, set := range []struct{ name, want string }{
		{"DEFAULT_DATA_SET", `clockClass\s+6\n`}, {"CURRENT_DATA_SET", `stepsRemoved\s+0\n`}, {"PARENT_DATA_SET", `gm.ClockClass\s+6\n`},
		{"TIME_PROPERTIES_DATA_SET", `currentUtcOffset\s+37\n`}, {"PORT_DATA_SET", `portState\s+MASTER\n`},
		{"CLOCK_DESCRIPTION", `bragi`}, {"USER_DESCRIPTION", `userDescription`}, {"GRANDMASTER_SETTINGS_NP", `clockClass\s+6\n`},
	} {
		local := socketName("pmc")
		out, err := b.client.Command("pmc", "-4", "-i", "cl0", "-b", "1", "-d", "0", "-s", local, "GET "+set.name).CombinedOutput()
		os.Remove(local)
		if err != nil || !regexp.MustCompile(set.want).Match(append(out, '\n')) {
			t.Errorf("GET %s: %v, want %s in:\n%s", set.name, err, set.want, out)
		}
	}
	client := b.startPTP4L(serviceAddress)
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)
	if text := b.bragi("show", "client", clientAddress); !strings.Contains(text, "Speaks to    "+serviceAddress+", with DSCP") {
		t.Errorf("show client:\n%s", text)
	}
	if text := b.bragi("drain"); !strings.Contains(text, "Drained: no client has a grant.") {
		t.Errorf("drain says:\n%s", text)
	}
	eventually(t, 20*time.Second, "ptp4l has no master", func() bool { return client.get("PORT_DATA_SET", "portState") == "LISTENING" })
	if s := d.status(); len(s.Clients) != 0 {
		t.Errorf("a drained grandmaster has clients: %+v", s.Clients)
	}
	b.bragi("drain", "--end")
	eventually(t, time.Minute, "ptp4l in SLAVE again", client.slave)
}
