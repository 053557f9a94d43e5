package e2e

import (
	"strconv"
	"testing"
	"time"
)

// A two-step grandmaster on software stamps: ptp4l gets a Follow_Up for each
// Sync, and is in phase.
func TestTwoStepClient(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc", "gcc")
	b := newHosts(t)
	d := b.startDaemon("master.sync_mode=two-step")
	eventually(t, 30*time.Second, "clockClass 6", func() bool { return d.status().Clock.ClockClass == 6 })
	if mode := d.status().Hardware.SyncMode; mode != "two-step" {
		t.Errorf("sync_mode %q", mode)
	}
	client := b.startPTP4L(serviceAddress)
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)
	count := func(field string) int {
		n, err := strconv.Atoi(client.get("PORT_STATS_NP", field))
		if err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		return n
	}
	syncs, followUps := count("rx_Sync"), count("rx_Follow_Up")
	client.assertPhase(t, "in two steps")
	syncs, followUps = count("rx_Sync")-syncs, count("rx_Follow_Up")-followUps
	if syncs < 250 || followUps < syncs-2 || followUps > syncs+2 {
		t.Errorf("%d Syncs and %d Follow_Ups in the ten seconds", syncs, followUps)
	}
}
