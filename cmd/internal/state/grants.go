package state

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/wire"
)

// GrantsKind is the file of a master's grants. It is written often, so its form
// is plain: big-endian numbers, one client after the other, some 200 bytes each.
var GrantsKind = Kind{"grants", 1}

const (
	clientLen = 4 + 8 + 2 + 4 + 4*8 + 2*8 + 2 + 4
	grantLen  = 1 + 2 + 2 + 4 + 3*8 + 2*8
	creditLen = 4 + 3*8
)

// AppendGrants adds s, of the given boot, to b.
func AppendGrants(b []byte, boot string, s *master.Saved) []byte {
	e := encoder{b}
	e.u8(uint8(len(boot)))
	e.b = append(e.b, boot[:uint8(len(boot))]...)
	e.mono(s.At)
	e.b = append(e.b, s.Identity[:]...)
	e.u8(s.Domain)
	e.u16(s.StrangerSeq)
	e.u32(uint32(len(s.Clients)))
	e.u32(uint32(len(s.Credits)))
	for i := range s.Clients {
		e.client(&s.Clients[i])
	}
	for _, c := range s.Credits {
		e.address(c.Address)
		e.u64(c.Sent)
		e.u64(c.Received)
		e.mono(c.Last)
	}
	return e.b
}

type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)            { e.b = append(e.b, v) }
func (e *encoder) u16(v uint16)          { e.b = binary.BigEndian.AppendUint16(e.b, v) }
func (e *encoder) u32(v uint32)          { e.b = binary.BigEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64)          { e.b = binary.BigEndian.AppendUint64(e.b, v) }
func (e *encoder) mono(t timescale.Mono) { e.u64(uint64(t.Ns())) }

// address is four bytes; that of none is 0.0.0.0, which nobody has.
func (e *encoder) address(a netip.Addr) {
	if !a.Is4() {
		a = netip.IPv4Unspecified()
	}
	four := a.As4()
	e.b = append(e.b, four[:]...)
}

func (e *encoder) client(c *master.SavedClient) {
	e.address(c.Key.Address)
	e.b = append(e.b, c.Key.Port.Clock[:]...)
	e.u16(c.Key.Port.Port)
	e.address(c.Asked)
	e.mono(c.First)
	e.mono(c.Last)
	e.mono(c.LastReq)
	e.u64(uint64(c.ReqInterval))
	e.u64(c.Signaling)
	e.u64(c.DelayReqs)
	e.u16(c.SignalSeq)
	e.u8(c.DSCP)
	e.u8(c.Minor)
	e.u8(c.Way)
	live := uint8(0)
	for f := range c.Grants {
		if c.Grants[f].Live {
			live |= 1 << f
		}
	}
	e.u8(live)
	for f := range c.Grants {
		g := &c.Grants[f]
		if !g.Live {
			continue
		}
		e.u8(uint8(g.Log))
		e.u16(g.Seq)
		e.u16(g.Phase)
		e.u32(g.Seconds)
		e.mono(g.Expires)
		e.mono(g.Since)
		e.mono(g.SentAt)
		e.u64(g.Sent)
		e.u64(g.Renewed)
	}
}

var errGrants = errors.New("state: the grants cannot be read")

// ParseGrants reads what AppendGrants wrote.
func ParseGrants(b []byte) (boot string, s *master.Saved, err error) {
	d := decoder{b: b}
	boot = string(d.take(int(d.u8())))
	s = &master.Saved{At: d.mono(), Identity: wire.ClockIdentity(d.eight()), Domain: d.u8(), StrangerSeq: d.u16()}
	clients, credits := d.u32(), d.u32()
	if d.short || uint64(clients)*clientLen+uint64(credits)*creditLen > uint64(len(d.b)) {
		return "", nil, errGrants
	}
	s.Clients, s.Credits = make([]master.SavedClient, clients), make([]master.SavedCredit, credits)
	for i := range s.Clients {
		d.client(&s.Clients[i])
	}
	for i := range s.Credits {
		s.Credits[i] = master.SavedCredit{Address: d.address(), Sent: d.u64(), Received: d.u64(), Last: d.mono()}
	}
	if d.short || len(d.b) != 0 {
		return "", nil, errGrants
	}
	return boot, s, nil
}

// decoder reads zeros once it is short.
type decoder struct {
	b     []byte
	short bool
}

func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.short, d.b = true, nil
		return make([]byte, n)
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) eight() [8]byte       { return [8]byte(d.take(8)) }
func (d *decoder) u8() uint8            { return d.take(1)[0] }
func (d *decoder) u16() uint16          { return binary.BigEndian.Uint16(d.take(2)) }
func (d *decoder) u32() uint32          { return binary.BigEndian.Uint32(d.take(4)) }
func (d *decoder) u64() uint64          { return binary.BigEndian.Uint64(d.take(8)) }
func (d *decoder) mono() timescale.Mono { return timescale.MonoFromNs(int64(d.u64())) }
func (d *decoder) address() netip.Addr  { return netip.AddrFrom4([4]byte(d.take(4))) }

func (d *decoder) client(c *master.SavedClient) {
	c.Key = master.Key{Address: d.address(), Port: wire.PortIdentity{Clock: wire.ClockIdentity(d.eight()), Port: d.u16()}}
	c.Asked = d.address()
	if c.Asked.IsUnspecified() {
		c.Asked = netip.Addr{}
	}
	c.First, c.Last, c.LastReq, c.ReqInterval = d.mono(), d.mono(), d.mono(), int64(d.u64())
	c.Signaling, c.DelayReqs, c.SignalSeq = d.u64(), d.u64(), d.u16()
	c.DSCP, c.Minor, c.Way = d.u8(), d.u8(), d.u8()
	live := d.u8()
	for f := range c.Grants {
		if live&(1<<f) == 0 {
			continue
		}
		c.Grants[f] = master.SavedGrant{Live: true, Log: int8(d.u8()), Seq: d.u16(), Phase: d.u16(), Seconds: d.u32(),
			Expires: d.mono(), Since: d.mono(), SentAt: d.mono(), Sent: d.u64(), Renewed: d.u64()}
	}
}
