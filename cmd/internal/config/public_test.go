package config

import (
	"strings"
	"testing"
)

// What is named like a secret is left out; the path of a file with one is not.
func TestSecretsAreLeftOut(t *testing.T) {
	const text = `[control]
http_token_file = "/etc/bragi/token"
http_token = "xyzzy"
  snmp.community="public" # a comment
[syslog]
targets = ["tls://user:xyzzy@10.1.1.1:6514", "tls://xyzzy@10.1.1.1", "tcp://u:xy/z@zy@h"]
# password = "old"
+auth_password = 'x'
domain = 3
`
	const want = `[control]
http_token_file = "/etc/bragi/token"
http_token = "(left out)"
  snmp.community="(left out)"
[syslog]
targets = ["tls://user:(left out)@10.1.1.1:6514", "tls://(left out)@10.1.1.1", "tcp://u:(left out)@h"]
# password = "(left out)"
+auth_password = "(left out)"
domain = 3
`
	if got := Public(text); got != want {
		t.Errorf("got\n%s", got)
	}
}

// Nothing that is said of a configuration tells its secrets: it goes to the log, and from
// there to other machines.
func TestWhatIsSaidOfAConfigurationTellsNoSecret(t *testing.T) {
	const secret = "hunter2"
	padding := strings.Repeat("x", quotedMost)
	for _, line := range []string{
		`[syslog]` + "\n" + `targets = ["tls://user:hunter2@loghost.example.net:6514"]`,
		`[syslog]` + "\n" + `targets = ["tls://hunter2@loghost.example.net:6514"]`,
		`[syslog]` + "\n" + `targets = ["tls://hunter2` + padding + `@loghost.example.net:6514"]`,
		`[syslog]` + "\n" + `targets = "tls://user:hunter2@loghost.example.net:6514"`,
		`[syslog]` + "\n" + `target = "tls://user:hunter2@loghost.example.net:6514"`,
		`[control]` + "\n" + `http_token = "hunter2"`,
		`[control]` + "\n" + `http_token = hunter2`,
		`[master]` + "\n" + `domain = "tls://user:hunter2@h"`,
		`[gnss]` + "\n" + `second_opinion = ["ntp://user:hunter2@h"]`,
		`[master]` + "\n" + `allow = ["tls://user:hunter2@h"]`,
	} {
		_, _, err := Parse("x.toml", []byte(base+line+"\n"), nil)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, set := range []string{"syslog.targets=tls://user:hunter2@h", "control.http_token=hunter2", "board.profile=tls://hunter2@h"} {
		if _, _, err := Parse("x.toml", []byte(base), []string{set}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("--set %s: %v", set, err)
		}
	}
	w := Warning{Where: "--set x=tls://user:hunter2@h", What: "tls://user:hunter2@h has no effect"}
	if strings.Contains(w.String(), secret) {
		t.Error(w)
	}
}
