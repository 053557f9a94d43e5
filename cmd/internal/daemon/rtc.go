package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"bragi/board"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/state"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// The board's real-time clock (RTC) runs on while the board is without power, seconds a
// day fast or slow. While the served clock is locked it is compared with it, and how far
// it was off is kept. After a loss of power it then tells the second, to an uncertainty
// that grows with the time since: enough to contradict a receiver that starts with an old
// count of leap seconds. It is a witness once it has kept the time through such a loss.

var rtcKind = state.Kind{Name: "rtc", Version: 1}

// rtcMemory is the content of the file: what an RTC was when it was compared last.
type rtcMemory struct {
	TAINs    int64   `json:"tai_ns"`    // when that was
	AheadNs  int64   `json:"ahead_ns"`  // its reading less TAI, both counted since 1970
	DriftPPB float64 `json:"drift_ppb"` // positive: it is fast
	Drifts   bool    `json:"drifts"`    // DriftPPB is known
	Boot     string  `json:"boot"`      // in which that was
	Proven   bool    `json:"proven"`    // it has kept the time while the board was without power
}

// witnesses tells whether it may contradict a receiver in this boot: some clocks stand
// still without power.
func (m *rtcMemory) witnesses(boot string) bool {
	return m != nil && (m.Proven || m.Boot == boot && boot != "")
}

const (
	rtcEvery      = 64 * time.Second
	rtcLocked     = 10 * time.Minute // in lock before it is compared
	rtcCompared   = time.Hour        // between two comparisons: the disk is flash
	rtcGrainNs    = 20e6
	rtcUnknownPPB = 100e3 // of a crystal between -40 and 85 C
	rtcKnownPPB   = 20e3  // the same after its frequency was measured
	rtcDriftsMost = 500e3 // more was somebody who set it
)

// opinion is what an RTC says that read says at at; ok is false where it was set back
// since, because its battery is empty.
func (m rtcMemory) opinion(at timescale.Mono, says timescale.UTC, table *timescale.LeapSeconds) (o gnss.Opinion, ok bool) {
	age := float64(says.Ns() - m.AheadNs - m.TAINs)
	if age < 0 {
		return o, false
	}
	uncertain := rtcUnknownPPB
	if m.Drifts {
		uncertain = rtcKnownPPB
	}
	tai := says.Ns() - m.AheadNs - int64(age*m.DriftPPB/1e9)
	utc, _ := table.ToUTC(timescale.TAIFromNs(tai))
	return gnss.Opinion{Source: "the board's real-time clock", At: at, UTC: utc, Or: says, Uncertainty: time.Duration(rtcGrainNs + age*uncertain/1e9), Firm: true}, true
}

// compared is the memory after a comparison with TAI in a boot; before is that of the
// comparison before it, nil for none.
func (before *rtcMemory) compared(boot string, says timescale.UTC, tai timescale.TAI, table *timescale.LeapSeconds) rtcMemory {
	m := rtcMemory{TAINs: tai.Ns(), AheadNs: says.Ns() - tai.Ns(), Boot: boot}
	if before == nil {
		return m
	}
	if m.Proven = before.Proven; before.Boot != boot {
		o, ok := before.opinion(timescale.Mono{}, says, table)
		utc, _ := table.ToUTC(tai)
		if m.Proven = ok && o.UTC.Sub(utc).Abs() <= o.Uncertainty; !m.Proven {
			return m
		}
	}
	since := m.TAINs - before.TAINs
	drift := float64(m.AheadNs-before.AheadNs) / float64(since) * 1e9
	switch {
	case since < int64(rtcCompared) || math.Abs(drift) > rtcDriftsMost:
		m.DriftPPB, m.Drifts = before.DriftPPB, before.Drifts
	default:
		m.DriftPPB, m.Drifts = drift, true
	}
	return m
}

// rtcPath is the memory's file, beside the surveyed position.
func rtcPath(cfg *config.Config) string {
	return filepath.Join(filepath.Dir(cfg.PositionFile()), "rtc")
}

func readRTCMemory(path string) *rtcMemory {
	content, err := state.ReadFile(path, rtcKind)
	if err != nil {
		return nil
	}
	var m rtcMemory
	if json.Unmarshal(content, &m) != nil {
		return nil
	}
	return &m
}

// askRTC asks the board's RTC, and compares it while the clock is locked, until ctx ends.
// A board without one is none the worse.
func (d *Daemon) askRTC(ctx context.Context, device, path string) {
	earlier := readRTCMemory(path)
	last, wrote := earlier, time.Time{}
	for {
		at, says, err := board.ReadRTC(device)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return
		case err == nil:
			if earlier.witnesses(d.keep.boot) {
				d.mu.Lock()
				if o, ok := earlier.opinion(at, says, d.pipe.LeapTable()); ok {
					d.pipe.Opinion(o)
				}
				d.mu.Unlock()
			}
			if tai, ok := d.lockedTAI(at); ok && time.Since(wrote) > rtcCompared {
				m := last.compared(d.keep.boot, says, tai, timescale.Builtin())
				last, wrote = &m, time.Now()
				_ = writeRTCMemory(path, m) // it is a help, no need
			}
		}
		if !pause(ctx, rtcEvery) {
			return
		}
	}
}

func writeRTCMemory(path string, m rtcMemory) error {
	content, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return state.WriteFile(path, rtcKind, content)
}

// lockedTAI is TAI at m, while the clock has been locked for long and nothing doubts it.
func (d *Daemon) lockedTAI(m timescale.Mono) (timescale.TAI, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	report, _ := d.pipe.Clock(m)
	return d.devices.clock.Local(m).AssumeTAI(), report.State == quality.Locked && report.LockedFor > rtcLocked
}
