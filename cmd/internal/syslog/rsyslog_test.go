package syslog

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// rsyslog is a real rsyslogd on loopback, which writes what it got into a file.
type rsyslog struct {
	t      *testing.T
	folder string
	input  string
	port   uint16
	cmd    *exec.Cmd
}

// startRsyslog starts one; input is its configuration with a %d for the port.
func startRsyslog(t *testing.T, input string) *rsyslog {
	t.Helper()
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Skip("SKIPPED: there is no rsyslogd (fix: scripts/setup syslog)")
	}
	if found, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_gtls.so"); strings.Contains(input, "gtls") && found == nil {
		t.Skip("SKIPPED: rsyslogd has no TLS (fix: scripts/setup syslog)")
	}
	r := &rsyslog{t: t, folder: t.TempDir(), input: input, port: freePort(t)}
	r.start()
	t.Cleanup(r.stop)
	return r
}

// freePort is one that neither TCP nor UDP uses now.
func freePort(t *testing.T) uint16 {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		if c, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return uint16(port)
		}
	}
	t.Fatal("no free port")
	return 0
}

func (r *rsyslog) path(name string) string { return filepath.Join(r.folder, name) }

func (r *rsyslog) start() {
	r.t.Helper()
	config := fmt.Sprintf(`global(workDirectory="%[1]s" net.enableDNS="off" maxMessageSize="64k")
template(name="all" type="string" string="%%pri%%|%%timestamp:::date-rfc3339%%|%%hostname%%|%%app-name%%|%%procid%%|%%msgid%%|%%structured-data%%|%%msg%%\n")
%[2]s
action(type="omfile" file="%[1]s/got" template="all" flushOnTXEnd="on" asyncWriting="off")
`, r.folder, strings.ReplaceAll(r.input, "%d", fmt.Sprint(r.port)))
	if err := os.WriteFile(r.path("conf"), []byte(config), 0o644); err != nil {
		r.t.Fatal(err)
	}
	r.cmd = exec.Command("rsyslogd", "-n", "-f", r.path("conf"), "-i", r.path("pid"))
	log, err := os.OpenFile(r.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	// The kernel's list tells who listens on UDP: to try the port would take it from rsyslogd.
	eventually(r.t, 20*time.Second, "rsyslogd listens", func() bool {
		if strings.Contains(r.input, "imudp") {
			sockets, err := os.ReadFile("/proc/net/udp")
			return err == nil && strings.Contains(string(sockets), fmt.Sprintf(": 0100007F:%04X 00000000:0000", r.port))
		}
		c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", r.port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (r *rsyslog) stop() {
	if r.cmd.Process != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	}
	if said, _ := os.ReadFile(r.path("log")); r.t.Failed() {
		r.t.Logf("rsyslogd says: %s", said)
	}
}

// lines are what it got.
func (r *rsyslog) lines() []string {
	content, _ := os.ReadFile(r.path("got"))
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// has is how many of the numbered events it got, each once at least.
func (r *rsyslog) has() map[string]int {
	got := map[string]int{}
	for _, m := range regexp.MustCompile(`\[bragi@32473 server="(\d+)"\]`).FindAllStringSubmatch(strings.Join(r.lines(), "\n"), -1) {
		got[m[1]]++
	}
	return got
}

func eventually(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// sendingTo is a sender to targets, with a sane configuration; change may alter it.
func sendingTo(t *testing.T, change func(*Config), targets ...string) *Sender {
	t.Helper()
	c := Config{Format: RFC5424, Facility: 23, Severity: status.Info}
	for _, s := range targets {
		target, err := ParseTarget(s)
		if err != nil {
			t.Fatal(err)
		}
		c.Targets = append(c.Targets, target)
	}
	if change != nil {
		change(&c)
	}
	return NewSender(c)
}

// running runs a sender until the test ends, or stop is called.
func running(t *testing.T, s *Sender) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

const (
	overUDP = `module(load="imudp") input(type="imudp" address="127.0.0.1" port="%d")`
	overTCP = `module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="%d")`
)

func overTLS(p pki, server, clients string) string {
	return fmt.Sprintf(`global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="%s" defaultNetstreamDriverCertFile="%s" defaultNetstreamDriverKeyFile="%s")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="%s")
input(type="imtcp" address="127.0.0.1" port="%%d")`, p.ca, server+".crt", server+".key", clients)
}

// A real rsyslogd gets early lines and late ones, in order and with every field, over
// UDP, TCP and TLS, and in both forms.
func TestRsyslogGetsEveryLineAndField(t *testing.T) {
	p := newPKI(t)
	server := p.issue(t, "server", "localhost")
	for _, c := range []struct{ scheme, input string }{{"udp", overUDP}, {"tcp", overTCP}, {"tls", overTLS(p, server, "anon")}} {
		for _, form := range []Format{RFC5424, RFC3164} {
			t.Run(c.scheme+" "+string(form), func(t *testing.T) {
				r := startRsyslog(t, c.input)
				s := sendingTo(t, func(c *Config) { c.Files.CA, c.Format = p.ca, form }, fmt.Sprintf("%s://localhost:%d", c.scheme, r.port))
				s.by.host = "gm1"
				s.Put(classChange())
				for n := range 100 {
					s.Put(numbered(n))
				}
				evil := status.AlarmRaised{Alarm: status.Alarm{Code: "CODE", Severity: "critical", Text: "a \"quoted\" ] \\ text\nand more", Fix: "fix"}}
				s.Put(status.Record{At: time.Unix(1e9, 0), Words: evil.Words()})
				stop := running(t, s)
				eventually(t, 20*time.Second, "102 lines arrive", func() bool { return len(r.lines()) == 102 })
				s.Put(numbered(1000)) // the last one leaves, too
				stop()
				eventually(t, 20*time.Second, "the last line arrives", func() bool { return len(r.lines()) == 103 })
				lines := r.lines()
				if form == RFC3164 {
					if want := "|gm1|bragid|" + fmt.Sprint(os.Getpid()) + "|-|-| %BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h"; !strings.HasSuffix(lines[0], want) {
						t.Errorf("got %s, want ...%s", lines[0], want)
					}
					return
				}
				want := `188|2026-11-22T20:30:01.250000+00:00|gm1|bragid|` + fmt.Sprint(os.Getpid()) + `|CLOCKCLASS|[timeQuality tzKnown="1" isSynced="1" syncAccuracy="3"]` +
					`[bragi@32473 class="7" before="6" state="HOLDOVER" accuracy="within 100 ns" why="no pulse" forecast_s="15840"]|%BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h`
				if got := strings.Replace(strings.Replace(lines[0], "01.250000Z", "01.250000+00:00", 1), "01.25+", "01.250000+", 1); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				for n := range 100 {
					if want := fmt.Sprintf(`|SECOND_OPINION|[timeQuality tzKnown="1" isSynced="0"][bragi@32473 server="%d"]|`, n); !strings.Contains(lines[n+1], want) {
						t.Errorf("line %d is %s", n+1, lines[n+1])
					}
				}
				if want := `detail="" cause="" consequence="" fix="fix"]|%BRAGI-1-ALARM: CODE: a "quoted" ] \ text and more; ; fix: fix`; !strings.HasSuffix(lines[101], want) {
					t.Errorf("got %s, want ...%s", lines[101], want)
				}
				if st := s.Status()[0]; st.Sent != 103 || st.Lost != 0 || st.Waiting != 0 || st.Trouble != "" {
					t.Errorf("status %+v", st)
				}
			})
		}
	}
}

// A server with another's certificate gets nothing, and is told as a trouble; the
// lines wait for the right one.
func TestTheNameOfATLSServerIsChecked(t *testing.T) {
	p, stranger := newPKI(t), newPKI(t)
	for name, c := range map[string]struct{ certificate, want string }{
		"another name":   {p.issue(t, "other", "other.example"), "other.example, not localhost"},
		"another signer": {stranger.issue(t, "server", "localhost"), "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRsyslog(t, overTLS(p, c.certificate, "anon"))
			s := sendingTo(t, func(c *Config) { c.Files.CA = p.ca }, fmt.Sprintf("tls://localhost:%d", r.port))
			s.Put(numbered(7))
			running(t, s)
			eventually(t, 20*time.Second, "the trouble is told", func() bool { return strings.Contains(s.Status()[0].Trouble, c.want) })
			if st := s.Status()[0]; st.Sent != 0 || st.Waiting != 1 || len(r.has()) != 0 {
				t.Errorf("status %+v, the server has %v", st, r.has())
			}
			r.stop()
			r.input = overTLS(p, p.issue(t, "right", "localhost"), "anon")
			r.start()
			eventually(t, 30*time.Second, "the line arrives at the right server", func() bool { return r.has()["7"] == 1 && s.Status()[0].Trouble == "" })
		})
	}
}

// A server that wants a client's certificate gets one.
func TestAClientCertificateIsShown(t *testing.T) {
	p := newPKI(t)
	r := startRsyslog(t, overTLS(p, p.issue(t, "server", "localhost"), "x509/certvalid"))
	client := p.issue(t, "client", "gm1.example")
	address := fmt.Sprintf("tls://localhost:%d", r.port)
	without := sendingTo(t, func(c *Config) { c.Files.CA = p.ca }, address)
	without.Put(numbered(1))
	running(t, without)
	with := sendingTo(t, func(c *Config) { c.Files = Files{CA: p.ca, Certificate: client + ".crt", Key: client + ".key"} }, address)
	with.Put(numbered(2))
	running(t, with)
	eventually(t, 20*time.Second, "the line arrives with a certificate", func() bool { return r.has()["2"] == 1 })
	eventually(t, 20*time.Second, "without one there is trouble", func() bool { return without.Status()[0].Trouble != "" })
	if r.has()["1"] != 0 {
		t.Error("a line arrived without a certificate")
	}
}

// A server that is killed and comes back gets every line.
func TestARestartOfRsyslogLosesNothing(t *testing.T) {
	for scheme, input := range map[string]string{"tcp": overTCP, "udp": overUDP} {
		t.Run(scheme, func(t *testing.T) {
			r := startRsyslog(t, input)
			s := sendingTo(t, nil, fmt.Sprintf("%s://127.0.0.1:%d", scheme, r.port))
			running(t, s)
			s.Put(numbered(0))
			eventually(t, 20*time.Second, "the first line arrives", func() bool { return r.has()["0"] == 1 })
			r.stop()
			for n := 1; n <= 50; n++ {
				s.Put(numbered(n))
				time.Sleep(10 * time.Millisecond)
			}
			eventually(t, 20*time.Second, "the trouble is told", func() bool { return s.Status()[0].Trouble != "" })
			r.start()
			eventually(t, 40*time.Second, "all lines arrive", func() bool { return len(r.has()) == 51 })
			if st := s.Status()[0]; st.Lost != 0 {
				t.Errorf("status %+v", st)
			}
		})
	}
}

// pki signs certificates into files.
type pki struct {
	folder string
	ca     string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newPKI(t *testing.T) pki {
	t.Helper()
	p := pki{folder: t.TempDir()}
	p.ca = filepath.Join(p.folder, "ca.crt")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.key = key
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test " + p.folder}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if p.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writePEM(t, p.ca, "CERTIFICATE", der)
	return p
}

// issue writes NAME.crt and NAME.key for a host, and returns their path without the
// end.
func (p pki) issue(t *testing.T, name, host string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, p.cert, &key.PublicKey, p.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.folder, name)
	writePEM(t, path+".crt", "CERTIFICATE", der)
	writePEM(t, path+".key", "PRIVATE KEY", secret)
	return path
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
