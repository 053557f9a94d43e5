package daemon

import (
	"time"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/status"
	"bragi/holdover/quality"
	"bragi/master/twin"
	"bragi/master/wire"
)

// The twin, another grandmaster: the packets' thread is a client of it (master/twin),
// the service's goroutine collects what is known of it, and it is judged when the
// Status or the alarms are made, by what this grandmaster announces then.

// newTwin is a client of the twin, nil without one.
func newTwin(us wire.ClockIdentity, cfg *config.Config) *twin.Client {
	if !cfg.Twin.Addr().IsValid() {
		return nil
	}
	return twin.New(twin.Config{Identity: us, Domain: cfg.Master.Domain, Address: cfg.Twin.Addr(), From: cfg.Master.Addr()})
}

// judgeTwin says what a change to the twin would mean now. The caller holds the lock.
func (d *Daemon) judgeTwin(said quality.Announcement) (v twin.Verdict, known bool) {
	if d.known == nil || d.service.Snapshot == nil {
		return v, false
	}
	return twin.Judge(d.service.Identity.Clock, d.service.Domain, said, *d.known, d.cfg.Twin.Limit), true
}

// twinTroubles are the alarms of the twin. A clock that is out of spec, or serves
// nobody, is no measure of another.
func (d *Daemon) twinTroubles(said quality.Announcement) []alarms.Raised {
	v, known := d.judgeTwin(said)
	switch {
	case known && v.Answer == twin.NoAnswer:
		return []alarms.Raised{{Code: alarms.TwinSilent, Detail: v.Text}}
	case known && v.Answer == twin.Differs && said.ClockClass <= inSpec:
		return []alarms.Raised{{Code: alarms.TwinDiffers, Detail: v.Text}}
	}
	return nil
}

// inSpec is the worst clockClass of a clock in spec.
const inSpec = 7

// twinStatus is the twin for the faces, nil without one. The caller holds the lock.
func (d *Daemon) twinStatus(said quality.Announcement) *status.Twin {
	if d.cfg.Twin.Address == "" {
		return nil
	}
	s := &status.Twin{Address: d.cfg.Twin.Address, LimitNs: float64(d.cfg.Twin.Limit), Answer: string(twin.Measuring), Text: "nothing is served yet"}
	v, known := d.judgeTwin(said)
	if !known {
		return s
	}
	r := d.known
	s.Answer, s.Text, s.Samples = string(v.Answer), v.Text, r.Samples
	s.SilentS = float64(r.SilentNs) / float64(time.Second)
	if r.Heard {
		s.Identity = r.Identity.String()
	}
	if r.Announced {
		a := &r.Announce
		class, scale, offset := uint8(a.ClockClass), a.Flags&wire.FlagPTPTimescale != 0, a.CurrentUTCOffset
		s.ClockClass, s.ClockAccuracy, s.TimeSource = &class, a.ClockAccuracy.String(), a.TimeSource.String()
		s.Grandmaster, s.PTPTimescale, s.UTCOffset = a.Grandmaster.String(), &scale, &offset
		s.Priority1, s.Priority2 = &a.Priority1, &a.Priority2
	}
	if r.Measured {
		offset, delay := float64(r.OffsetNs), float64(r.DelayNs)
		s.OffsetNs, s.PathDelayNs = &offset, &delay
	}
	return s
}
