package httpface

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bragi/cmd/internal/status"
)

const token = "0123456789abcdef0123456789abcdef"

// authority signs certificates for the tests.
type authority struct {
	t      *testing.T
	dir    string
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	serial int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key, a.cert = a.sign("authority", time.Now().Add(time.Hour))
	a.write("ca.pem", "CERTIFICATE", a.cert.Raw, 0o644)
	return a
}

func (a *authority) sign(name string, ends time.Time) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.serial++
	own := &x509.Certificate{SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: ends,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true, IsCA: a.cert == nil}
	by, with := a.cert, a.key
	if by == nil {
		by, with = own, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, own, by, &key.PublicKey, with)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, cert
}

// pair writes a certificate and its key, and returns their paths.
func (a *authority) pair(name string, ends time.Time) (cert, key string) {
	a.t.Helper()
	k, c := a.sign(name, ends)
	raw, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", c.Raw, 0o644), a.write(name+".key", "EC PRIVATE KEY", raw, 0o600)
}

func (a *authority) write(name, kind string, raw []byte, mode os.FileMode) string {
	a.t.Helper()
	return write(a.t, filepath.Join(a.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), mode)
}

func write(t *testing.T, path string, content []byte, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func tokenFile(t *testing.T) string {
	return write(t, filepath.Join(t.TempDir(), "token"), []byte(token+"\n"), 0o600)
}

// run serves a face on loopback, and returns where.
func run(t *testing.T, cfg Config) (*Face, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Address = listener.Addr().String()
	listener.Close()
	f := New(cfg, func() status.Status { return status.Status{Version: "v1"} })
	ctx, stop := context.WithCancel(context.Background())
	up, ended := make(chan string, 16), make(chan struct{})
	go func() { f.Run(ctx, func(wrong string) { up <- wrong }); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	if wrong := <-up; wrong != "" && !strings.Contains(wrong, "certificate end") {
		t.Fatal(wrong)
	}
	return f, cfg.Address
}

// client trusts the authority and shows a certificate, unless it is "".
func (a *authority) client(cert, key string) *http.Client {
	a.t.Helper()
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(a.cert)
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			a.t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
}

// ask returns the code and the body, or 0 where there was no answer.
func ask(t *testing.T, c *http.Client, method, url, bearer string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", bearer)
	}
	answer, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestOnlyWhoShowsTheTokenIsAnswered(t *testing.T) {
	_, at := run(t, Config{TokenFile: tokenFile(t)})
	for _, c := range []struct {
		bearer string
		code   int
	}{
		{"Bearer " + token, 200}, {"bearer " + token, 200}, {"", 401}, {"Bearer ", 401}, {"Bearer " + token[1:], 401}, {"Bearer " + token + "0", 401}, {token, 401}, {"Basic " + token, 401},
	} {
		if code, body := ask(t, http.DefaultClient, "GET", "http://"+at+"/metrics", c.bearer); code != c.code || (code == 200) != strings.Contains(body, "bragi_build_info") {
			t.Errorf("%q: %d, want %d: %s", c.bearer, code, c.code, body)
		}
	}
	if code, body := ask(t, http.DefaultClient, "GET", "http://"+at+"/v1/status", "Bearer "+token); code != 200 || !strings.Contains(body, `"version":"v1"`) {
		t.Errorf("status: %d %s", code, body)
	}
}

// Nothing can be changed over TCP, and there is nothing but what is to be told.
func TestItOnlyTells(t *testing.T) {
	_, at := run(t, Config{TokenFile: tokenFile(t)})
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"POST", "/metrics", 405}, {"POST", "/v1/status", 405}, {"PUT", "/v1/status", 405}, {"DELETE", "/v1/status", 405},
		{"POST", "/v1/drain", 404}, {"POST", "/v1/reload", 404}, {"GET", "/v1/sim", 404}, {"GET", "/debug/pprof/", 404}, {"GET", "/", 404},
	} {
		code, body := ask(t, http.DefaultClient, c.method, "http://"+at+c.path, "Bearer "+token)
		if code != c.code || !strings.HasPrefix(body, "{") || !strings.Contains(body, `"error": "`) || !strings.Contains(body, "(fix: ") {
			t.Errorf("%s %s: %d, want %d and an error in JSON: %s", c.method, c.path, code, c.code, body)
		}
		if strings.HasPrefix(c.path, "/v1/") && c.code == 404 && !strings.Contains(body, "ask the control socket") {
			t.Errorf("%s %s does not say where it is asked: %s", c.method, c.path, body)
		}
	}
}

func TestAClientCertificateIsEnough(t *testing.T) {
	a := newAuthority(t)
	cfg := Config{ClientCA: filepath.Join(a.dir, "ca.pem")}
	cfg.Certificate, cfg.Key = a.pair("server", time.Now().Add(30*24*time.Hour))
	cert, key := a.pair("prometheus", time.Now().Add(time.Hour))
	stranger, strangerKey := newAuthority(t).pair("stranger", time.Now().Add(time.Hour))
	_, at := run(t, cfg)
	if code, body := ask(t, a.client(cert, key), "GET", "https://"+at+"/metrics", ""); code != 200 {
		t.Errorf("with a certificate: %d %s", code, body)
	}
	for name, c := range map[string]*http.Client{"without a certificate": a.client("", ""), "with a stranger's": a.client(stranger, strangerKey)} {
		if code, _ := ask(t, c, "GET", "https://"+at+"/metrics", "Bearer "+token); code != 0 {
			t.Errorf("%s: %d", name, code)
		}
	}

	cfg.TokenFile = tokenFile(t)
	_, at = run(t, cfg)
	for _, c := range []struct {
		name      string
		cert, key string
		bearer    string
		code      int
	}{{"the token alone", "", "", "Bearer " + token, 200}, {"the certificate alone", cert, key, "", 200}, {"neither", "", "", "", 401}, {"a stranger's certificate beside the token", stranger, strangerKey, "Bearer " + token, 0}} {
		if code, body := ask(t, a.client(c.cert, c.key), "GET", "https://"+at+"/metrics", c.bearer); code != c.code {
			t.Errorf("%s: %d, want %d: %s", c.name, code, c.code, body)
		}
	}
	if code, _ := ask(t, http.DefaultClient, "GET", "http://"+at+"/metrics", "Bearer "+token); code == 200 {
		t.Error("answered without TLS")
	}
	old := a.client("", "")
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	if code, _ := ask(t, old, "GET", "https://"+at+"/metrics", "Bearer "+token); code != 0 {
		t.Error("TLS 1.1 is answered")
	}
}

// A certificate or a token that is replaced counts from the next look on; one that
// cannot be used does not replace what was.
func TestReplacedFilesAreUsed(t *testing.T) {
	a := newAuthority(t)
	cfg := Config{TokenFile: tokenFile(t)}
	cfg.Certificate, cfg.Key = a.pair("server", time.Now().Add(time.Hour))
	f, at := run(t, cfg)
	first, end := f.now.Load(), time.Now().Add(time.Hour).UTC().Format(time.DateOnly)
	if wrong := f.look(time.Now()); wrong != "the certificate ends on "+end {
		t.Errorf("an hour before its end: %q", wrong)
	}
	if wrong := f.look(time.Now().Add(2 * time.Hour)); wrong != "the certificate ended on "+end {
		t.Errorf("an hour behind its end: %q", wrong)
	}
	write(t, cfg.TokenFile, []byte("short\n"), 0o600)
	if wrong := f.look(time.Now()); !strings.Contains(wrong, "no token of at least 16") || !strings.Contains(wrong, "the old one") || f.now.Load() != first {
		t.Errorf("with a token that is too short: %q", wrong)
	}
	if code, _ := ask(t, a.client("", ""), "GET", "https://"+at+"/metrics", "Bearer "+token); code != 200 {
		t.Errorf("the old token: %d", code)
	}
	write(t, cfg.TokenFile, []byte("another-token-of-32-characters-00\n"), 0o600)
	a.pair("server", time.Now().Add(300*24*time.Hour))
	if wrong := f.look(time.Now()); wrong != "" {
		t.Errorf("with new files: %q", wrong)
	}
	for bearer, want := range map[string]int{token: 401, "another-token-of-32-characters-00": 200} {
		if code, body := ask(t, a.client("", ""), "GET", "https://"+at+"/metrics", "Bearer "+bearer); code != want {
			t.Errorf("%s: %d, want %d: %s", bearer, code, want, body)
		}
	}
	conn, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if left := time.Until(conn.ConnectionState().PeerCertificates[0].NotAfter); left < 100*24*time.Hour {
		t.Errorf("the certificate in use ends in %v", left)
	}
}

func TestFilesThatCannotBeUsedAreNamed(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.pair("server", time.Now().Add(time.Hour))
	_, other := a.pair("other", time.Now().Add(time.Hour))
	open := write(t, filepath.Join(a.dir, "open"), []byte(token), 0o644)
	text := write(t, filepath.Join(a.dir, "text"), []byte("text"), 0o600)
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{TokenFile: filepath.Join(a.dir, "none")}, "control.http_token_file"},
		{Config{TokenFile: a.dir}, "control.http_token_file"},
		{Config{TokenFile: open}, "everybody may read"},
		{Config{TokenFile: text}, "openssl rand -hex 32"},
		{Config{Certificate: text, Key: key}, "control.http_certificate"},
		{Config{Certificate: cert, Key: other}, "belong together"},
		{Config{Certificate: cert, Key: key, ClientCA: text}, "control.http_client_ca"},
	} {
		if err := Check(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "fix:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

// A face whose address is taken says so, and answers when it is free.
func TestAnAddressThatIsTakenIsTold(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f := New(Config{Address: taken.Addr().String(), TokenFile: tokenFile(t)}, func() status.Status { return status.Status{} })
	ctx, stop := context.WithCancel(context.Background())
	said, ended := make(chan string, 1), make(chan struct{})
	go func() { f.Run(ctx, func(wrong string) { said <- wrong }); close(ended) }()
	if wrong := <-said; !strings.Contains(wrong, "address already in use") {
		t.Errorf("said %q", wrong)
	}
	stop()
	<-ended
}

// pipes is a listener in memory, whose waits are of virtual time.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// Who sends a byte a minute, never ends a request, or never reads the answer is hung
// up on, whether TLS is on or not.
func TestASlowClientIsHungUpOn(t *testing.T) {
	file := tokenFile(t)
	request := "GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n"
	for name, send := range map[string]func(net.Conn){
		"a byte a minute": func(c net.Conn) {
			for _, b := range []byte(request) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Minute)
			}
		},
		"nothing at all":        func(net.Conn) {},
		"no end of the header":  func(c net.Conn) { io.WriteString(c, request) },
		"an answer that waits":  func(c net.Conn) { io.WriteString(c, request+"\r\n") },
		"a body without an end": func(c net.Conn) { io.WriteString(c, request+"Content-Length: 100000\r\n\r\nx") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := New(Config{}, func() status.Status { return status.Status{Version: strings.Repeat("long", 1<<20)} })
				s, err := load(Config{TokenFile: file})
				if err != nil {
					t.Fatal(err)
				}
				f.now.Store(s)
				listener := pipes{make(chan net.Conn), make(chan struct{})}
				go f.server.Serve(newLimited(listener))
				defer f.server.Close()
				ours, theirs := net.Pipe()
				listener.waiting <- theirs
				began := time.Now()
				send(ours)
				time.Sleep(2 * answerWithin)
				ours.SetReadDeadline(time.Now().Add(time.Hour))
				_, err = io.Copy(io.Discard, ours)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the connection is open after %v", time.Since(began))
				}
				ours.Close()
			})
		})
	}
}

// One address gets a few connections, and all together get a few more; who leaves
// makes room.
func TestConnectionsAreLimited(t *testing.T) {
	_, at := run(t, Config{TokenFile: tokenFile(t)})
	dial := func(from string) net.Conn {
		t.Helper()
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	answers := func(c net.Conn) bool {
		fmt.Fprintf(c, "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return false
		}
		io.Copy(io.Discard, answer.Body)
		return true
	}
	var open []net.Conn
	for i := range connectionsMost {
		c := dial(fmt.Sprintf("127.0.1.%d", 1+i/connectionsOfOne))
		if !answers(c) {
			t.Fatalf("connection %d is not answered", i)
		}
		open = append(open, c)
		if i == connectionsOfOne-1 && answers(dial("127.0.1.1")) {
			t.Error("one address has one connection too many")
		}
	}
	if answers(dial("127.0.2.1")) {
		t.Error("all have one connection too many")
	}
	open[0].Close()
	for !answers(dial("127.0.2.1")) { // the server hears of it soon
		time.Sleep(10 * time.Millisecond)
	}
}
