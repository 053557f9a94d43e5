package master

import (
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// reconfigure changes a configuration and takes what is sent.
func reconfigure(t *testing.T, m *Master, now timescale.Mono, change func(*Config)) ([]answer, error) {
	t.Helper()
	c := Config{Identity: ourID, Priority1: 128, Priority2: 128, MaxClients: 16, Seed: 1}
	change(&c)
	var out Outbox
	err := m.Reconfigure(now, c, &out)
	return answers(t, &out), err
}

func TestWhoIsDeniedByAReloadIsSentAway(t *testing.T) {
	m := newMaster(t, nil)
	for i := range 8 {
		newPeer(i).subscribe(t, m, at(0), 300)
	}
	got, err := reconfigure(t, m, at(time.Second), func(c *Config) { c.Deny = []netip.Prefix{netip.MustParsePrefix("10.7.0.0/30")} })
	if err != nil {
		t.Fatal(err)
	}
	cancelled := map[netip.Addr]int{}
	for _, a := range got {
		cancelled[a.Dst] += len(a.cancel)
	}
	if len(cancelled) != 4 || cancelled[newPeer(0).addr] != 3 {
		t.Errorf("CANCELs went to %v, want three to each of four", cancelled)
	}
	if n := m.Stats().ClientsServed; n != 4 {
		t.Errorf("%d clients are left, want 4", n)
	}
	heard := map[netip.Addr]int{}
	run(t, m, at(time.Second), at(3*time.Second), func(_ timescale.Mono, a answer) { heard[a.Dst]++ })
	for i := range 8 {
		if n := heard[newPeer(i).addr]; (n > 0) != (i >= 4) {
			t.Errorf("client %d gets %d messages", i, n)
		}
	}
}

// A reload changes Announce, and no Sync is late or lost for it.
func TestAReloadLeavesNoGap(t *testing.T) {
	m := newMaster(t, nil)
	newPeer(1).subscribe(t, m, at(0), 300)
	var last sent
	priority := uint8(0)
	watch := func(now timescale.Mono, a answer) {
		switch a.MessageType {
		case wire.TypeSync:
			if gap := now.Sub(last.at); !last.at.IsZero() && (gap > 33*time.Millisecond || a.SequenceID != last.seq+1) {
				t.Errorf("Sync %d comes %v after %d", a.SequenceID, gap, last.seq)
			}
			last = sent{now, a.SequenceID}
		case wire.TypeAnnounce:
			announce, err := wire.ParseAnnounce(a.Payload)
			if err != nil {
				t.Fatal(err)
			}
			priority = announce.Priority1
		}
	}
	now := at(20 * time.Millisecond)
	run(t, m, now, at(time.Second), watch)
	for i := range uint8(10) {
		now = at(time.Duration(i+1) * time.Second)
		if _, err := reconfigure(t, m, now, func(c *Config) { c.Priority1, c.MinorVersion = i, i%2 }); err != nil {
			t.Fatal(err)
		}
		run(t, m, now, now.Add(time.Second), watch)
		if priority != i {
			t.Errorf("priority1 %d is announced, want %d", priority, i)
		}
	}
}

func TestAReloadKeepsWhatManagementSet(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.Management, c.ManagementSet = true, true })
	if why := m.set(wire.IDPriority1, []byte{7, 0}); why != 0 {
		t.Fatal(why)
	}
	on := func(c *Config) { c.Management, c.ManagementSet = true, true }
	if _, err := reconfigure(t, m, at(0), on); err != nil || m.cfg.Priority1 != 7 {
		t.Errorf("priority1 is %d after a reload that says nothing of it, want 7: %v", m.cfg.Priority1, err)
	}
	if _, err := reconfigure(t, m, at(0), func(c *Config) { on(c); c.Priority1 = 100 }); err != nil || m.cfg.Priority1 != 100 {
		t.Errorf("priority1 is %d after a reload to 100: %v", m.cfg.Priority1, err)
	}
}

func TestReconfigureRefusesWhatCannotChangeLive(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"another identity":    func(c *Config) { c.Identity[7]++ },
		"another domain":      func(c *Config) { c.Domain = 24 },
		"another table":       func(c *Config) { c.MaxClients = 17 },
		"what New refuses":    func(c *Config) { c.MinorVersion = 9 },
		"a negative budget":   func(c *Config) { c.MaxRate = -1 },
		"SET without GET":     func(c *Config) { c.ManagementSet = true },
		"impossible interval": func(c *Config) { c.Limits[FlowSync] = Limits{-99, 99} },
	} {
		m := newMaster(t, nil)
		before := m.cfg.MinorVersion
		if _, err := reconfigure(t, m, at(0), change); err == nil || m.cfg.MinorVersion != before || m.cfg.Domain != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Trust that is taken away bounds what is sent from then on.
func TestTrustTakenAwayBoundsTheFlows(t *testing.T) {
	m := newMaster(t, nil)
	newPeer(1).subscribe(t, m, at(0), 300)
	if _, err := reconfigure(t, m, at(20*time.Millisecond), func(c *Config) { c.Trusted = []netip.Prefix{} }); err != nil {
		t.Fatal(err)
	}
	paid := 0
	run(t, m, at(20*time.Millisecond), at(time.Minute), func(_ timescale.Mono, a answer) { paid += len(a.Payload) })
	if paid > CreditStart {
		t.Errorf("%d bytes, want at most %d", paid, CreditStart)
	}
	if _, err := reconfigure(t, m, at(time.Minute), func(*Config) {}); err != nil {
		t.Fatal(err)
	}
	paid = 0
	run(t, m, at(time.Minute), at(2*time.Minute), func(_ timescale.Mono, a answer) { paid += len(a.Payload) })
	if paid < 60*32*44 {
		t.Errorf("%d bytes to one who is trusted again", paid)
	}
}
