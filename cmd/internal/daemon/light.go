package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bragi/board"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/light"
	"bragi/cmd/internal/status"
)

// lightFile names the LED's folder in run_dir, for who puts it out when bragid did
// not (bragid.service).
const lightFile = "led"

// shine shows the state by the board's LED until ctx ends, then puts it out. Without
// an LED it ends.
func (d *Daemon) shine(ctx context.Context, open func() (*board.LED, error)) {
	led := d.seekLight(ctx, open)
	if led == nil {
		return
	}
	note := filepath.Join(d.cfg.Control.RunDir, lightFile)
	os.WriteFile(note, []byte(led.Path()+"\n"), 0o644) //nolint:errcheck // without it the LED keeps what it showed when bragid is killed
	defer os.Remove(note)
	defer led.Set(false) //nolint:errcheck // nobody is left to tell
	tick := time.NewTicker(time.Second / light.TicksPerSecond)
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		d.lightIs(led, led.Set(light.Of(d.inShort()).Lit(n))) // it is tried again with the next tick
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// seekLight opens the LED, again and again: its driver may be loaded later. nil: there
// is to be none, or ctx has ended.
func (d *Daemon) seekLight(ctx context.Context, open func() (*board.LED, error)) *board.LED {
	for {
		led, err := open()
		d.lightIs(led, err)
		if err == nil {
			return led
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookAgain):
		}
	}
}

// lightIs keeps for the Status which LED shines, or why none does. That is an event
// when it is new: the time is served all the same.
func (d *Daemon) lightIs(led *board.LED, err error) {
	now, told := "none", ""
	switch {
	case err != nil:
		why := strings.TrimPrefix(err.Error(), "board: ")
		now, told = "none: "+why, "the LED does not show the state: "+why
	case led != nil:
		now = led.Name
	}
	d.mu.Lock()
	was := d.light
	d.light = now
	d.mu.Unlock()
	if told != "" && now != was {
		d.happened(status.ConfigDoubted{What: told})
	}
}

// inShort is the part of the Status that the LED shows: it is asked often.
func (d *Daemon) inShort() (s status.Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Clock.State, s.Clock.Serving, s.Alarms = d.look.Report.State.Cisco(), d.look.Announcement.Serve, d.alarms.Active()
	d.whoIsServed(&s.Clock)
	return s
}

// openLight is the LED that the configuration names, or the board is known for; nil:
// there is to be none. One that is not there is an error.
func openLight(cfg *config.Config) (*board.LED, error) {
	switch name := cfg.Board.LED; {
	case name == config.NoLED:
		return nil, nil
	case name != config.AnyLED:
		return board.OpenLED(name)
	}
	profile, _ := board.ProfileOf(cfg.Board.Profile)
	if len(profile.LEDs) == 0 {
		return nil, nil
	}
	return board.OpenLED(profile.LEDs...)
}
