package daemon

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
)

// What GET /v1/status answers is as docs/status.schema.json says, whatever the
// clock does: nothing is null that must not be, and no field is missing.
func TestTheStatusIsAsItsSchemaSays(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../../../docs/status.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1, TimeToFix: 3 * time.Second})
	d := observed(t, r)
	judge := func(when string) {
		t.Helper()
		s := d.latest()
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if s.Schema != status.Schema {
			t.Errorf("%s: schema %d", when, s.Schema)
		}
	}
	judge("at the start")
	r.Run(40 * time.Second)
	judge("locked")
	d.service = udp.Status{Snapshot: &master.Snapshot{At: timescale.MonoFromNs(1e9), Clients: make([]master.ClientStatus, 2), Suspects: make([]master.Suspect, 2)}}
	d.outside = map[alarms.Code]string{alarms.LeapFile: "detail"}
	judge("with clients")
	r.Board.SetAntenna(false)
	r.Run(20 * time.Second)
	judge("in holdover")
	r.Run(80 * time.Second)
	judge("out of spec")
}
