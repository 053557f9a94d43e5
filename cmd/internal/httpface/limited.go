package httpface

import (
	"net"
	"net/netip"
	"sync"
)

// Connections at the same time.
const (
	connectionsMost  = 64
	connectionsOfOne = 8 // one address
)

// limited is a listener that closes at once what is too much.
type limited struct {
	net.Listener
	mu  sync.Mutex
	all int
	of  map[netip.Addr]int
}

func newLimited(l net.Listener) *limited {
	return &limited{Listener: l, of: map[netip.Addr]int{}}
}

// Accept waits for a connection that is not too much.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := address(conn)
		if !l.enter(from) {
			conn.Close()
			continue
		}
		return &counted{Conn: conn, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
	}
}

func (l *limited) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == connectionsMost || l.of[from] == connectionsOfOne {
		return false
	}
	l.all++
	l.of[from]++
	return true
}

func (l *limited) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[from]--; l.of[from] == 0 {
		delete(l.of, from)
	}
}

// address is where a connection comes from. An IPv6 network is one: a host has as
// many addresses of it as it likes.
func address(conn net.Conn) netip.Addr {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	from := a.AddrPort().Addr().Unmap().WithZone("")
	if from.Is6() {
		if prefix, err := from.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return from
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
