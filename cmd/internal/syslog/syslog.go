// Package syslog sends the daemon's events to syslog servers over UDP
// (RFC 5426) in the form of RFC 5424 or RFC 3164.
//
// It is a zap core: what is logged with the field "event" is an event, and
// that field becomes the MSGID. Lines wait in a ring while the network is not
// up and leave in order when it is; the oldest are dropped, and counted in a
// line of their own.
package syslog

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"bragi/cmd/internal/status"
)

// facilityLocal7 is what network equipment uses by default (RFC 5424, table 1).
const facilityLocal7 = 23

// ringLines is how many lines wait for the network at the most.
const ringLines = 512

// Format is the form of a line.
type Format string

// The two forms.
const (
	RFC5424 Format = "rfc5424"
	RFC3164 Format = "rfc3164"
)

// Line is an event ready to be written.
type Line struct {
	At       time.Time
	Severity int // RFC 5424, table 2: 0 emergency .. 7 debug
	MsgID    string
	Text     string
}

// Append writes the line in the given form.
func (l Line) Append(b []byte, form Format, host, app string, pid int) []byte {
	pri := facilityLocal7*8 + l.Severity
	if form == RFC3164 {
		return fmt.Appendf(b, "<%d>%s %s %s[%d]: %s", pri, l.At.Format(time.Stamp), host, app, pid, l.Text)
	}
	return fmt.Appendf(b, "<%d>1 %s %s %s %d %s - %s", pri, l.At.UTC().Format("2006-01-02T15:04:05.000000Z"), host, app, pid, l.MsgID, l.Text)
}

// Sender owns the ring and the sockets.
type Sender struct {
	host string

	mu      sync.Mutex
	form    Format
	targets []netip.AddrPort
	ring    []Line
	dropped int
	wake    chan struct{}
}

// ParseTarget reads "udp://ADDRESS[:PORT]"; the port is 514 by default.
func ParseTarget(s string) (netip.AddrPort, error) {
	rest, found := strings.CutPrefix(s, "udp://")
	if !found {
		return netip.AddrPort{}, fmt.Errorf("syslog: target %q is not of the form udp://ADDRESS:PORT (fix: write udp://10.1.1.1:514)", s)
	}
	if addr, err := netip.ParseAddr(rest); err == nil {
		return netip.AddrPortFrom(addr, 514), nil
	}
	ap, err := netip.ParseAddrPort(rest)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("syslog: target %q has no numeric address and port (fix: write udp://10.1.1.1:514)", s)
	}
	return ap, nil
}

// NewSender returns a sender to all targets; Run does the work.
func NewSender(form Format, targets []netip.AddrPort) *Sender {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "-"
	}
	return &Sender{form: form, host: host, targets: targets, wake: make(chan struct{}, 1)}
}

// Retarget sends what comes from now on elsewhere, or in another form. What waits
// goes there too.
func (s *Sender) Retarget(form Format, targets []netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.form, s.targets = form, targets
	if len(targets) == 0 {
		s.ring, s.dropped = s.ring[:0], 0
	}
}

// Put queues an event. It never blocks. Without a target there is nothing to wait for.
func (s *Sender) Put(r status.Record) {
	l := Line{At: r.At, Severity: int(r.Severity), MsgID: r.Name, Text: r.Line()}
	s.mu.Lock()
	if len(s.targets) == 0 {
		s.mu.Unlock()
		return
	}
	if len(s.ring) == ringLines {
		s.ring = append(s.ring[:0], s.ring[1:]...)
		s.dropped++
	}
	s.ring = append(s.ring, l)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends, then makes one last attempt.
func (s *Sender) Run(ctx context.Context) {
	const shortest, longest = time.Second, 30 * time.Second
	pause := shortest
	for {
		if s.flush() {
			pause = shortest
			select {
			case <-ctx.Done():
				s.flush()
				return
			case <-s.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			s.flush()
			return
		case <-time.After(pause):
			pause = min(2*pause, longest)
		}
	}
}

// flush sends what waits; false when the network refused.
func (s *Sender) flush() bool {
	for {
		s.mu.Lock()
		if len(s.ring) == 0 {
			s.mu.Unlock()
			return true
		}
		line, dropped := s.ring[0], s.dropped
		s.mu.Unlock()
		if dropped > 0 {
			lost := Line{At: line.At, Severity: 4, MsgID: "SYSLOG_DROPPED",
				Text: strconv.Itoa(dropped) + " older lines were dropped while the network was away"}
			if !s.send(lost) {
				return false
			}
		}
		if !s.send(line) {
			return false
		}
		s.mu.Lock()
		s.dropped -= dropped
		if len(s.ring) > 0 && s.ring[0] == line {
			s.ring = s.ring[1:]
		}
		s.mu.Unlock()
	}
}

// send writes one line to every target; false when not one took it.
func (s *Sender) send(l Line) bool {
	s.mu.Lock()
	form, targets := s.form, s.targets
	s.mu.Unlock()
	packet := l.Append(nil, form, s.host, "bragid", os.Getpid())
	sent := false
	for _, target := range targets {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(target))
		if err != nil {
			continue
		}
		if _, err := conn.Write(packet); err == nil {
			sent = true
		}
		conn.Close()
	}
	return sent
}
