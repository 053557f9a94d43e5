package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bragi/gnss/timescale"
)

// Octets written by hand from the tables of clause 13, one field a group.
const (
	goldenSync = "00 02 002c 00 00 0400 0000000000000000 00000000 001122fffe334455 0001 0007 00 7f" +
		"000068a0b1c2 3b9ac9ff"
	goldenDelayReq = "01 12 002c 18 00 0400 0000000000010000 00000000 a0b1c2fffed3e4f5 0002 ffff 00 7f" +
		"000000000000 00000000"
	goldenFollowUp = "08 02 002c 00 00 0400 fffffffffffe8000 00000000 001122fffe334455 0001 0007 00 fb" +
		"ffffffffffff 00000001"
	goldenDelayResp = "09 02 0036 00 00 0400 0000000000010000 00000000 001122fffe334455 0001 ffff 00 7f" +
		"000068a0b1c2 00000000 a0b1c2fffed3e4f5 0002"
	goldenPdelayReq = "02 02 0036 00 00 0400 0000000000020000 00000000 a0b1c2fffed3e4f5 0002 0003 00 7f" +
		"000000000000 00000000 00000000000000000000"
	goldenPdelayResp = "03 02 0036 00 00 0400 0000000000028000 00000000 001122fffe334455 0001 0003 00 7f" +
		"000000000000 00000000 a0b1c2fffed3e4f5 0002"
	goldenPdelayFollowUp = "0a 02 0036 00 00 0400 0000000000000000 00000000 001122fffe334455 0001 0003 00 7f" +
		"000068a0b1c2 00000005 a0b1c2fffed3e4f5 0002"
	goldenAnnounce = "0b 02 0040 00 00 043c 0000000000000000 00000000 001122fffe334455 0001 1234 00 fd" +
		"000000000000 00000000 0025 00 80 06 21 4e5d 80 001122fffe334455 0000 20"
	goldenRequest = "0c 02 0040 00 00 0400 0000000000000000 00000000 a0b1c2fffed3e4f5 0002 0000 00 7f" +
		"ffffffffffffffff ffff 0004 0006 b0 fd 0000012c 0004 0006 00 fb 0000012c"
	goldenGrant = "0c 02 0038 00 00 0400 0000000000000000 00000000 001122fffe334455 0001 0001 00 7f" +
		"a0b1c2fffed3e4f5 0002 0005 0008 90 fb 0000012c 00 01"
	goldenCancel = "0c 02 0038 00 00 0400 0000000000000000 00000000 a0b1c2fffed3e4f5 0002 0009 00 7f" +
		"001122fffe334455 0001 0006 0002 90 00 0007 0002 b0 00"
)

var (
	master = PortIdentity{ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}, 1}
	client = PortIdentity{ClockIdentity{0xA0, 0xB1, 0xC2, 0xFF, 0xFE, 0xD3, 0xE4, 0xF5}, 2}
)

func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func head(t MessageType, length uint16, flags Flags, corr int64, src PortIdentity, seq uint16, log int8) Header {
	return Header{MessageType: t, Length: length, Flags: flags, Correction: corr, Source: src, SequenceID: seq, LogInterval: log}
}

// appender is what each message can do.
type appender interface{ Append([]byte) []byte }

func TestHandWrittenMessagesAreParsedAndAppendedAgain(t *testing.T) {
	const u = FlagUnicast
	req := head(TypeDelayReq, SyncLen, u, 1<<16, client, 0xFFFF, LogIntervalNone)
	req.MinorVersion, req.Domain = 1, 24
	cases := []struct {
		name, golden string
		want         appender
		parse        func([]byte) (appender, error)
	}{
		{"Sync", goldenSync,
			&Sync{head(TypeSync, SyncLen, u, 0, master, 7, LogIntervalNone), Timestamp{0x68A0B1C2, 999_999_999}},
			func(b []byte) (appender, error) { m, err := ParseSync(b); return &m, err }},
		{"Delay_Req, minor version 1, domain 24, correction 1 ns", goldenDelayReq,
			&DelayReq{req, Timestamp{}},
			func(b []byte) (appender, error) { m, err := ParseDelayReq(b); return &m, err }},
		{"Follow_Up, largest second, correction -1.5 ns", goldenFollowUp,
			&FollowUp{head(TypeFollowUp, SyncLen, u, -0x18000, master, 7, -5), Timestamp{1<<48 - 1, 1}},
			func(b []byte) (appender, error) { m, err := ParseFollowUp(b); return &m, err }},
		{"Delay_Resp", goldenDelayResp,
			&DelayResp{head(TypeDelayResp, DelayRespLen, u, 1<<16, master, 0xFFFF, LogIntervalNone), Timestamp{0x68A0B1C2, 0}, client},
			func(b []byte) (appender, error) { m, err := ParseDelayResp(b); return &m, err }},
		{"Pdelay_Req", goldenPdelayReq,
			&PdelayReq{head(TypePdelayReq, PdelayLen, u, 2<<16, client, 3, LogIntervalNone), Timestamp{}},
			func(b []byte) (appender, error) { m, err := ParsePdelayReq(b); return &m, err }},
		{"Pdelay_Resp in one step, turnaround 0.5 ns", goldenPdelayResp,
			&PdelayResp{head(TypePdelayResp, PdelayLen, u, 2<<16+1<<15, master, 3, LogIntervalNone), Timestamp{}, client},
			func(b []byte) (appender, error) { m, err := ParsePdelayResp(b); return &m, err }},
		{"Pdelay_Resp_Follow_Up", goldenPdelayFollowUp,
			&PdelayRespFollowUp{head(TypePdelayRespFollowUp, PdelayLen, u, 0, master, 3, LogIntervalNone), Timestamp{0x68A0B1C2, 5}, client},
			func(b []byte) (appender, error) { m, err := ParsePdelayRespFollowUp(b); return &m, err }},
		{"Announce of a locked grandmaster", goldenAnnounce,
			&Announce{
				Header:           head(TypeAnnounce, AnnounceLen, u|FlagUTCOffsetValid|FlagPTPTimescale|FlagTimeTraceable|FlagFrequencyTraceable, 0, master, 0x1234, -3),
				CurrentUTCOffset: 37, Priority1: 128, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D,
				Priority2: 128, Grandmaster: master.Clock, TimeSource: 0x20,
			},
			func(b []byte) (appender, error) { m, err := ParseAnnounce(b); return &m, err }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := octets(t, c.golden)
			got, err := c.parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("parsed (-want +got):\n%s", d)
			}
			if out := c.want.Append(nil); hex.EncodeToString(out) != hex.EncodeToString(b) {
				t.Errorf("appended\n %x, want\n %x", out, b)
			}
			// What surrounds a message is none of it, and a buffer is added to.
			if got, err = c.parse(append(b[:len(b):len(b)], 1, 2, 3)); err != nil || !cmp.Equal(c.want, got) {
				t.Errorf("with octets beyond messageLength: %v, %v", got, err)
			}
			if out := c.want.Append([]byte{9}); out[0] != 9 || len(out) != len(b)+1 {
				t.Errorf("Append did not add to the buffer")
			}
		})
	}
}

func TestHandWrittenSignalingIsParsedAndAppendedAgain(t *testing.T) {
	type tlv struct {
		typ TLVType
		v   any
	}
	parse := func(t *testing.T, b []byte) (Signaling, []tlv) {
		m, err := ParseSignaling(b)
		if err != nil {
			t.Fatal(err)
		}
		var out []tlv
		for tlvs := m.TLVs; ; {
			typ, v, ok := tlvs.Next()
			if !ok {
				return m, out
			}
			var x any
			switch typ {
			case TLVRequestUnicast:
				x, err = ParseUnicastRequest(v)
			case TLVGrantUnicast:
				x, err = ParseUnicastGrant(v)
			case TLVCancelUnicast:
				x, err = ParseUnicastCancel(v)
			case TLVAckCancelUnicast:
				x, err = ParseUnicastCancelAck(v)
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, tlv{typ, x})
		}
	}
	cases := []struct {
		name, golden string
		source       PortIdentity
		target       PortIdentity
		tlvs         []tlv
	}{
		{"two requests to all ports", goldenRequest, client, PortIdentity{AllClocks, 0xFFFF}, []tlv{
			{TLVRequestUnicast, UnicastRequest{TypeAnnounce, -3, 300}}, {TLVRequestUnicast, UnicastRequest{TypeSync, -5, 300}}}},
		{"grant", goldenGrant, master, client, []tlv{{TLVGrantUnicast, UnicastGrant{TypeDelayResp, -5, 300, true}}}},
		{"cancel and acknowledge", goldenCancel, client, master, []tlv{
			{TLVCancelUnicast, UnicastCancel{TypeDelayResp}}, {TLVAckCancelUnicast, UnicastCancelAck{TypeAnnounce}}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := octets(t, c.golden)
			m, tlvs := parse(t, b)
			if m.Source != c.source || m.Target != c.target {
				t.Errorf("from %v to %v", m.Source, m.Target)
			}
			if len(tlvs) != len(c.tlvs) {
				t.Fatalf("TLVs %v", tlvs)
			}
			var raw []byte
			for i, x := range c.tlvs {
				if tlvs[i] != x {
					t.Errorf("TLV %d: %+v, want %+v", i, tlvs[i], x)
				}
				raw = x.v.(appender).Append(raw)
			}
			var err error
			if m.TLVs, err = ParseTLVs(raw); err != nil {
				t.Fatal(err)
			}
			if out := m.Append(nil); hex.EncodeToString(out) != hex.EncodeToString(b) {
				t.Errorf("appended\n %x, want\n %x", out, b)
			}
		})
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	edit := func(s string, f func([]byte) []byte) func(testing.TB) []byte {
		return func(t testing.TB) []byte { return f(octets(t, s)) }
	}
	set := func(s string, i int, v ...byte) func(testing.TB) []byte {
		return edit(s, func(b []byte) []byte { copy(b[i:], v); return b })
	}
	sync := func(b []byte) error { _, err := ParseSync(b); return err }
	resp := func(b []byte) error { _, err := ParseDelayResp(b); return err }
	announce := func(b []byte) error { _, err := ParseAnnounce(b); return err }
	signaling := func(b []byte) error { _, err := ParseSignaling(b); return err }
	cases := []struct {
		name  string
		in    func(testing.TB) []byte
		parse func([]byte) error
		want  error
	}{
		{"nothing", edit("", func(b []byte) []byte { return b }), sync, ErrShort},
		{"33 octets", edit(goldenSync, func(b []byte) []byte { return b[:33] }), sync, ErrShort},
		{"PTP version 1", set(goldenSync, 1, 1), sync, ErrVersion},
		{"PTP version 3", set(goldenSync, 1, 3), sync, ErrVersion},
		{"reserved type 4", set(goldenSync, 0, 4), sync, ErrType},
		{"reserved type F", set(goldenSync, 0, 0x0F), sync, ErrType},
		{"Follow_Up taken for Sync", set(goldenFollowUp, 1, 2), sync, ErrType},
		{"Delay_Req taken for Sync", set(goldenDelayReq, 1, 2), sync, ErrType},
		{"datagram cut", edit(goldenSync, func(b []byte) []byte { return b[:43] }), sync, ErrLength},
		{"messageLength below the type's", set(goldenSync, 2, 0, 43), sync, ErrLength},
		{"messageLength 0", set(goldenSync, 2, 0, 0), sync, ErrLength},
		{"messageLength beyond the datagram", set(goldenSync, 2, 0, 45), sync, ErrLength},
		{"Delay_Resp of Sync's length", set(goldenDelayResp, 2, 0, 44), resp, ErrLength},
		{"Announce of 63 octets", set(goldenAnnounce, 2, 0, 63), announce, ErrLength},
		{"1e9 ns", set(goldenSync, 40, 0x3B, 0x9A, 0xCA, 0), sync, ErrTimestamp},
		{"1e9 ns in Delay_Resp", set(goldenDelayResp, 40, 0x3B, 0x9A, 0xCA, 0), resp, ErrTimestamp},
		{"2^32-1 ns in Announce", set(goldenAnnounce, 40, 0xFF, 0xFF, 0xFF, 0xFF), announce, ErrTimestamp},
		{"Pdelay_Req of Sync's length", set(goldenPdelayReq, 2, 0, 44), func(b []byte) error { _, err := ParsePdelayReq(b); return err }, ErrLength},
		{"Pdelay_Resp taken for Delay_Resp", edit(goldenPdelayResp, func(b []byte) []byte { return b }), resp, ErrType},
		{"odd TLV length", edit(goldenGrant, func(b []byte) []byte { b[3], b[47] = 0x37, 7; return b[:55] }), signaling, ErrTLV},
		{"TLV past the message", set(goldenGrant, 46, 0, 10), signaling, ErrTLV},
		{"TLV of 65534 octets", set(goldenGrant, 46, 0xFF, 0xFE), signaling, ErrTLV},
		{"half a TLV header", edit(goldenGrant, func(b []byte) []byte { b[3] = 46; return b[:46] }), signaling, ErrTLV},
		{"second TLV bad", set(goldenRequest, 56, 0, 7), signaling, ErrTLV},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := c.parse(c.in(t)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for _, v := range [][]byte{nil, {0x90}, {0x90, 0, 0, 0, 0}} {
		_, e1 := ParseUnicastRequest(v)
		_, e2 := ParseUnicastGrant(append(v, 0, 0)[:min(len(v)+2, 7)])
		_, e3 := ParseUnicastCancel(v[:min(1, len(v))])
		if e1 != ErrTLV || e2 != ErrTLV || e3 != ErrTLV {
			t.Errorf("short values of %d octets: %v %v %v", len(v), e1, e2, e3)
		}
	}
}

// An empty last TLV, PAD, an organization's and an unknown one leave a message valid.
func TestTLVsOfNoUseLeaveAMessageValid(t *testing.T) {
	grant := "0005 0008 90 fb 0000012c 00 01"
	for _, tail := range []string{"", "8008 0000", "8008 0004 00000000", "0003 0006 001122 000001", "7f00 0002 0000", "0008 0008 001122fffe334455"} {
		for _, s := range []string{grant + tail, tail + grant} {
			raw := octets(t, s)
			tlvs, err := ParseTLVs(raw)
			if err != nil {
				t.Fatalf("%q: %v", s, err)
			}
			found := 0
			for {
				typ, v, ok := tlvs.Next()
				if !ok {
					break
				}
				if typ == TLVGrantUnicast {
					if g, err := ParseUnicastGrant(v); err == nil && g.Duration == 300 {
						found++
					}
				}
			}
			if found != 1 || !tlvs.Empty() {
				t.Errorf("%q: %d grants found", s, found)
			}
		}
	}
}

func TestATimestampIsTheLocalTimeInSecondsAndNanoseconds(t *testing.T) {
	cases := []struct {
		ns   int64
		want Timestamp
	}{
		{0, Timestamp{}}, {1, Timestamp{0, 1}}, {999_999_999, Timestamp{0, 999_999_999}}, {1_000_000_000, Timestamp{1, 0}},
		{1_755_361_730_123_456_789, Timestamp{1_755_361_730, 123_456_789}},
		{1<<63 - 1, Timestamp{9_223_372_036, 854_775_807}},
		{-1, Timestamp{}}, // before the epoch: the wire has no such time
	}
	for _, c := range cases {
		if got := TimestampFromLocal(timescale.LocalFromNs(c.ns)); got != c.want {
			t.Errorf("%d ns: %+v, want %+v", c.ns, got, c.want)
		}
	}
	if _, ok := (Timestamp{1<<48 - 1, 0}).TAI(); ok {
		t.Error("a 48-bit second that no int64 of nanoseconds holds was taken")
	}
	if tai, ok := (Timestamp{1_755_361_730, 5}).TAI(); !ok || tai.Ns() != 1_755_361_730_000_000_005 {
		t.Errorf("TAI: %v %v", tai, ok)
	}
}

// correctionField is in 2^-16 ns; what it cannot hold becomes its largest value.
func TestACorrectionThatDoesNotFitBecomesTheLargest(t *testing.T) {
	const largest, least = math.MaxInt64, math.MinInt64
	for _, c := range []struct {
		was  int64
		add  time.Duration
		want int64
	}{
		{0, 1, 1 << 16}, {1, 1, 1<<16 + 1}, {5, -1, 5 - 1<<16}, {-1 << 20, time.Second, 1e9<<16 - 1<<20},
		{largest - 1<<16, 1, largest}, {largest - 1<<16 + 1, 1, largest}, {largest, 1, largest}, {0, 1 << 48, largest},
		{0, -1 << 48, largest}, {least + 1<<16, -1, least}, {least + 1, -1, least},
	} {
		b := octets(t, goldenPdelayResp)
		binary.BigEndian.PutUint64(b[CorrectionOffset:], uint64(c.was))
		AddCorrection(b, c.add)
		if h, err := ParseHeader(b); err != nil || h.Correction != c.want {
			t.Errorf("%d and %v: %d, want %d", c.was, c.add, h.Correction, c.want)
		}
	}
}

func TestAPortIsAddressedByItsIdentityOrAllOnes(t *testing.T) {
	id := IdentityFromMAC([6]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55})
	if id != master.Clock || id.String() != "001122.fffe.334455" || master.String() != "001122.fffe.334455-1" {
		t.Errorf("identity %v, port %v", id, master)
	}
	all := PortIdentity{AllClocks, 0xFFFF}
	other := PortIdentity{client.Clock, 1}
	for _, c := range []struct {
		target PortIdentity
		want   bool
	}{{master, true}, {all, true}, {PortIdentity{master.Clock, 0xFFFF}, true}, {PortIdentity{AllClocks, 1}, true},
		{PortIdentity{master.Clock, 2}, false}, {other, false}, {PortIdentity{AllClocks, 2}, false}, {PortIdentity{}, false}} {
		if got := c.target.Addresses(master); got != c.want {
			t.Errorf("target %v: %v", c.target, got)
		}
	}
}

func TestEnumerationsPrintTheStandardsNames(t *testing.T) {
	for got, want := range map[string]string{
		TypeDelayReq.String(): "Delay_Req", MessageType(5).String(): "reserved", MessageType(200).String(): "reserved",
		ClockAccuracy(0x17).String(): "within 1 ps", ClockAccuracy(0x21).String(): "within 100 ns", ClockAccuracy(0x23).String(): "within 1 us",
		ClockAccuracy(0x30).String(): "within 10 s", ClockAccuracy(0x31).String(): "more than 10 s", ClockAccuracy(0xFE).String(): "unknown",
		ClockAccuracy(0x32).String(): "0x32", TimeSource(0x20).String(): "GNSS", TimeSource(0xA0).String(): "internal oscillator",
		ClockClass(140).String(): "140",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParsingAndAppendingAllocateNothing(t *testing.T) {
	sync, sig := octets(t, goldenSync), octets(t, goldenRequest)
	buf := make([]byte, 0, 128)
	n := testing.AllocsPerRun(100, func() {
		m, _ := ParseSync(sync)
		buf = m.Append(buf[:0])
		s, _ := ParseSignaling(sig)
		for {
			_, v, ok := s.TLVs.Next()
			if !ok {
				break
			}
			_, _ = ParseUnicastRequest(v)
		}
		s, _ = ParseSignaling(sig)
		buf = s.Append(buf[:0])
		_, _ = ParseSync(sig)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
