package master

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"bragi/gnss/timescale"
)

// A Saved in a file is written often, so its form is plain: big-endian numbers,
// one client after the other, some 200 bytes each. One list of the fields serves
// writing and reading.

// The least that a client and an account take.
const (
	clientLen  = 4 + 8 + 2 + 4 + 4*8 + 2*8 + 2 + 4 + 8 + 4 + 2
	accountLen = 4 + 3*8
)

// AppendBinary implements encoding.BinaryAppender; the error is always nil.
func (s *Saved) AppendBinary(b []byte) ([]byte, error) {
	c := coder{b: b}
	clients, accounts := c.head(s)
	for i := range clients {
		c.client(&s.Clients[i])
	}
	for i := range accounts {
		c.account(&s.Credits[i])
	}
	return c.b, nil
}

var errSaved = errors.New("master: the grants cannot be read")

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Saved) UnmarshalBinary(b []byte) error {
	c := coder{b: b, reading: true}
	*s = Saved{}
	clients, accounts := c.head(s)
	if c.short || uint64(clients)*clientLen+uint64(accounts)*accountLen > uint64(len(c.b)) {
		return errSaved
	}
	s.Clients, s.Credits = make([]savedClient, clients), make([]account, accounts)
	for i := range s.Clients {
		c.client(&s.Clients[i])
	}
	for i := range s.Credits {
		c.account(&s.Credits[i])
	}
	if c.short || len(c.b) != 0 {
		return errSaved
	}
	return nil
}

// coder appends values to b, or takes them from its head. It reads zeros once b
// is too short.
type coder struct {
	b       []byte
	reading bool
	short   bool
}

func (c *coder) head(s *Saved) (clients, accounts uint32) {
	clients, accounts = uint32(len(s.Clients)), uint32(len(s.Credits))
	c.mono(&s.At)
	c.bytes(s.Identity[:])
	c.u8(&s.Domain)
	c.u16(&s.StrangerSeq)
	c.u32(&clients)
	c.u32(&accounts)
	return clients, accounts
}

func (c *coder) client(s *savedClient) {
	c.address(&s.key.Address)
	c.bytes(s.key.Port.Clock[:])
	c.u16(&s.key.Port.Port)
	c.address(&s.asked)
	c.mono(&s.first)
	c.mono(&s.last)
	c.mono(&s.lastReq)
	c.i64(&s.reqInterval)
	c.u64(&s.signaling)
	c.u64(&s.delayReqs)
	c.u16(&s.signalSeq)
	c.u8(&s.dscp)
	c.u8(&s.minor)
	c.u8((*uint8)(&s.asks))
	c.mono(&s.round.began)
	c.u32(&s.round.seconds)
	c.u8((*uint8)(&s.round.kind))
	c.bit(&s.proven)
	live := uint8(0)
	for f := range s.grants {
		if s.grants[f].live {
			live |= 1 << f
		}
	}
	c.u8(&live)
	for f := range s.grants {
		if live&(1<<f) != 0 {
			s.grants[f].live = true
			c.grant(&s.grants[f], &s.phases[f])
		}
	}
}

func (c *coder) grant(g *grant, phase *uint16) {
	c.i8(&g.log)
	c.u16(&g.seq)
	c.u16(phase)
	c.u32(&g.seconds)
	c.mono(&g.expires)
	c.mono(&g.since)
	c.mono(&g.sentAt)
	c.u64(&g.sent)
	c.u64(&g.renewed)
}

func (c *coder) account(a *account) {
	c.address(&a.address)
	c.u64(&a.sent)
	c.u64(&a.received)
	c.mono(&a.last)
}

// take is the next n bytes.
func (c *coder) take(n int) []byte {
	if n > len(c.b) {
		c.short, c.b = true, nil
		return make([]byte, n)
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *coder) bytes(v []byte) {
	if c.reading {
		copy(v, c.take(len(v)))
	} else {
		c.b = append(c.b, v...)
	}
}

func (c *coder) u8(v *uint8) {
	if c.reading {
		*v = c.take(1)[0]
	} else {
		c.b = append(c.b, *v)
	}
}

func (c *coder) bit(v *bool) {
	u := uint8(0)
	if *v {
		u = 1
	}
	c.u8(&u)
	*v = u != 0
}

func (c *coder) u16(v *uint16) {
	if c.reading {
		*v = binary.BigEndian.Uint16(c.take(2))
	} else {
		c.b = binary.BigEndian.AppendUint16(c.b, *v)
	}
}

func (c *coder) u32(v *uint32) {
	if c.reading {
		*v = binary.BigEndian.Uint32(c.take(4))
	} else {
		c.b = binary.BigEndian.AppendUint32(c.b, *v)
	}
}

func (c *coder) u64(v *uint64) {
	if c.reading {
		*v = binary.BigEndian.Uint64(c.take(8))
	} else {
		c.b = binary.BigEndian.AppendUint64(c.b, *v)
	}
}

func (c *coder) i8(v *int8) {
	u := uint8(*v)
	c.u8(&u)
	*v = int8(u)
}

func (c *coder) i64(v *int64) {
	u := uint64(*v)
	c.u64(&u)
	*v = int64(u)
}

func (c *coder) mono(t *timescale.Mono) {
	ns := t.Ns()
	c.i64(&ns)
	*t = timescale.MonoFromNs(ns)
}

// address is four bytes; that of none is 0.0.0.0, which nobody has.
func (c *coder) address(a *netip.Addr) {
	var four [4]byte
	if a.Is4() {
		four = a.As4()
	}
	c.bytes(four[:])
	if c.reading {
		*a = netip.Addr{}
		if four != ([4]byte{}) {
			*a = netip.AddrFrom4(four)
		}
	}
}
