package daemon

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"bragi/board"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/light"
	"bragi/cmd/internal/status"
)

// lightFile names the LED's folder in run_dir, for who puts it out when bragid did
// not (bragid.service).
const lightFile = "led"

// shine shows the state by the board's LED until ctx ends, then puts it out.
func (d *Daemon) shine(ctx context.Context, led *board.LED, runDir string) {
	note := filepath.Join(runDir, lightFile)
	os.WriteFile(note, []byte(led.Path()+"\n"), 0o644) //nolint:errcheck // without it the LED keeps what it showed when bragid is killed
	defer os.Remove(note)
	defer led.Set(false) //nolint:errcheck // nobody is left to tell
	tick := time.NewTicker(time.Second / light.TicksPerSecond)
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		led.Set(light.Of(d.inShort()).Lit(n)) //nolint:errcheck // it is tried again with the next tick
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
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
// there is none. One that is named and not there is an error.
func openLight(cfg *config.Config) (*board.LED, error) {
	switch name := cfg.Board.LED; {
	case name == config.NoLED:
		return nil, nil
	case name != config.AnyLED:
		return board.OpenLED(name)
	}
	profile, _ := board.ProfileOf(cfg.Board.Profile)
	if profile.LED == "" {
		return nil, nil
	}
	led, err := board.OpenLED(profile.LED)
	if err != nil {
		return nil, nil // a board of another maker may have none
	}
	return led, nil
}
