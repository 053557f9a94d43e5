package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

const (
	rules     = "../../../configs/prometheus"
	dashboard = "../../../configs/grafana/bragi.json"
)

// promtool runs Prometheus's own tool, and returns what it said.
func promtool(t *testing.T, input string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("SKIPPED: promtool is not installed (fix: make setup as root)")
	}
	c := exec.Command("promtool", args...)
	c.Stdin = strings.NewReader(input)
	said, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return string(said)
}

// promtool finds no fault in the names, labels and kinds of the metrics.
func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	for name, s := range map[string]status.Status{"all known": filled(), "nothing known": {}} {
		if said := promtool(t, scrape(s), "check", "metrics"); said != "" {
			t.Errorf("%s: promtool check metrics says:\n%s", name, said)
		}
	}
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	promtool(t, "", "check", "rules", filepath.Join(rules, "bragi.rules.yml"))
	promtool(t, "", "check", "config", "--syntax-only", filepath.Join(rules, "prometheus.yml"))
}

// The alerts come when they should, and not before: the cases are beside the rules.
func TestTheAlertsComeWhenTheyShould(t *testing.T) {
	promtool(t, "", "test", "rules", filepath.Join(rules, "bragi.rules.test.yml"))
}

// expressions are those of the dashboard's panels.
func expressions(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			list = append(list, target.Expr)
		}
	}
	if len(list) < 20 {
		t.Fatalf("%d expressions in the dashboard", len(list))
	}
	return list
}

// What the dashboard asks for is an expression of Prometheus.
func TestPromtoolAcceptsTheDashboard(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, e := range expressions(t) {
		fmt.Fprintf(&b, "  - record: panel:%d\n    expr: %q\n", i, strings.ReplaceAll(e, "$__rate_interval", "1m"))
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}

var metricName = regexp.MustCompile(`\bbragi_[a-z0-9_]+`)

// Rules and dashboard ask for metrics that there are, by labels that they have.
func TestRulesAndDashboardAskForMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(rules, "bragi.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, d := range descriptions {
		there[d.name], there[d.name+"_bucket"] = true, true
	}
	for _, name := range metricName.FindAllString(string(text)+strings.Join(expressions(t), "\n"), -1) {
		if !there[name] {
			t.Errorf("%s is asked for, and no metric", name)
		}
	}
}
