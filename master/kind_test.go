package master

import (
	"testing"

	"bragi/master/wire"
)

// The cable network's rates alone make nobody a cBR8.
func TestRatesAloneMakeNobodyACBR8(t *testing.T) {
	a, s, d := request(wire.TypeAnnounce, -3, 300), request(wire.TypeSync, -5, 300), request(wire.TypeDelayResp, -5, 300)
	slow := request(wire.TypeDelayResp, -4, 300)
	type tlvs = []interface{ Append([]byte) []byte }
	for _, c := range []struct {
		name     string
		messages []tlvs
		dscp     uint8
		minor    uint8
		want     string
	}{
		{"one REQUEST a message, -5", []tlvs{{a}, {s}, {d}}, 47, 0, "cBR8"},
		{"one REQUEST a message, -4", []tlvs{{a}, {s}, {slow}}, 47, 0, "RPD"},
		{"renewed", []tlvs{{a}, {s}, {slow}, {a}, {s}, {slow}}, 47, 0, "RPD"},
		{"without its DSCP", []tlvs{{a}, {s}, {d}}, 0, 0, "other"},
		{"PTP 2.1", []tlvs{{a}, {s}, {d}}, 47, 1, "other"},
		{"half a minute", []tlvs{{a}, {s}, {d}, {request(wire.TypeSync, -5, 30)}}, 47, 0, "other"},
		{"another rate", []tlvs{{a}, {request(wire.TypeSync, -4, 300)}, {d}}, 47, 0, "other"},
		{"no Delay_Resp yet", []tlvs{{a}, {s}}, 47, 0, "other"},
		{"Sync and Delay_Resp together", []tlvs{{a}, {s, d}}, 0, 0, "ptp4l"},
		{"likewise, with the cable's DSCP, renewed", []tlvs{{a}, {s, d}, {a, s, d}}, 47, 0, "ptp4l"},
		{"all in one message", []tlvs{{a, s, d}}, 47, 0, "other"},
		{"together and alone", []tlvs{{a}, {s, d}, {s}}, 0, 0, "other"},
		{"the other way round", []tlvs{{a}, {d, s}}, 0, 0, "other"},
	} {
		m, p := newMaster(t, nil), newPeer(1)
		for _, list := range c.messages {
			g := p.signaling(t, list...)
			g.DSCP, g.Payload[1] = c.dscp, c.minor<<4|2
			say(t, m, start, g)
		}
		if got := m.Snapshot(start).Clients[0].Kind; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
