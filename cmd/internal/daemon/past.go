package daemon

import (
	"time"

	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
)

// The clock's past is kept for a plot: a point for half a minute, for a day.
const (
	pastEvery = 30 * time.Second
	pastKept  = int(24 * time.Hour / pastEvery)
)

// clockPast is the latest points. The zero value is ready; not safe for several
// goroutines.
type clockPast struct {
	points []status.ClockPoint // a ring once it is full
	next   int                 // where the oldest one is then
}

// add takes how the clock is at a moment, into the latest point while that is not over.
// When the time of day is set back, a point of its own begins.
func (p *clockPast) add(now status.ClockPoint) {
	if last := p.last(); last != nil {
		if age := now.At.Sub(last.At); age >= 0 && age < pastEvery {
			last.Worsen(now)
			return
		}
	}
	if len(p.points) < pastKept {
		p.points = append(p.points, now)
		return
	}
	p.points[p.next] = now
	p.next = (p.next + 1) % pastKept
}

func (p *clockPast) last() *status.ClockPoint {
	if len(p.points) == 0 {
		return nil
	}
	return &p.points[(p.next+len(p.points)-1)%len(p.points)]
}

// all are the points, oldest first.
func (p *clockPast) all() []status.ClockPoint {
	return append(append(make([]status.ClockPoint, 0, len(p.points)), p.points[p.next:]...), p.points[:p.next]...)
}

// pointOf is how the clock is at a look.
func pointOf(wall time.Time, look *pipeline.Look) status.ClockPoint {
	report, said := look.Report, look.Announcement
	return status.ClockPoint{At: wall, TimeErrorNs: known(report.ErrorNs), BoundNs: known(report.BoundNs), ClockClass: said.ClockClass, Serving: said.Serve}
}

// ClockHistory is how the clock was, oldest first.
func (d *Daemon) ClockHistory() []status.ClockPoint {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.past.all()
}
