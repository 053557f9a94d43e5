package daemon

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/netport"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
)

// observed is a daemon without goroutines and sockets around a rig's Pipeline: each
// tick of the rig is one of its own.
func observed(t *testing.T, r *virtual.Rig) *Daemon {
	t.Helper()
	cfg := inFolder(t, t.TempDir())
	d := &Daemon{diary: newDiary(zap.NewNop(), nil), cfg: cfg, pipe: r.Pipe, keep: newKeeper(cfg, func(status.Event) {}), memory: openMemory("", "", ""), alarms: alarms.NewSet(),
		devices: &devices{thermometer: &thermometer{}, clock: r.Clock, receiver: newReceiver(cfg)}}
	d.port = netport.New(d.portConfig())
	d.drills, _ = openDrills(filepath.Join(cfg.Control.RunDir, "drills"))
	r.Watch = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.take(time.Unix(0, r.Now.Ns()), r.Pipe.Look(r.Now), d.port.Troubles())
	}
	r.Run(time.Millisecond)
	return d
}

// A watcher is told of every change before the Status that shows it: from the
// events alone state, class and alarms are those of each Status.
func TestWatcherHearsWhatHappenedBeforeTheStatusThatShowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1, TimeToFix: 3 * time.Second})
		d := observed(t, r)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		first := d.latest()
		state, class, shown := first.Clock.StateName, uint8(0), map[string]bool{}
		for _, a := range first.Alarms {
			shown[a.Code] = true
		}
		statuses, classes := 0, []uint8{}
		go d.Watch(ctx, func(s status.Status) {
			statuses++
			if s.Clock.StateName != state || s.Clock.Serving && s.Clock.ClockClass != class {
				t.Errorf("%v: the status says %s, class %d, the events %s, class %d", s.Time, s.Clock.StateName, s.Clock.ClockClass, state, class)
			}
			codes := map[string]bool{}
			for _, a := range s.Alarms {
				codes[a.Code] = true
			}
			if !maps.Equal(codes, shown) {
				t.Errorf("%v: the status shows alarms %v, the events %v", s.Time, codes, shown)
			}
		}, func(r status.Record) {
			switch e := r.Event.(type) {
			case status.StateChanged:
				state = e.StateName
			case status.ClassChanged:
				class = e.ClockClass
				classes = append(classes, class)
			case status.AlarmRaised:
				shown[e.Code] = true
			case status.AlarmCleared:
				delete(shown, e.Code)
			}
		})
		synctest.Wait()
		pass := func(span time.Duration) {
			for range span / pipeline.Every {
				r.Run(pipeline.Every)
				synctest.Wait()
			}
		}
		pass(40 * time.Second)
		r.Board.SetAntenna(false)
		pass(80 * time.Second) // max_holdover is a minute
		r.Board.SetAntenna(true)
		pass(60 * time.Second)
		if want := []uint8{6, 7, 52, 6}; !slices.Equal(classes[max(0, len(classes)-4):], want) {
			t.Errorf("classes %v, want %v at the end", classes, want)
		}
		if statuses != 4*180+1 {
			t.Errorf("%d statuses in three minutes", statuses)
		}
	})
}

// A watcher that stands still holds nobody up: it misses ticks, and what it misses
// of the events it is told.
func TestSlowWatcherHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1})
		d := observed(t, r)
		ctx, stop := context.WithCancel(t.Context())
		asleep := make(chan struct{})
		statuses, heard, missed := 0, 0, 0
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.Watch(ctx, func(status.Status) {
				if statuses++; statuses == 1 {
					<-asleep
				}
			}, func(r status.Record) {
				switch e := r.Event.(type) {
				case status.SettingChanged:
					heard++
				case status.Missed:
					missed += int(e.Events)
				}
			})
		}()
		synctest.Wait()
		const events = 3 * eventsKept
		for range events {
			d.happened(status.SettingChanged{})
		}
		r.Run(10 * time.Second)
		close(asleep)
		synctest.Wait()
		if heard+missed < events || heard < eventsKept-10 || missed == 0 || statuses > 4 {
			t.Errorf("of %d events it heard %d and was told of %d it missed; it saw %d statuses", events, heard, missed, statuses)
		}
		stop()
		<-ended
		if n := len(d.watchers); n != 0 {
			t.Errorf("%d watchers are left", n)
		}
	})
}
