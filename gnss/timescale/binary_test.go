package timescale

import (
	"bytes"
	"encoding/gob"
	"testing"
)

// Instants live in files as gob writes them.
func TestInstantsComeBackFromAFile(t *testing.T) {
	type all struct {
		TAI   TAI
		UTC   UTC
		Mono  Mono
		Local Local
	}
	for _, ns := range []int64{0, 1, -1, 1<<63 - 1, -1 << 63, 1_790_000_000_123_456_789} {
		var b bytes.Buffer
		in, out := all{TAIFromNs(ns), UTCFromNs(ns), MonoFromNs(ns), LocalFromNs(ns)}, all{}
		if err := gob.NewEncoder(&b).Encode(in); err != nil {
			t.Fatal(err)
		}
		if err := gob.NewDecoder(&b).Decode(&out); err != nil || in != out {
			t.Errorf("%+v came back as %+v (%v)", in, out, err)
		}
	}
	var m Mono
	if m.UnmarshalBinary([]byte{1, 2, 3}) == nil {
		t.Error("3 bytes are taken for an instant")
	}
}
