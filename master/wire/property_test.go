package wire

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func genIdentity(t *rapid.T, label string) PortIdentity {
	return PortIdentity{ClockIdentity(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, label)), rapid.Uint16().Draw(t, label+" port")}
}

func genTimestamp(t *rapid.T) Timestamp {
	return Timestamp{rapid.Uint64Range(0, 1<<48-1).Draw(t, "s"), rapid.Uint32Range(0, nsPerSecond-1).Draw(t, "ns")}
}

func genHeader(t *rapid.T, typ MessageType, length uint16) Header {
	return Header{
		MessageType: typ, MajorSdoID: rapid.Uint8Range(0, 15).Draw(t, "sdo"), MinorVersion: rapid.Uint8Range(0, 15).Draw(t, "minor"),
		Length: length, Domain: rapid.Uint8().Draw(t, "domain"), MinorSdoID: rapid.Uint8().Draw(t, "minorSdo"),
		Flags: Flags(rapid.Uint16().Draw(t, "flags")), Correction: rapid.Int64().Draw(t, "corr"), Source: genIdentity(t, "src"),
		SequenceID: rapid.Uint16().Draw(t, "seq"), LogInterval: rapid.Int8().Draw(t, "log"),
	}
}

// What is appended is parsed again as it was, whatever its fields.
func TestWhatIsAppendedIsParsedAgainAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sync := Sync{genHeader(t, TypeSync, SyncLen), genTimestamp(t)}
		if got, err := ParseSync(sync.Append(nil)); err != nil || got != sync {
			t.Fatalf("Sync %+v, %v", got, err)
		}
		resp := DelayResp{genHeader(t, TypeDelayResp, DelayRespLen), genTimestamp(t), genIdentity(t, "req")}
		if got, err := ParseDelayResp(resp.Append(nil)); err != nil || got != resp {
			t.Fatalf("Delay_Resp %+v, %v", got, err)
		}
		follow := FollowUp{genHeader(t, TypeFollowUp, SyncLen), genTimestamp(t)}
		if got, err := ParseFollowUp(follow.Append(nil)); err != nil || got != follow {
			t.Fatalf("Follow_Up %+v, %v", got, err)
		}
		preq := PdelayReq{genHeader(t, TypePdelayReq, PdelayLen), genTimestamp(t)}
		if got, err := ParsePdelayReq(preq.Append(nil)); err != nil || got != preq {
			t.Fatalf("Pdelay_Req %+v, %v", got, err)
		}
		presp := PdelayResp{genHeader(t, TypePdelayResp, PdelayLen), genTimestamp(t), genIdentity(t, "req")}
		if got, err := ParsePdelayResp(presp.Append(nil)); err != nil || got != presp {
			t.Fatalf("Pdelay_Resp %+v, %v", got, err)
		}
		text := rapid.StringN(0, -1, 255).Draw(t, "text")
		if got, err := ParseText(AppendText(nil, text)); err != nil || got != text {
			t.Fatalf("PTPText %q, %v", got, err)
		}
		ann := Announce{
			Header: genHeader(t, TypeAnnounce, AnnounceLen), OriginTimestamp: genTimestamp(t),
			CurrentUTCOffset: rapid.Int16().Draw(t, "utc"), Priority1: rapid.Uint8().Draw(t, "p1"),
			ClockClass: ClockClass(rapid.Uint8().Draw(t, "class")), ClockAccuracy: ClockAccuracy(rapid.Uint8().Draw(t, "acc")),
			OffsetScaledLogVariance: rapid.Uint16().Draw(t, "var"), Priority2: rapid.Uint8().Draw(t, "p2"),
			Grandmaster: genIdentity(t, "gm").Clock, StepsRemoved: rapid.Uint16().Draw(t, "steps"),
			TimeSource: TimeSource(rapid.Uint8().Draw(t, "source")),
		}
		if got, err := ParseAnnounce(ann.Append(nil)); err != nil || got != ann {
			t.Fatalf("Announce %+v, %v", got, err)
		}
		g := UnicastGrant{MessageType(rapid.Uint8Range(0, 15).Draw(t, "type")), rapid.Int8().Draw(t, "int"), rapid.Uint32().Draw(t, "dur"), rapid.Bool().Draw(t, "R")}
		tlvs, err := ParseTLVs(g.Append(UnicastRequest{g.MessageType, g.LogInterval, g.Duration}.Append(nil)))
		if err != nil {
			t.Fatal(err)
		}
		sig := Signaling{Header: genHeader(t, TypeSignaling, SignalingLen+22), Target: genIdentity(t, "target"), TLVs: tlvs}
		got, err := ParseSignaling(sig.Append(nil))
		if err != nil || got.Header != sig.Header || got.Target != sig.Target || !bytes.Equal(got.TLVs.b, tlvs.b) {
			t.Fatalf("Signaling %+v, %v", got, err)
		}
	})
}
