package e2e

import (
	"strings"
	"testing"
	"time"
)

// The board was replaced under the same address: Debian's ptp4l goes on asking for
// the clock that it knew. It is told, and master.clock_identity lets the new board
// take over.
func TestAReplacementTakesItsPredecessorsIdentity(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc", "gcc")
	b := newHosts(t)
	const first, other = "00aabb.fffe.ccdd01", "00aabb.fffe.ccdd02"
	d := b.startDaemon("master.clock_identity=" + first)
	eventually(t, 40*time.Second, "clockClass 6", func() bool { return d.status().Clock.ClockClass == 6 && d.status().Clock.Serving })
	if id := d.status().Master.Identity; id != first+"-1" {
		t.Fatalf("the identity is %s, want %s-1", id, first)
	}
	client := b.startPTP4L(serviceAddress)
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)

	d.stop()
	d = b.startDaemon("master.clock_identity=" + other)
	eventually(t, 60*time.Second, "the alarm that names the predecessor", func() bool {
		for _, a := range d.status().Alarms {
			if a.Code == "FOREIGN_TARGET" && strings.Contains(a.Detail, first) && strings.Contains(a.Fix, "master.clock_identity") {
				return true
			}
		}
		return len(d.status().Clients) > 0 // a ptp4l that asks anew has no need of it
	})

	d.stop()
	d = b.startDaemon("master.clock_identity=" + first)
	eventually(t, 60*time.Second, "ptp4l in SLAVE of the replacement", func() bool { return len(d.status().Clients) > 0 && client.slave() })
}
