package syslog

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// served is a TCP server of loopback that does with each connection what it is told.
func served(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	l, err := small.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return "tcp://" + l.Addr().String()
}

// frame reads a line by its count of bytes.
func frame(r *bufio.Reader) (string, error) {
	count, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if err != nil || n <= 0 || n > limitStream {
		return "", fmt.Errorf("%q is no count of bytes", count)
	}
	line := make([]byte, n)
	_, err = io.ReadFull(r, line)
	return string(line), err
}

// Servers that are dead, that accept and never read, that reset each connection and
// that read slowly hold nobody up: not the one who tells, and not a good server.
// What they do not get is counted, by target.
func TestABadServerHoldsNobodyUp(t *testing.T) {
	var good atomic.Int64
	goodServer := served(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			line, err := frame(r)
			if err != nil {
				return
			}
			if strings.Contains(line, " SECOND_OPINION ") {
				good.Add(1)
			}
		}
	})
	ended := make(chan struct{})
	defer close(ended)
	deaf := served(t, func(c net.Conn) { <-ended; c.Close() })
	resets := served(t, func(c net.Conn) {
		c.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a reset
		time.Sleep(10 * time.Millisecond)
		c.Close()
	})
	slow := served(t, func(c net.Conn) {
		for b := make([]byte, 1); ; time.Sleep(100 * time.Millisecond) {
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	})
	dead := fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t))
	deadUDP := fmt.Sprintf("udp://127.0.0.1:%d", freePort(t))
	names(t, func(string) string { return "" })
	s := sendingTo(t, nil, goodServer, deaf, resets, slow, dead, deadUDP, "tls://"+strings.TrimPrefix(deaf, "tcp://"), "udp://loghost.example", "tcp://loghost.example")
	running(t, s)
	long := strings.Repeat("x", 6000)
	const lines = 4000
	for n := range lines {
		r := numbered(n)
		r.Fields = append(r.Fields, status.Field{Name: "long", Value: long})
		began := time.Now()
		s.Put(r)
		if took := time.Since(began); took > 2*time.Second { // a machine with load may pause
			t.Fatalf("line %d took %v", n, took)
		}
		if n%500 == 499 { // so that the good one keeps up
			eventually(t, 30*time.Second, "the good server has them", func() bool { return good.Load() == int64(n+1) })
		}
	}
	for i, st := range s.Status() {
		switch {
		case i == 0 && (st.Sent+uint64(st.Unconfirmed) != lines || st.Lost != 0 || st.Trouble != ""):
			t.Errorf("the good server: %+v", st)
		case i > 0 && (st.Lost == 0 || st.Waiting == 0 || st.Waiting > ringLines):
			t.Errorf("%s: %+v", st.Target, st)
		}
	}
	eventually(t, 30*time.Second, "a server that reads nothing is told as a trouble", func() bool { return strings.Contains(s.Status()[1].Trouble, "read nothing") })
	lost, _ := Troubles(s.Status())
	eventually(t, 2*readWithin, "the good server's lines are confirmed", func() bool { return s.Status()[0].Sent == lines })
	for _, target := range []string{deaf, dead, deadUDP, "loghost.example"} {
		if text := strings.Join(lost, "; "); !strings.Contains(text, target) {
			t.Errorf("the alarm says nothing of %s: %s", target, text)
		}
	}
}

// A server that is back is told how many lines it did not get, before those that
// waited for it.
func TestAServerIsToldWhatItLost(t *testing.T) {
	port := freePort(t)
	s := sendingTo(t, nil, fmt.Sprintf("tcp://127.0.0.1:%d", port))
	for n := range ringLines + 7 {
		s.Put(numbered(n))
	}
	running(t, s)
	eventually(t, 10*time.Second, "it is away", func() bool { return s.Status()[0].Trouble != "" })
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for n := range ringLines + 1 {
		line, err := frame(r)
		if err != nil {
			t.Fatal(n, err)
		}
		want := fmt.Sprintf(`server="%d"`, n-1+7)
		if n == 0 {
			want = `lines="7"] %BRAGI-4-SYSLOG_LOST: lines before this one are lost: 7`
		}
		if !strings.Contains(line, want) {
			t.Fatalf("line %d is %s", n, line)
		}
	}
	eventually(t, 10*time.Second, "all is told", func() bool { st := s.Status()[0]; return st.LostUntold == 0 && st.Lost == 7 && st.Trouble == "" })
}

// Lines that were written to a connection which breaks before they arrived are sent
// again.
func TestABrokenConnectionLosesNothing(t *testing.T) {
	got := make(chan string, 100_000)
	var n atomic.Int64
	server := served(t, func(c net.Conn) {
		if n.Add(1) == 1 { // it reads a little, lets much come, and breaks
			io.CopyN(io.Discard, c, 1000) //nolint:errcheck // it breaks anyway
			time.Sleep(500 * time.Millisecond)
			c.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a reset
			c.Close()
			return
		}
		for r := bufio.NewReader(c); ; {
			line, err := frame(r)
			if err != nil {
				return
			}
			got <- line
		}
	})
	s := sendingTo(t, nil, server)
	running(t, s)
	const lines = 900
	for i := range lines {
		r := numbered(i)
		r.Fields = append(r.Fields, status.Field{Name: "long", Value: strings.Repeat("x", 2000)})
		s.Put(r)
	}
	first := -1
	for want := 0; want < lines; {
		select {
		case line := <-got:
			_, rest, _ := strings.Cut(line, `server="`)
			text, _, _ := strings.Cut(rest, `"`)
			i, err := strconv.Atoi(text)
			if first < 0 { // what the first connection's TCP had is gone with its server
				first, want = i, i
			}
			if err != nil || i != want {
				t.Fatalf("got %.120s, want number %d", line, want)
			}
			want++
		case <-time.After(20 * time.Second):
			t.Fatalf("number %d does not come; status %+v", want, s.Status())
		}
	}
	if first > lines/2 {
		t.Errorf("the first %d lines did not come again", first)
	}
}

// Lines that a server's machine took and that its program never read are not counted as
// sent: not where it resets the connection, and not where its buffers fill. They are
// unconfirmed first, then they wait, and a server that reads gets each of them.
func TestWhatWasNeverReadIsNotCountedAsSent(t *testing.T) {
	for name, refuse := range map[string]func(c net.Conn){
		"it resets": func(c net.Conn) {
			time.Sleep(2 * time.Second)
			c.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a reset
			c.Close()
		},
		"it closes without reading": func(c net.Conn) {
			time.Sleep(2 * time.Second)
			c.Close()
		},
		"its buffers are full": func(c net.Conn) {
			time.Sleep(writePatience + 4*time.Second)
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused atomic.Int64
			got := make(chan string, 1000)
			server := served(t, func(c net.Conn) {
				if refused.Add(1) == 1 {
					refuse(c)
					return
				}
				for r := bufio.NewReader(c); ; {
					line, err := frame(r)
					if err != nil {
						return
					}
					got <- line
				}
			})
			s := sendingTo(t, nil, server)
			running(t, s)
			lines, long := 5, ""
			if name == "its buffers are full" {
				lines, long = 900, strings.Repeat("x", 6000)
			}
			for i := range lines {
				r := numbered(i)
				r.Fields = append(r.Fields, status.Field{Name: "long", Value: long})
				s.Put(r)
			}
			eventually(t, 10*time.Second, "lines are unconfirmed", func() bool { return s.Status()[0].Unconfirmed > 0 })
			eventually(t, 30*time.Second, "it is told as a trouble", func() bool { return s.Status()[0].Trouble != "" })
			if st := s.Status()[0]; st.Sent != 0 || st.Lost != 0 {
				t.Errorf("after a connection on which nothing was read: %+v", st)
			}
			for i := range lines {
				select {
				case line := <-got:
					if !strings.Contains(line, fmt.Sprintf(`server="%d"`, i)) {
						t.Fatalf("line %d is %.100s", i, line)
					}
				case <-time.After(20 * time.Second):
					t.Fatalf("line %d does not come: %+v", i, s.Status())
				}
			}
			eventually(t, 2*readWithin, "all are confirmed", func() bool {
				st := s.Status()[0]
				return st.Sent == uint64(lines) && st.Unconfirmed == 0 && st.Lost == 0
			})
		})
	}
}

// What is less severe than syslog.severity does not leave, and without a target
// nothing waits.
func TestOnlyWhatIsSevereEnoughLeaves(t *testing.T) {
	s := sendingTo(t, func(c *Config) { c.Severity = status.Warning }, "udp://127.0.0.1:514")
	for severity := status.Alert; severity <= status.Info; severity++ {
		s.Put(status.Record{Words: status.Words{Name: "X", Severity: severity}})
	}
	if st := s.Status(); st[0].Waiting != 4 {
		t.Errorf("%d lines wait", st[0].Waiting)
	}
	none := sendingTo(t, nil)
	none.Put(numbered(1))
	if st := none.Status(); st == nil || len(st) != 0 {
		t.Errorf("without a target: %+v", st)
	}
}

// A change of the configuration keeps the lines of the targets that stay.
func TestAReloadKeepsWhatWaits(t *testing.T) {
	s := sendingTo(t, nil, "tcp://127.0.0.1:1", "tls://127.0.0.1:1", "udp://127.0.0.1:1")
	s.Put(numbered(1))
	next := sendingTo(t, func(c *Config) { c.Files.CA = "/other" }, "tls://127.0.0.1:1", "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:2")
	s.Reconfigure(next.cfg)
	got := s.Status()
	if len(got) != 3 || got[0].Waiting != 1 || got[1].Waiting != 1 || got[2].Waiting != 0 {
		t.Errorf("%+v", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	eventually(t, 10*time.Second, "they are tried", func() bool { return s.Status()[1].Trouble != "" })
	s.Reconfigure(sendingTo(t, nil).cfg)
	s.Reconfigure(sendingTo(t, nil, "tcp://127.0.0.1:3").cfg)
	eventually(t, 10*time.Second, "a new one is tried", func() bool { return s.Status()[0].Trouble != "" })
	stop()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

// The end waits for nobody who does not take lines: clients wait for the next process.
func TestTheEndIsQuick(t *testing.T) {
	ended := make(chan struct{})
	defer close(ended)
	deaf := served(t, func(c net.Conn) { <-ended; c.Close() })
	names(t, func(string) string { time.Sleep(time.Second); return "" })
	s := sendingTo(t, nil, deaf, fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t)), "tls://"+strings.TrimPrefix(deaf, "tcp://"), "udp://loghost.example")
	stop := running(t, s)
	for n := range 2000 {
		r := numbered(n)
		r.Fields = append(r.Fields, status.Field{Name: "long", Value: strings.Repeat("x", 6000)})
		s.Put(r)
	}
	ending := make(chan struct{})
	go func() { stop(); close(ending) }()
	select {
	case <-ending:
	case <-time.After(dialPatience / 2): // no patience of a connection is waited for
		t.Fatal("the end takes long")
	}
}

// names lets a name server of loopback answer for the test: with an address, or, for
// "", that there is no such name.
func names(t *testing.T, address func(name string) string) {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for b := make([]byte, 512); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := answerTo(b[:n], address); answer != nil {
				c.WriteTo(answer, from) //nolint:errcheck // it is asked again
			}
		}
	}()
	before := resolver
	resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", c.LocalAddr().String())
	}}
	t.Cleanup(func() { resolver = before; c.Close() })
}

// answerTo answers a question for an address of IPv4 (RFC 1035, 4.1).
func answerTo(question []byte, address func(string) string) []byte {
	if len(question) < 17 {
		return nil
	}
	var labels []string
	at := 12
	for at < len(question) && question[at] != 0 {
		n := int(question[at])
		if at+1+n > len(question) {
			return nil
		}
		labels = append(labels, string(question[at+1:at+1+n]))
		at += 1 + n
	}
	if at+5 > len(question) {
		return nil
	}
	kind, end := question[at+2], at+5
	ip := net.ParseIP(address(strings.Join(labels, "."))).To4()
	answer := append([]byte{question[0], question[1], 0x84, 0x00, 0, 1, 0, 0, 0, 0, 0, 0}, question[12:end]...)
	switch {
	case ip == nil:
		answer[3] = 3 // no such name
	case kind == 1:
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		answer = append(answer, ip...)
	}
	return answer
}

// A server's name is resolved again when it fails: it may have moved.
func TestANameIsResolvedAgainWhenItFails(t *testing.T) {
	got := make(chan string, 10)
	server := served(t, func(c net.Conn) {
		if line, err := frame(bufio.NewReader(c)); err == nil {
			got <- line
		}
	})
	_, port, _ := strings.Cut(strings.TrimPrefix(server, "tcp://"), ":")
	var moved atomic.Bool
	names(t, func(string) string {
		if moved.Load() {
			return "127.0.0.1"
		}
		return "127.0.0.77"
	})
	s := sendingTo(t, nil, "tcp://loghost.example:"+port)
	s.Put(numbered(1))
	running(t, s)
	eventually(t, 10*time.Second, "the old address refuses", func() bool { return strings.Contains(s.Status()[0].Trouble, "refused") })
	moved.Store(true)
	select {
	case line := <-got:
		if !strings.Contains(line, `server="1"`) {
			t.Errorf("got %s", line)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("the new address gets nothing: %+v", s.Status())
	}
}

// The count of lines that a server was sent never falls: not while it reads nothing,
// when its connections break, or over a reload that keeps it. When it reads again, the
// count has each line once.
func TestTheCountOfSentLinesNeverFalls(t *testing.T) {
	var reads atomic.Bool
	target := served(t, func(c net.Conn) {
		if !reads.Load() {
			time.Sleep(300 * time.Millisecond)
			c.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a reset
			c.Close()
			return
		}
		io.Copy(io.Discard, c) //nolint:errcheck
	})
	secure := fmt.Sprintf("tls://127.0.0.1:%d", freePort(t))
	s := sendingTo(t, nil, target, fmt.Sprintf("udp://127.0.0.1:%d", freePort(t)), secure)
	s.targets[2].sent.Store(5)
	running(t, s)
	highest := map[string]uint64{}
	look := func() (first uint64) {
		list := s.Status()
		for _, st := range list {
			if st.Sent < highest[st.Target] {
				t.Fatalf("%s: %d lines, then %d", st.Target, highest[st.Target], st.Sent)
			}
			highest[st.Target] = st.Sent
		}
		return list[0].Sent
	}
	long := strings.Repeat("x", 3000)
	lines := uint64(0)
	for began := time.Now(); time.Since(began) < 4*time.Second; time.Sleep(time.Millisecond) {
		r := numbered(int(lines))
		r.Fields = append(r.Fields, status.Field{Name: "long", Value: long})
		s.Put(r)
		look()
		if lines++; lines%500 == 0 {
			c := s.cfg
			c.Files.CA = fmt.Sprintf("/nowhere/%d", lines)
			s.Reconfigure(c)
			look()
		}
	}
	if highest[secure] != 5 {
		t.Errorf("%d lines to %s", highest[secure], secure)
	}
	reads.Store(true)
	eventually(t, time.Minute, "all lines have arrived or are lost", func() bool { return look()+s.Status()[0].Lost >= lines })
	if st := s.Status()[0]; st.Sent+st.Lost != lines || st.Waiting != 0 {
		t.Errorf("%d lines: %+v", lines, st)
	}
}

// A server that accepts and reads nothing, or that resets each connection, is in trouble
// without an end, however few lines there are. All lines are counted, and what is lost is
// told of each.
func TestAServerThatOnlyAcceptsIsInTrouble(t *testing.T) {
	ended := make(chan struct{})
	defer close(ended)
	deaf := served(t, func(c net.Conn) { <-ended; c.Close() })
	resets := served(t, func(c net.Conn) {
		c.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a reset
		time.Sleep(50 * time.Millisecond)
		c.Close()
	})
	s := sendingTo(t, nil, deaf, resets)
	running(t, s)
	long := strings.Repeat("x", 300)
	for n := range 300 { // they fit into the buffers of this machine
		r := numbered(n)
		r.Fields = append(r.Fields, status.Field{Name: "long", Value: long})
		s.Put(r)
		time.Sleep(time.Millisecond)
	}
	troubled := func() bool {
		list := s.Status()
		return strings.Contains(list[0].Trouble, "read nothing") && list[1].Trouble != ""
	}
	eventually(t, 2*writePatience, "both are in trouble", troubled)
	for end := time.Now().Add(provenAfter); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		list := s.Status()
		if !troubled() {
			t.Fatalf("a trouble has ended: %+v", list)
		}
		if st := list[0]; int(st.Sent)+int(st.Lost)+st.Waiting+st.Unconfirmed < 299 { // one may be between both
			t.Fatalf("of 300 lines: %+v", st)
		}
	}
	if _, away := Troubles(s.Status()); len(away) != 2 {
		t.Errorf("away: %v", away)
	}
	for n := range 3000 {
		s.Put(numbered(n))
	}
	eventually(t, 20*time.Second, "both have lost lines, and both are told", func() bool {
		lost, _ := Troubles(s.Status())
		text := strings.Join(lost, " ")
		return strings.Contains(text, deaf) && strings.Contains(text, resets)
	})
}
