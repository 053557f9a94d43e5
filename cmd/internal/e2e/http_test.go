package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// A daemon tells its metrics over TCP to who shows the token, promtool finds no fault
// in them, and a port that is taken is an alarm, not an end.
func TestMetricsOverTCP(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs some seconds")
	}
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at, token := taken.Addr().String(), "a-token-of-more-than-16-letters"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := startLocal(t, localPorts(t), "control.http="+at, "control.http_token_file="+file)
	alarm := func() bool {
		var s status.Status
		if l.client().Get(t.Context(), "/v1/status", &s) != nil {
			return false
		}
		for _, a := range s.Alarms {
			if a.Code == "CONTROL_HTTP" {
				return strings.Contains(a.Detail, "address already in use")
			}
		}
		return false
	}
	eventually(t, 30*time.Second, "an alarm for the port that is taken", alarm)
	taken.Close()
	ask := func(bearer string) (int, string) {
		r, err := http.NewRequest("GET", "http://"+at+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, ""
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return 0, ""
		}
		return answer.StatusCode, string(body)
	}
	var metrics string
	eventually(t, 60*time.Second, "metrics of a clock that is locked, and no alarm any more", func() bool {
		var code int
		code, metrics = ask(token)
		return code == 200 && strings.Contains(metrics, "\nbragi_clock_class 6\n") && strings.Contains(metrics, "\nbragi_pulse_residual_seconds_count ") && !alarm()
	})
	if code, _ := ask(""); code != http.StatusUnauthorized {
		t.Errorf("without the token: %d", code)
	}
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("SKIPPED: promtool is not installed (fix: make setup as root)")
	}
	promtool := exec.Command("promtool", "check", "metrics")
	promtool.Stdin = strings.NewReader(metrics)
	if said, err := promtool.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("promtool: %v\n%s", err, said)
	}
}
