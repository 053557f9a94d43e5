package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
)

// A reload reads the configuration again: what can change live does, without a
// gap, what cannot is named, and what is wrong is refused as a whole.

// reread reads the configuration as the command line said.
type reread func() (*config.Config, []config.Warning, error)

// reloadPatience is how long the packet path may take to reconfigure itself.
const reloadPatience = 5 * time.Second

// Reload applies what has changed in the configuration.
func (d *Daemon) Reload() (control.Reloaded, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	done, err := d.reload()
	if err != nil {
		d.happened(status.ReloadRefused{Why: err.Error()})
	} else {
		d.happened(status.Reloaded{Applied: done.Applied, Waiting: done.Waiting})
	}
	return done, err
}

func (d *Daemon) reload() (done control.Reloaded, err error) {
	next, warnings, err := d.reread()
	if err != nil {
		return done, err
	}
	for _, w := range warnings {
		d.happened(status.ConfigDoubted{What: fmt.Sprint(w)})
	}
	d.mu.Lock()
	now, server := d.cfg, d.server
	d.mu.Unlock()
	running, applied, waiting := now.Update(next)
	done = control.Reloaded{Applied: append([]string{}, applied...), Waiting: append([]string{}, waiting...)}
	if len(applied) == 0 {
		return done, nil
	}
	if server == nil {
		return done, errors.New("nothing is served yet (fix: bragi show alarms, and reload again)")
	}
	c, err := masterConfig(running)
	if err != nil {
		return done, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), reloadPatience)
	defer cancel()
	if err := server.Reconfigure(ctx, c, running.Master.DSCP); err != nil {
		return done, err
	}
	if d.syslog != nil {
		d.syslog.Retarget(syslog.Format(running.Syslog.Format), running.Syslog.Servers())
	}
	d.mu.Lock()
	d.cfg = running
	d.pipe.Reconfigure(running.Servo(), running.Master.QualityProfile(), running.Master.Squelch)
	d.mu.Unlock()
	d.port.SetResidualLimit(running.Master.ResidualLimit)
	d.tick() // what is announced follows at once
	return done, nil
}

// reloadOnSignal reloads on SIGHUP until ctx ends.
func (d *Daemon) reloadOnSignal(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			_, _ = d.Reload() // it logs what came of it
		}
	}
}
