// Package virtual runs a Pipeline in virtual time. Grandmaster is a clock and its
// Pipeline, to which somebody hands pulses and seconds; Rig is one on the board of
// software, whose receiver speaks in bytes.
package virtual

import (
	"slices"
	"time"

	"bragi/board"
	"bragi/cmd/internal/pipeline"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// Begin is when virtual time begins, in raw time. Sky and raw time differ by a
// constant.
var Begin = timescale.MonoFromNs(1000 * int64(time.Second))

// SkyAtBegin is the sky's time then, unless a simulation wants another, and Floor
// a date before it that is surely past.
var (
	SkyAtBegin = timescale.Builtin().ToTAI(timescale.UTCFromNs(1795392000e9)) // 2026-11-23T00:00:00Z
	Floor      = timescale.UTCFromNs(1795305600e9)
)

// Grandmaster is a Pipeline around a clock in virtual time.
type Grandmaster struct {
	Now    timescale.Mono
	Pipe   *pipeline.Pipeline
	Report holdover.Report      // what the clock was at the latest tick
	Said   quality.Announcement // and what was announced then
	Clock  board.Clock
	Sky0   timescale.TAI // the sky's time at Begin
	Lies   []string      // of the announcements, had nobody looked; each once
}

// Sky is the truth.
func (g *Grandmaster) Sky(m timescale.Mono) timescale.TAI { return g.Sky0.Add(m.Sub(Begin)) }

// PowerOn starts a Pipeline anew.
func (g *Grandmaster) PowerOn(cfg pipeline.Config) error {
	g.Pipe, g.Report, g.Said = pipeline.New(cfg, g.Clock), holdover.Report{}, quality.Announcement{}
	return g.Pipe.Start(g.Now, g.Sky(g.Now))
}

// Edge hands on a pulse at now.
func (g *Grandmaster) Edge(now timescale.Mono, e timescale.Edge) {
	g.Now = now
	g.Pipe.Edge(now, e)
}

// Epoch names a second at now, in the place of a receiver's bytes.
func (g *Grandmaster) Epoch(now timescale.Mono, e gnss.Epoch) {
	g.Now, e.Received = now, now
	g.Pipe.Epoch(e)
}

// Tick lets time pass until now. Clients are served once something is announced.
func (g *Grandmaster) Tick(now timescale.Mono) {
	g.Now = now
	g.Pipe.Tick(now, g.Said.Serve)
	g.Report, g.Said = g.Pipe.Clock(now)
	for _, lie := range g.Pipe.Lies() {
		if !slices.Contains(g.Lies, string(lie)) {
			g.Lies = append(g.Lies, string(lie))
		}
	}
}
