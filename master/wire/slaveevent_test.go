package wire

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A Signaling message of a client with the three TLVs of slave event monitoring, two
// records in the second: one field a group.
const goldenSlaveEvents = "0c 02 00b4 00 00 0400 0000000000000000 00000000 a0b1c2fffed3e4f5 0002 0102 05 7f" +
	"001122fffe334455 0001" +
	"8004 002c 001122fffe334455 0001" +
	"0007 000068a0b1c2 00000001 0000000000018000 fffffffe 000068a0b1c2 3b9ac9ff" +
	"8005 0038 001122fffe334455 0001 06 00" +
	"0007 0000000005dc0000 0000000003e88000 00000000" +
	"0008 fffffffffffe8000 0000000003e80000 00000064" +
	"8006 0018 a0b1c2fffed3e4f5 0002 01 00" +
	"0102 000068a0b1c2 0000002a"

var (
	timingRecord    = SyncTiming{7, Timestamp{0x68A0B1C2, 1}, 0x18000, -2, Timestamp{0x68A0B1C2, 999_999_999}}
	computedRecords = []SyncComputed{{7, 1500 << 16, 1000<<16 + 0x8000, 0}, {8, -0x18000, 1000 << 16, 100}}
	eventRecord     = TxEvent{0x0102, Timestamp{0x68A0B1C2, 42}}
)

// slaveEvents takes the TLVs of the golden message.
func slaveEvents(t testing.TB) (timing, computed, events []byte) {
	t.Helper()
	s, err := ParseSignaling(octets(t, goldenSlaveEvents))
	if err != nil {
		t.Fatal(err)
	}
	values := map[TLVType][]byte{}
	for typ, v, ok := s.TLVs.Next(); ok; typ, v, ok = s.TLVs.Next() {
		values[typ] = v
	}
	return values[TLVSlaveRxSyncTimingData], values[TLVSlaveRxSyncComputedData], values[TLVSlaveTxEventTimestamps]
}

func TestHandWrittenSlaveEventsAreParsedAndAppendedAgain(t *testing.T) {
	timingValue, computedValue, eventsValue := slaveEvents(t)
	timing, err := ParseSyncTimingData(timingValue)
	if err != nil || timing.Source != master || timing.Len() != 1 || timing.At(0) != timingRecord {
		t.Errorf("timing %+v, %v", timing, err)
	}
	computed, err := ParseSyncComputedData(computedValue)
	if err != nil || computed.Source != master || computed.Flags != OffsetFromMasterValid|MeanPathDelayValid || computed.Len() != 2 {
		t.Fatalf("computed %+v, %v", computed, err)
	}
	for i, want := range computedRecords {
		if diff := cmp.Diff(want, computed.At(i)); diff != "" {
			t.Error(diff)
		}
	}
	events, err := ParseTxEventData(eventsValue)
	if err != nil || events.Source != client || events.MessageType != TypeDelayReq || events.Len() != 1 || events.At(0) != eventRecord {
		t.Errorf("events %+v, %v", events, err)
	}

	timing, computed, events = SyncTimingData{Source: master}, SyncComputedData{Source: master, Flags: computed.Flags}, TxEventData{Source: client, MessageType: TypeDelayReq}
	timing.Add(timingRecord)
	for _, r := range computedRecords {
		computed.Add(r)
	}
	events.Add(eventRecord)
	got := events.Append(computed.Append(timing.Append(nil)))
	if diff := cmp.Diff(octets(t, goldenSlaveEvents)[SignalingLen:], got); diff != "" {
		t.Error(diff)
	}
}

// A value of any other length is refused, and so is a stamp of more than a second of ns.
func TestSlaveEventsOfAWrongLengthAreRefused(t *testing.T) {
	timing, computed, events := slaveEvents(t)
	for _, c := range []struct {
		name         string
		value        []byte
		head, record int
		parse        func([]byte) error
		stamps       []int // where the ns of a record's Timestamps are
	}{
		{"timing", timing, 10, 34, func(v []byte) error { _, err := ParseSyncTimingData(v); return err }, []int{8, 30}},
		{"computed", computed, 12, 22, func(v []byte) error { _, err := ParseSyncComputedData(v); return err }, nil},
		{"events", events, 12, 12, func(v []byte) error { _, err := ParseTxEventData(v); return err }, []int{8}},
	} {
		for n := range len(c.value) + 1 {
			whole := n >= c.head && (n-c.head)%c.record == 0
			if err := c.parse(c.value[:n:n]); whole != (err == nil) || !whole && !errors.Is(err, ErrTLV) {
				t.Errorf("%s of %d octets: %v", c.name, n, err)
			}
		}
		for _, at := range c.stamps {
			bad := bytes.Clone(c.value)
			bad[c.head+at] = 0xFF
			if err := c.parse(bad); !errors.Is(err, ErrTimestamp) {
				t.Errorf("%s with 4e9 ns: %v", c.name, err)
			}
		}
	}
}

// Any records survive the way there and back.
func TestSlaveEventsGoBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		timing, computed, events := SyncTimingData{Source: genIdentity(t, "timing")}, SyncComputedData{Source: genIdentity(t, "computed"), Flags: ComputedFlags(rapid.Uint8().Draw(t, "flags"))},
			TxEventData{Source: genIdentity(t, "events"), MessageType: MessageType(rapid.Uint8Range(0, 15).Draw(t, "type"))}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			seq := rapid.Uint16().Draw(t, "seq")
			timing.Add(SyncTiming{seq, genTimestamp(t), rapid.Int64().Draw(t, "correction"), rapid.Int32().Draw(t, "rate"), genTimestamp(t)})
			computed.Add(SyncComputed{seq, rapid.Int64().Draw(t, "offset"), rapid.Int64().Draw(t, "delay"), rapid.Int32().Draw(t, "ratio")})
			events.Add(TxEvent{seq, genTimestamp(t)})
		}
		tlvs, err := ParseTLVs(events.Append(computed.Append(timing.Append(nil))))
		if err != nil {
			t.Fatal(err)
		}
		_, v, _ := tlvs.Next()
		gotTiming, err := ParseSyncTimingData(v)
		if err != nil || gotTiming.Source != timing.Source || gotTiming.Len() != timing.Len() {
			t.Fatalf("timing %+v, %v", gotTiming, err)
		}
		_, v, _ = tlvs.Next()
		gotComputed, err := ParseSyncComputedData(v)
		if err != nil || gotComputed.Source != computed.Source || gotComputed.Flags != computed.Flags || gotComputed.Len() != computed.Len() {
			t.Fatalf("computed %+v, %v", gotComputed, err)
		}
		_, v, _ = tlvs.Next()
		gotEvents, err := ParseTxEventData(v)
		if err != nil || gotEvents.Source != events.Source || gotEvents.MessageType != events.MessageType || gotEvents.Len() != events.Len() {
			t.Fatalf("events %+v, %v", gotEvents, err)
		}
		for i := range timing.Len() {
			if gotTiming.At(i) != timing.At(i) || gotComputed.At(i) != computed.At(i) || gotEvents.At(i) != events.At(i) {
				t.Fatalf("record %d: %+v, %+v, %+v", i, gotTiming.At(i), gotComputed.At(i), gotEvents.At(i))
			}
		}
	})
}

func TestParsingSlaveEventsAllocatesNothing(t *testing.T) {
	timing, computed, events := slaveEvents(t)
	if n := testing.AllocsPerRun(100, func() {
		a, _ := ParseSyncTimingData(timing)
		b, _ := ParseSyncComputedData(computed)
		c, _ := ParseTxEventData(events)
		_, _, _ = a.At(0), b.At(1), c.At(0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever is parsed has whole records, whose Timestamps are some.
func FuzzSlaveEvents(f *testing.F) {
	timing, computed, events := slaveEvents(f)
	f.Add(timing)
	f.Add(computed)
	f.Add(events)
	f.Fuzz(func(t *testing.T, v []byte) {
		if d, err := ParseSyncTimingData(v); err == nil {
			for i := range d.Len() {
				if r := d.At(i); max(r.Origin.Nanoseconds, r.Ingress.Nanoseconds) >= nsPerSecond {
					t.Fatalf("%+v", r)
				}
			}
			if got := d.Append(nil)[TLVHeaderLen:]; len(v) <= math.MaxUint16 && !bytes.Equal(got, v) {
				t.Fatalf("% x became % x", v, got)
			}
		}
		if d, err := ParseSyncComputedData(v); err == nil {
			for i := range d.Len() {
				_ = d.At(i)
			}
			if len(v) != syncComputedHead+d.Len()*syncComputedLen {
				t.Fatalf("%d octets became %d records", len(v), d.Len())
			}
		}
		if d, err := ParseTxEventData(v); err == nil {
			for i := range d.Len() {
				if r := d.At(i); r.Egress.Nanoseconds >= nsPerSecond {
					t.Fatalf("%+v", r)
				}
			}
		}
	})
}
