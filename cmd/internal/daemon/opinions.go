package daemon

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"bragi/board"
	"bragi/board/kernelclock"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/sntp"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/version"
	"bragi/gnss"
	"bragi/gnss/timescale"
)

// Who else knows the time: the system clock while some program keeps it by NTP, the NTP
// servers of gnss.second_opinion, and the board's real-time clock (rtc.go). What they say
// goes to the pipeline, which holds it against the receiver.

const (
	systemEvery = 2 * time.Second
	// A server is asked quickly until it has a median, then once in 64 s. One that
	// does not answer is asked again after 2, 4, 8 ... 64 s: a network may be late.
	serverQuick = 2 * time.Second
	serverEvery = 64 * time.Second
	serverRest  = 15 * time.Minute // after it asked for that
	medianOf    = 3
)

// seekOpinions asks until ctx ends.
func (d *Daemon) seekOpinions(ctx context.Context, cfg *config.Config, running *sync.WaitGroup) {
	if cfg.AsksSystemClock() {
		running.Go(func() { d.askSystemClock(ctx) })
	}
	if cfg.AsksRTC() {
		running.Go(func() { d.askRTC(ctx, board.RTC, rtcPath(cfg)) })
	}
	for _, server := range cfg.OpinionServers() {
		running.Go(func() { d.askServer(ctx, server) })
	}
}

// opinion hands one on.
func (d *Daemon) opinion(o gnss.Opinion) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pipe.Opinion(o)
}

func (d *Daemon) askSystemClock(ctx context.Context) {
	for {
		if o, ok := systemOpinion(kernelclock.ReadSystemClock()); ok {
			d.opinion(o)
		}
		if !pause(ctx, systemEvery) {
			return
		}
	}
}

// systemOpinion is what the system clock says; ok is false while nobody keeps it.
func systemOpinion(c kernelclock.SystemClock, err error) (o gnss.Opinion, ok bool) {
	if err != nil || !c.Synchronised || c.Realtime.Sub(buildDate()) < 0 {
		return gnss.Opinion{}, false
	}
	return gnss.Opinion{Source: "the system clock", At: c.Mono, UTC: c.Realtime, Uncertainty: c.MaxError}, true
}

func buildDate() timescale.UTC { return timescale.UTCFromNs(version.BuildDate() * int64(time.Second)) }

// askServer asks an NTP server again and again. What it says is the median of three
// answers: one that was held up, or is forged, is none.
func (d *Daemon) askServer(ctx context.Context, server string) {
	var recent answers
	said, failing := "", serverQuick
	for {
		wait := serverEvery
		answer, err := sntp.Ask(ctx, server, kernelclock.Raw, buildDate())
		if ctx.Err() != nil {
			return
		}
		now := ""
		switch {
		case errors.Is(err, sntp.ErrRate):
			wait, now = serverRest, err.Error()
		case err != nil:
			now = err.Error()
			wait, failing = failing, min(2*failing, serverEvery)
		default:
			failing = serverQuick
			if median, ok := recent.add(answer); ok {
				d.opinion(gnss.Opinion{Source: "NTP server " + server, At: median.At, UTC: median.UTC, Uncertainty: median.Uncertainty, Firm: true})
			} else {
				wait = serverQuick
			}
		}
		if now != said {
			said = now
			if now == "" {
				now = "it answers"
			}
			d.happened(status.OpinionServer{Server: server, What: now})
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// answers are the latest of one server.
type answers []sntp.Answer

// add takes an answer and returns the median of the latest, carried to its time; ok is
// false while there are too few.
func (a *answers) add(latest sntp.Answer) (median sntp.Answer, ok bool) {
	*a = append(*a, latest)
	if len(*a) < medianOf {
		return sntp.Answer{}, false
	}
	*a = (*a)[len(*a)-medianOf:]
	ahead := func(x sntp.Answer) time.Duration { return x.UTC.Sub(latest.UTC) - x.At.Sub(latest.At) }
	sorted := slices.Clone(*a)
	slices.SortFunc(sorted, func(x, y sntp.Answer) int { return int(ahead(x).Microseconds() - ahead(y).Microseconds()) })
	m := sorted[medianOf/2]
	return sntp.Answer{At: latest.At, UTC: latest.UTC.Add(ahead(m)), Uncertainty: m.Uncertainty}, true
}

// pause waits; false: ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
