package syslog

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Target is a syslog server.
type Target struct {
	Scheme string // udp, tcp, tls
	Host   string // a name or an address
	Port   uint16
}

// Encrypted tells whether records go there by TLS.
func (t Target) Encrypted() bool { return t.Scheme == "tls" }

// ports are the usual ones, by scheme.
var ports = map[string]uint16{"udp": 514, "tcp": 601, "tls": 6514}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?\.?$`)

// ParseTarget reads "udp://HOST[:PORT]", "tcp://..." or "tls://...". Without a port
// it is the usual one: 514, 601, 6514.
func ParseTarget(s string) (t Target, err error) {
	const fix = "(fix: write udp://10.1.1.1:514, tcp://loghost:601 or tls://loghost.example.net:6514)"
	u, err := url.Parse(s)
	if err != nil {
		return t, fmt.Errorf("syslog: target %q is not understood %s", s, fix)
	}
	port, known := ports[u.Scheme]
	switch {
	case !known:
		return t, fmt.Errorf("syslog: target %q begins with none of udp://, tcp:// and tls:// %s", s, fix)
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return t, fmt.Errorf("syslog: target %q has more than a host and a port %s", s, fix)
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err != nil && (!namePattern.MatchString(host) || digits(host)) {
		return t, fmt.Errorf("syslog: target %q has no host %s", s, fix)
	}
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return t, fmt.Errorf("syslog: target %q has no port from 1 to 65535 %s", s, fix)
		}
		port = uint16(n)
	}
	return Target{u.Scheme, host, port}, nil
}

// digits tells that a text can only be an address, and a wrong one: 10.1.1.
func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
}

// address is the target's for a dialer.
func (t Target) address() string { return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port))) }

// String is the target as it is written, with its port.
func (t Target) String() string { return t.Scheme + "://" + t.address() }

// named tells whether the target has a name that may come to mean another address.
func (t Target) named() bool {
	_, err := netip.ParseAddr(t.Host)
	return err != nil
}
