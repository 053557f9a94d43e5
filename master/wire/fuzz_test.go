package wire

import (
	"bytes"
	"testing"
)

// Whatever the octets: no panic, nothing read beyond messageLength, and what is
// accepted survives being written and read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{goldenSync, goldenDelayReq, goldenFollowUp, goldenDelayResp, goldenPdelayReq, goldenPdelayResp, goldenPdelayFollowUp, goldenAnnounce, goldenRequest, goldenGrant, goldenCancel, goldenGet, goldenError} {
		f.Add(octets(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if err != nil {
			return
		}
		cut := b[:h.Length:h.Length]
		var m appender
		switch h.MessageType {
		case TypeSync:
			x, e := ParseSync(cut)
			m, err = &x, e
		case TypeDelayReq:
			x, e := ParseDelayReq(cut)
			m, err = &x, e
		case TypeFollowUp:
			x, e := ParseFollowUp(cut)
			m, err = &x, e
		case TypeDelayResp:
			x, e := ParseDelayResp(cut)
			m, err = &x, e
		case TypePdelayReq:
			x, e := ParsePdelayReq(cut)
			m, err = &x, e
		case TypePdelayResp:
			x, e := ParsePdelayResp(cut)
			m, err = &x, e
		case TypePdelayRespFollowUp:
			x, e := ParsePdelayRespFollowUp(cut)
			m, err = &x, e
		case TypeAnnounce:
			x, e := ParseAnnounce(cut)
			m, err = &x, e
		case TypeSignaling:
			x, e := ParseSignaling(cut)
			m, err = &x, e
		case TypeManagement:
			if _, err := ParseManagement(cut); err == nil && len(cut) < ManagementLen {
				t.Fatal("a Management message of", len(cut))
			}
			return
		default:
			return
		}
		if err != nil {
			return
		}
		out := m.Append(nil)
		if h.MessageType == TypeSignaling {
			if len(out) != int(h.Length) || !bytes.Equal(out[HeaderLen:], cut[HeaderLen:]) {
				t.Fatalf("Signaling changed:\n%x\n%x", cut, out)
			}
			return
		}
		again, err := ParseHeader(out)
		if err != nil {
			t.Fatal(err)
		}
		again.Length = h.Length
		if again != h {
			t.Fatalf("header %+v became %+v", h, again)
		}
	})
}

func FuzzTLVs(f *testing.F) {
	f.Add(octets(f, "0004 0006 b0 fd 0000012c 8008 0000"))
	f.Add(octets(f, "0003 0006 001122 000001 0005 0008 90 fb 0000012c 00 01"))
	f.Add(octets(f, "0001 0002 2002 0002 0008 0002 2fff 00000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tlvs, err := ParseTLVs(b)
		if err != nil {
			return
		}
		total := 0
		for {
			_, v, ok := tlvs.Next()
			if !ok {
				break
			}
			total += TLVHeaderLen + len(v)
			_, _ = ParseUnicastRequest(v)
			_, _ = ParseUnicastGrant(v)
			_, _ = ParseUnicastCancelAck(v)
			if _, data, err := ParseManagementTLV(v); err == nil {
				if s, err := ParseText(data); err == nil && len(s) >= len(data) {
					t.Fatalf("a text of %d octets in %d", len(s), len(data))
				}
			}
			_, _, _ = ParseManagementErrorTLV(v)
		}
		if total != len(b) {
			t.Fatalf("TLVs of %d octets in a run of %d", total, len(b))
		}
	})
}
