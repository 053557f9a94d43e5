package syslog

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bragi/master/udp/netns"
)

// A UDP server whose machine is away: no ARP. That is told once the kernel gives up,
// and for as long as nothing shows life, however lines come. When the machine is back,
// it gets the lines that waited.
func TestAServerOfUDPWhoseMachineIsAwayIsToldUntilItIsBack(t *testing.T) {
	if err := netns.Unavailable(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	ours, theirs := netnsOf(t, "here"), netnsOf(t, "there")
	if err := netns.Join(netns.End{In: ours, Device: "eth0", Address: "10.98.0.1/24"}, netns.End{In: theirs, Device: "eth0", Address: "10.98.0.3/24"}); err != nil {
		t.Fatal(err)
	}
	for _, quick := range []string{"net.ipv4.neigh.eth0.retrans_time_ms=100"} {
		if out, err := ours.Command("sysctl", "-w", quick).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: %s: %v", out, err)
		}
	}
	s := sendingTo(t, nil, "udp://10.98.0.2:514")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = ours.Do(func() error { s.targets[0].run(ctx); return nil })
	}()
	defer func() { stop(); <-done }()
	s.Put(numbered(1))
	eventually(t, 10*time.Second, "the trouble is told", func() bool { return strings.Contains(s.Status()[0].Trouble, "no route to host") })
	since := *s.Status()[0].TroubleSince
	lines := 1
	for watched := time.Now(); time.Since(watched) < 12*time.Second; time.Sleep(10 * time.Millisecond) {
		if time.Since(watched) > time.Duration(lines)*time.Second { // one a second, and none at the end
			if lines++; lines <= 6 {
				s.Put(numbered(lines))
			}
		}
		if st := s.Status()[0]; st.TroubleSince == nil || !st.TroubleSince.Equal(since) {
			t.Fatalf("after %v the trouble is %q", time.Since(watched), st.Trouble)
		}
	}
	var server net.PacketConn
	if err := theirs.Do(func() (err error) {
		if err = theirs.IP("addr add 10.98.0.2/24 dev eth0"); err == nil {
			server, err = net.ListenPacket("udp4", "10.98.0.2:514")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var got atomic.Int64
	go func() {
		for b := make([]byte, 4096); ; {
			if _, _, err := server.ReadFrom(b); err != nil {
				return
			}
			got.Add(1)
		}
	}()
	eventually(t, 45*time.Second, "the lines arrive and the trouble ends", func() bool { return got.Load() >= 6 && s.Status()[0].Trouble == "" })
	if st := s.Status()[0]; st.Lost != 0 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
}

func netnsOf(t *testing.T, label string) netns.Namespace {
	t.Helper()
	n, err := netns.New(label)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// The files of TLS are read again behind their names: the certificate that the server
// is shown is the new one, without a line lost. Files that cannot be used leave the
// connection as it is.
func TestCertificatesAreReadAgainBehindTheirNames(t *testing.T) {
	p := newPKI(t)
	server := p.issue(t, "server", "localhost")
	first, second := p.issue(t, "client", "first.example"), p.issue(t, "other", "second.example")
	pair, err := tls.LoadX509KeyPair(server+".crt", server+".key")
	if err != nil {
		t.Fatal(err)
	}
	shown := make(chan string, 10)
	lines := make(chan string, 100)
	pool := x509.NewCertPool()
	pool.AddCert(p.cert)
	address := served(t, func(c net.Conn) {
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
		defer c.Close()
		if secure.Handshake() != nil {
			return
		}
		shown <- secure.ConnectionState().PeerCertificates[0].Subject.CommonName
		for r := bufio.NewReader(secure); ; {
			line, err := frame(r)
			if err != nil {
				return
			}
			lines <- line
		}
	})
	s := sendingTo(t, func(c *Config) { c.Files = Files{CA: p.ca, Certificate: first + ".crt", Key: first + ".key"} },
		"tls://localhost:"+address[strings.LastIndex(address, ":")+1:])
	running(t, s)
	arrives := func(what string, c chan string, want string) {
		t.Helper()
		select {
		case got := <-c:
			if !strings.Contains(got, want) {
				t.Fatalf("%s: %s, want %s", what, got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: nothing; status %+v", what, s.Status())
		}
	}
	s.Put(numbered(1))
	arrives("the first connection", shown, "first.example")
	arrives("the first line", lines, `server="1"`)
	if fresh, err := s.Reread(); fresh || err != nil {
		t.Errorf("files that are as they were: %v, %v", fresh, err)
	}
	text, _ := os.ReadFile(second + ".crt")
	if err := os.WriteFile(first+".crt", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if fresh, err := s.Reread(); fresh || err == nil || !strings.Contains(err.Error(), "syslog.certificate") {
		t.Errorf("a certificate without its key: %v, %v", fresh, err)
	}
	s.Put(numbered(2))
	arrives("the connection stays", lines, `server="2"`)
	text, _ = os.ReadFile(second + ".key")
	if err := os.WriteFile(first+".key", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if fresh, err := s.Reread(); !fresh || err != nil {
		t.Errorf("both are new: %v, %v", fresh, err)
	}
	s.Put(numbered(3))
	arrives("a new connection", shown, "second.example")
	arrives("its first line", lines, `server="3"`)
}
