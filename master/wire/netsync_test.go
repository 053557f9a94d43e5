package wire

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Octets as linuxptp's structures lay them out (tlv.h, ds.h): one field a group.
const (
	goldenNetSyncRequest = "01 02 0030 00 00 0400 0000000000000000 00000000 001122fffe334455 0003 0102 00 7f" +
		"000000000000 00000000 21fe 0000"
	// A Delay_Resp of a client in SLAVE, 1.5 us ahead of its master at 10.0.0.1 over UDP/IPv4.
	goldenNetSyncResponse = "09 02 0084 00 00 0400 0000000000000000 00000000 a0b1c2fffed3e4f5 0001 0102 00 7f" +
		"000068a0b1c2 00000007 001122fffe334455 0003" +
		"21ff 004a 09 00 0001 0004 0a000001" +
		"001122fffe334455 0001 00 00 ffff 7fffffff 80 06 21 4e5d 80 001122fffe334455" +
		"0001 0000000005dc0000 0000000003e88000" +
		"0025 3c 20 000068a0b1c1 3b9ac9ff"
)

func TestANetSyncRequestIsADelayReqWithAnEmptyTLV(t *testing.T) {
	h := head(0, 0, FlagUnicast, 0, PortIdentity{master.Clock, 3}, 0x0102, LogIntervalNone)
	got := AppendNetSyncRequest(nil, h)
	if diff := cmp.Diff(octets(t, goldenNetSyncRequest), got); diff != "" {
		t.Error(diff)
	}
	if _, err := ParseDelayReq(got); err != nil {
		t.Error("a master would refuse it:", err)
	}
}

func TestWhatAClientSaysOfItselfIsRead(t *testing.T) {
	b := octets(t, goldenNetSyncResponse)
	r, err := ParseDelayResp(b)
	if err != nil {
		t.Fatal(err)
	}
	tlvs, err := TLVsOf(&r.Header, b)
	if err != nil {
		t.Fatal(err)
	}
	typ, v, _ := tlvs.Next()
	if typ != TLVNetSyncResponse {
		t.Fatalf("TLV %#x", typ)
	}
	got, err := ParseNetSync(v)
	if err != nil {
		t.Fatal(err)
	}
	want := NetSync{
		State: PortSlave, Parent: master, Grandmaster: master.Clock, ClockClass: 6, OffsetFromMaster: 1500 << 16, MeanPathDelay: 1000<<16 + 0x8000,
		StepsRemoved: 1, CurrentUTCOffset: 37, Flags: FlagUTCOffsetValid | FlagPTPTimescale | FlagTimeTraceable | FlagFrequencyTraceable,
		LastSync: Timestamp{0x68A0B1C1, 999_999_999},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A response of every shorter length is refused, and so is one whose parent's address
// runs past its end.
func TestACutNetSyncResponseIsRefused(t *testing.T) {
	v := octets(t, goldenNetSyncResponse)[DelayRespLen+TLVHeaderLen:]
	for n := range v {
		if _, err := ParseNetSync(v[:n]); !errors.Is(err, ErrTLV) {
			t.Errorf("of %d octets: %v", n, err)
		}
	}
	for _, length := range []byte{6, 0xFF} {
		long := append([]byte(nil), v...)
		long[4], long[5] = length, length
		if _, err := ParseNetSync(long); !errors.Is(err, ErrTLV) {
			t.Errorf("an address of %#x octets: %v", length, err)
		}
	}
	bad := append([]byte(nil), v...)
	bad[len(bad)-4] = 0xFF
	if _, err := ParseNetSync(bad); !errors.Is(err, ErrTimestamp) {
		t.Errorf("a last Sync with 4e9 ns: %v", err)
	}
}

func FuzzNetSync(f *testing.F) {
	f.Add(octets(f, goldenNetSyncResponse)[DelayRespLen+TLVHeaderLen:])
	f.Fuzz(func(t *testing.T, v []byte) {
		if s, err := ParseNetSync(v); err == nil && (len(v) < netSyncHead+netSyncTail || s.LastSync.Nanoseconds >= nsPerSecond) {
			t.Fatalf("%d octets became %+v", len(v), s)
		}
	})
}
