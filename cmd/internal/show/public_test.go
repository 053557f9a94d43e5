package show

import "testing"

// What is named like a secret is left out; the path of a file with one is not.
func TestSecretsAreLeftOut(t *testing.T) {
	const text = `[control]
http_token_file = "/etc/bragi/token"
http_token = "xyzzy"
  snmp.community="public" # a comment
[syslog]
targets = ["tls://user:xyzzy@10.1.1.1:6514"]
# password = "old"
+auth_password = 'x'
domain = 3
`
	const want = `[control]
http_token_file = "/etc/bragi/token"
http_token = "(left out)"
  snmp.community="(left out)"
[syslog]
targets = ["tls://user:(left out)@10.1.1.1:6514"]
# password = "(left out)"
+auth_password = "(left out)"
domain = 3
`
	if got := Public(text); got != want {
		t.Errorf("got\n%s", got)
	}
}
