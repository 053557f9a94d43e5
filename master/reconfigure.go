package master

import (
	"errors"
	"math/rand/v2"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Reconfigure changes, while clients are served, what can change without a gap:
// who may be a client or is monitored, priorities, limits, budget, minorVersionPTP, management,
// Pdelay and open service. Identity, domain, the size of the tables and two-step
// need another master. A client that is no longer allowed is sent away with
// CANCELs. Priorities that SET has changed stay unless c changes them too.
func (m *Master) Reconfigure(now timescale.Mono, c Config, out *Outbox) error {
	c, err := c.withDefaults()
	switch {
	case err != nil:
		return err
	case c.Identity != m.cfg.Identity || c.Domain != m.cfg.Domain || c.MaxClients != m.cfg.MaxClients:
		return errors.New("master: identity, domain and max_clients stay as long as clients are served: restart")
	}
	c.TwoStepFor, c.SyncCorrection, c.DelayRespCorrection, c.Seed, c.Description = m.cfg.TwoStepFor, m.cfg.SyncCorrection, m.cfg.DelayRespCorrection, m.cfg.Seed, m.cfg.Description
	was := m.told
	m.told = c
	for _, p := range []struct{ was, now, set *uint8 }{{&was.Priority1, &c.Priority1, &m.cfg.Priority1}, {&was.Priority2, &c.Priority2, &m.cfg.Priority2}} {
		if *p.was == *p.now {
			*p.now = *p.set
		}
	}
	m.cfg = c
	if c.Open && m.open == nil {
		m.open = newLimiter(rand.New(rand.NewPCG(c.Seed, 2)), time.Second/256, time.Second)
	}
	if c.Pdelay && m.peers == nil {
		m.peers = newLimiter(rand.New(rand.NewPCG(c.Seed, 3)), time.Second/256, time.Second)
	}
	m.build()
	for i := len(m.clients.used) - 1; i >= 0; i-- { // downwards: a row that leaves is replaced by the last one
		m.rejudge(now, m.clients.used[i], out)
	}
	return nil
}

// rejudge lets a client go that is no longer allowed, and keeps its account where
// it is no longer trusted.
func (m *Master) rejudge(now timescale.Mono, row int32, out *Outbox) {
	c := &m.clients.rows[row]
	if !m.allowed(&Datagram{Src: c.key.Address}) {
		for f := range c.grants {
			if !c.grants[f].live {
				continue
			}
			m.tlv = wire.UnicastCancel{MessageType: Flow(f).Type()}.Append(m.tlv[:0])
			m.signalTo(c.key, &c.signalSeq, c.asked, out)
			m.end(now, row, Flow(f), EventCancelled)
		}
		m.release(now, row)
		return
	}
	c.trusted = m.trusted(c.key.Address)
	m.recount(row)
	if !within(c.key.Address, m.cfg.Monitor) {
		c.computed = Computed{}
	}
}
