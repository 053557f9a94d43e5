package e2e

import (
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// alarm is an alarm that is shown, nil for none.
func alarm(s status.Status, code string) *status.Alarm {
	for i := range s.Alarms {
		if s.Alarms[i].Code == code {
			return &s.Alarms[i]
		}
	}
	return nil
}

// What makes that nothing reaches any client is an alarm with the errno and what to
// do, and none is left when all is well again.
func TestALostServiceIsAnAlarm(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc", "gcc")
	b := newHosts(t)
	d := b.startDaemon(`master.trusted=["10.99.0.0/24"]`)
	eventually(t, 40*time.Second, "clockClass 6", func() bool { return d.status().Clock.ClockClass == 6 && d.status().Clock.Serving })
	client := b.startPTP4L(serviceAddress)
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)
	for _, c := range []struct{ name, spoil, restore, errno string }{
		{"the address is deleted", "addr del " + serviceAddress + "/32 dev lo", "addr add " + serviceAddress + "/32 dev lo", "EADDRNOTAVAIL"},
		{"MTU 68", "link set gm0 mtu 68", "link set gm0 mtu 1500", "EMSGSIZE"},
		{"no route", "route del 10.99.0.0/24", "route add 10.99.0.0/24 dev gm0 src " + masterAddress, "ENETUNREACH"},
		{"a dead neighbour", "", "", "EHOSTUNREACH"},
	} {
		spoil, restore, in := c.spoil, c.restore, b.master
		if spoil == "" {
			spoil, restore, in = "addr del "+clientAddress+"/24 dev cl0", "addr add "+clientAddress+"/24 dev cl0", b.client
		}
		b.ip(in, spoil)
		if in == b.client {
			b.ip(b.master, "neigh flush dev gm0") // or the neighbour is believed to be there for half a minute
		}
		eventually(t, 20*time.Second, "SERVICE_LOST with "+c.errno+" when "+c.name, func() bool {
			a := alarm(d.status(), "SERVICE_LOST")
			return a != nil && a.Severity == "critical" && strings.Contains(a.Detail, c.errno) && strings.Contains(a.Detail, "fix: ")
		})
		before := d.status().Master.Sent
		time.Sleep(2 * time.Second)
		if after := d.status().Master.Sent; c.errno != "EHOSTUNREACH" && c.errno != "EADDRNOTAVAIL" && after-before > 10 {
			t.Errorf("%s: %d messages count as sent", c.name, after-before)
		}
		b.ip(in, restore)
		b.ip(b.client, "route replace "+serviceAddress+"/32 via "+masterAddress)
		eventually(t, 60*time.Second, "no alarm after "+c.name, func() bool { return alarm(d.status(), "SERVICE_LOST") == nil })
	}
	eventually(t, 60*time.Second, "ptp4l in SLAVE again", client.slave)
}

// A drain that stands is an alarm, and the Status says so. One that ends at once
// leaves no client with Announce alone.
func TestADrainIsSeenAndItsEndBringsTheClientsBack(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc", "gcc")
	b := newHosts(t)
	d := b.startDaemon()
	eventually(t, 40*time.Second, "clockClass 6", func() bool { return d.status().Clock.ClockClass == 6 && d.status().Clock.Serving })
	client := b.startPTP4L(serviceAddress)
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)
	all := func() bool {
		s := d.status()
		return len(s.Clients) == 1 && s.Clients[0].Grants.Sync != nil && s.Clients[0].Grants.Announce != nil && s.Clients[0].Grants.DelayResp != nil
	}
	for _, standing := range []time.Duration{0, 3 * time.Second} {
		b.bragi("drain")
		if standing > 0 {
			eventually(t, 5*time.Second, "the alarm of a drain", func() bool {
				s := d.status()
				a := alarm(s, "DRAINED")
				return a != nil && strings.Contains(a.Fix, "bragi drain --end") && s.Clock.Draining && len(s.Clients) == 0
			})
			time.Sleep(standing)
		}
		b.bragi("drain", "--end")
		eventually(t, 3*time.Second, "no alarm of a drain", func() bool { s := d.status(); return alarm(s, "DRAINED") == nil && !s.Clock.Draining })
		time.Sleep(time.Second)
		eventually(t, 15*time.Second, "all three flows after the drain", all)
	}
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)
}
