package syslog

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/file"
	"bragi/cmd/internal/status"
)

const (
	// dialPatience is how long a server's name, connection and handshake may take.
	dialPatience = 10 * time.Second
	// writePatience is how long a server that reads nothing is waited for.
	writePatience = 10 * time.Second
	// provenAfter is how long a new connection must take lines before its server is believed
	// to take them again, if the one before it broke: a server that reads nothing takes what
	// its buffers hold, and one that resets each connection takes some lines of each.
	provenAfter = writePatience + 5*time.Second
	// silencePatience is how long what was sent may stay without TCP's acknowledgement.
	silencePatience = 30 * time.Second
)

// connection is a way to a server.
type connection struct {
	net.Conn
	stream  *counted // the bytes of TCP below; nil for UDP
	gone    chan error
	refresh <-chan time.Time // when a name of UDP is resolved again

	mu     sync.Mutex
	moved  time.Time      // when the server's TCP took a line last, or one began to wait
	flight []sent         // lines that may not have arrived, oldest first
	taken  int            // of a stream: so many of them, the oldest, the server's TCP has
	landed *atomic.Uint64 // counts those that have left it because they arrived
}

// sent is a line on its way.
type sent struct {
	record status.Record
	end    int64     // of a stream: behind so many bytes
	at     time.Time // when a datagram left, or when the server's TCP took the line of a stream
}

// What TCP acknowledges lies in a buffer of the server's machine: whether the program reads
// it, nothing tells. So a line is unconfirmed until its connection has stood for this long
// after that: a server that breaks it off with a reset, or whose buffers stay full, has
// most likely not read the last ones, and they are sent again. A server that closes its
// connection in order has read all.
const readWithin = provenAfter

// What the network says of a datagram comes later, if at all.
const (
	// refusedWithin is how long a machine without a server may take to refuse one.
	refusedWithin = time.Second
	// lostWithin is how long this machine, or a router, asks for the address of a
	// machine that is away, before it says that it is: ARP asks for 3 s.
	lostWithin = 5 * time.Second
)

// counted counts the bytes that are written.
type counted struct {
	*net.TCPConn
	n atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// resolveEvery is how often the name of a server that never answers is resolved.
const resolveEvery = 5 * time.Minute

// resolver resolves names: that of the system, but in tests.
var resolver *net.Resolver

// dial opens a connection. Names are resolved, and the files of TLS read, each time.
func dial(ctx context.Context, t Target, files Files) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	if t.Scheme == "udp" {
		conn, err := (&net.Dialer{Resolver: resolver, Control: hearAll}).DialContext(ctx, "udp", t.address())
		if err != nil {
			return nil, err
		}
		c := &connection{Conn: conn, gone: make(chan error, 1)}
		if t.named() {
			c.refresh = time.After(resolveEvery)
		}
		go c.listen()
		return c, nil
	}
	var config *tls.Config
	if t.Encrypted() {
		var err error
		if config, err = files.config(t.Host); err != nil {
			return nil, err
		}
	}
	dialer := net.Dialer{Resolver: resolver, Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silencePatience.Milliseconds()))
		}); e != nil {
			return e
		}
		return os.NewSyscallError("setsockopt", err)
	}}
	conn, err := dialer.DialContext(ctx, "tcp", t.address())
	if err != nil {
		return nil, err
	}
	c := &connection{stream: &counted{TCPConn: conn.(*net.TCPConn)}, gone: make(chan error, 1)}
	c.Conn = c.stream
	if config != nil {
		secure := tls.Client(c.stream, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		c.Conn = secure
	}
	go c.listen()
	return c, nil
}

// hearAll lets a socket of UDP tell all that the network says of its datagrams: without
// it, only that a port is closed.
func hearAll(network, _ string, raw syscall.RawConn) error {
	level, option := unix.IPPROTO_IP, unix.IP_RECVERR
	if network == "udp6" {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	var err error
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, 1) }); e != nil {
		return e
	}
	return os.NewSyscallError("setsockopt", err)
}

// errClosed is the end of a connection that the server closed in order.
var errClosed = errors.New("the server closed the connection")

// listen waits for the end: servers say nothing, and what can be read is an error,
// the connection's end, or that a datagram was refused.
func (c *connection) listen() {
	_, err := io.Copy(io.Discard, c.Conn)
	if err == nil {
		err = errClosed
	}
	c.gone <- err
}

// send writes a line.
func (c *connection) send(r status.Record, line []byte) error {
	c.arrived()
	if c.stream == nil {
		c.fly(sent{record: r, at: time.Now()})
		_, err := c.Write(line)
		return err
	}
	if err := c.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return err
	}
	frame := append(append(strconv.AppendInt(nil, int64(len(line)), 10), ' '), line...) // octet counting, RFC 6587, 3.4.1
	c.fly(sent{record: r, end: math.MaxInt64})                                          // a part of the line is none
	if _, err := c.Write(frame); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errDeaf
		}
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.flight); n > 0 { // else the connection has ended
		c.flight[n-1].end = c.stream.n.Load()
	}
	return nil
}

// errDeaf is the failure of a server that reads nothing.
var errDeaf = fmt.Errorf("the server has read nothing for %v", writePatience)

// deaf tells that lines wait in the buffers of the connection, and none has landed for
// writePatience. Few lines fill no buffer: no write of them waits.
func (c *connection) deaf() bool {
	if c.stream == nil {
		return false
	}
	c.arrived()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.flight) > c.taken && time.Since(c.moved) > writePatience
}

// flying is how many lines are unconfirmed, and how many lost ones those tell of that the
// server does not have.
func (c *connection) flying() (lines int, losses uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.flight {
		switch e, isLoss := s.record.Event.(status.LinesLost); {
		case !isLoss:
			lines++
		case i >= c.taken:
			losses += e.Lines
		}
	}
	return lines, losses
}

func (c *connection) fly(s sent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.flight) == c.taken {
		c.moved = time.Now()
	}
	c.flight = append(c.flight, s)
}

// arrived counts and forgets the lines that the server's TCP has had for readWithin, and
// the datagrams that nobody has refused.
func (c *connection) arrived() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.flight) == 0 {
		return
	}
	if c.stream == nil {
		c.keep(lostWithin)
		return
	}
	written := c.stream.n.Load() // first: what is written meanwhile has not arrived
	acknowledged := written - int64(c.outstanding())
	for now := time.Now(); c.taken < len(c.flight) && c.flight[c.taken].end <= acknowledged; c.taken++ {
		c.flight[c.taken].at, c.moved = now, now
	}
	c.keep(readWithin)
}

// keep lets the lines land that left, or were taken, longer ago, and those that are more
// than could wait again. The caller holds the lock.
func (c *connection) keep(age time.Duration) {
	most := len(c.flight)
	if c.stream != nil {
		most = c.taken
	}
	now, n := time.Now(), max(most-ringLines, 0)
	for n < most && now.Sub(c.flight[n].at) > age {
		n++
	}
	c.land(n)
}

// land counts the oldest n lines of the flight as arrived. What tells of lost lines is
// not counted. The caller holds the lock.
func (c *connection) land(n int) {
	for _, s := range c.flight[:n] {
		if _, isLoss := s.record.Event.(status.LinesLost); !isLoss {
			c.landed.Add(1)
		}
	}
	c.flight = slices.Delete(c.flight, 0, n)
	c.taken = max(c.taken-n, 0)
}

// ended counts what is in flight: nobody sends it again.
func (c *connection) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.land(len(c.flight))
}

// outstanding is how many bytes TCP has no acknowledgement for.
func (c *connection) outstanding() (bytes int) {
	raw, err := c.stream.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { bytes, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	if err != nil {
		return 0
	}
	return bytes
}

// undelivered takes the lines that were written and are unconfirmed, oldest first, when
// the connection ended with err.
func (c *connection) undelivered(err error) (records []status.Record) {
	c.arrived()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream == nil && errors.Is(err, syscall.ECONNREFUSED) {
		c.keep(refusedWithin)
	}
	if errors.Is(err, errClosed) {
		c.land(c.taken)
	}
	for _, s := range c.flight {
		records = append(records, s.record)
	}
	c.flight, c.taken = nil, 0
	return records
}

// Files are those of TLS, "" for none. They are read at each connection, and at Reread.
type Files struct {
	CA               string // who may have signed the server's certificate; "": those that the system trusts
	Certificate, Key string // of this client
}

// contents tell whether files have changed.
type contents [sha256.Size]byte

func (f Files) contents() (sum contents) {
	all := sha256.New()
	for _, path := range []string{f.CA, f.Certificate, f.Key} {
		if path != "" {
			text, err := file.Read(path, fileMaxBytes)
			fmt.Fprintf(all, "%d %v\n%s", len(text), err, text)
		}
	}
	all.Sum(sum[:0])
	return sum
}

const fileMaxBytes = 1 << 20

// Check tells which file cannot be used now.
func (f Files) Check() error {
	if _, err := f.config(""); err != nil {
		return fmt.Errorf("%w (fix: put a PEM file there that bragid can read; until then nothing goes to tls:// targets)", err)
	}
	return nil
}

func (f Files) config(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		text, err := file.Read(f.CA, fileMaxBytes)
		if err != nil {
			return nil, fmt.Errorf("syslog.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("syslog.ca: %s has no certificate in PEM", f.CA)
		}
	}
	if f.Certificate != "" {
		chain, err := file.Read(f.Certificate, fileMaxBytes)
		if err != nil {
			return nil, fmt.Errorf("syslog.certificate: %w", err)
		}
		key, err := file.Read(f.Key, fileMaxBytes)
		if err != nil {
			return nil, fmt.Errorf("syslog.key: %w", err)
		}
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			return nil, fmt.Errorf("syslog.certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
