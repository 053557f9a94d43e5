package daemon

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/config/store"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// A reload reads the configuration again: what can change live does, without a
// gap, what cannot is named, and what is wrong is refused as a whole.

// Admins are who may change something over the control socket, beside root.
func (d *Daemon) Admins() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg.Control.Admins
}

// Tell tells an event that a face knows of.
func (d *Daemon) Tell(e status.Event) { d.happened(e) }

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
		d.happened(status.Reloaded{Applied: slices.Concat(done.Applied, done.Reread), Waiting: done.Waiting})
	}
	return done, err
}

func (d *Daemon) reload() (control.Reloaded, error) {
	next, used, warnings, err := d.source.read()
	if err != nil {
		return control.Reloaded{}, err
	}
	return d.apply(next, used, warnings)
}

// reloaded is an answer without a null.
func reloaded(applied, reread, waiting []string, warnings []config.Warning) control.Reloaded {
	none := []string{}
	r := control.Reloaded{Applied: append(none, applied...), Reread: append(none, reread...), Waiting: append(none, waiting...), Warnings: none}
	for _, w := range warnings {
		r.Warnings = append(r.Warnings, w.String())
	}
	return r
}

// apply lets a configuration, read from a text, run as far as that can be without a
// restart. The caller holds d.reloading.
func (d *Daemon) apply(next *config.Config, text []byte, warnings []config.Warning) (done control.Reloaded, err error) {
	for _, w := range warnings {
		d.happened(status.ConfigDoubted{What: w.String()})
	}
	d.mu.Lock()
	now, server := d.cfg, d.server
	d.mu.Unlock()
	running, applied, waiting := now.Update(next)
	if len(applied) > 0 {
		if err := d.reconfigure(server, running); err != nil {
			return done, err
		}
	}
	reread, behind := d.lookBehindNames()
	d.waiting.Store(&waiting)
	d.used = store.Hash(text)
	return reloaded(applied, reread, waiting, append(warnings, behind...)), nil
}

// reconfigure lets everything that can follow running.
func (d *Daemon) reconfigure(server *udp.Server, running *config.Config) error {
	c, err := masterConfig(running)
	if err != nil {
		return err
	}
	d.mu.Lock()
	asks := d.guests.asks
	d.mu.Unlock()
	if server != nil { // else catchUp does it
		ctx, cancel := context.WithTimeout(context.Background(), reloadPatience)
		defer cancel()
		if err := server.Reconfigure(ctx, c, running.Master.DSCP); err != nil {
			return err
		}
		if err := server.On(ctx, func() { asks.Ask(running.Master.Monitor) }); err != nil {
			return err
		}
	}
	if d.syslog != nil {
		d.syslog.Reconfigure(running.Syslog.Sender())
	}
	d.mu.Lock()
	d.cfg = running
	d.pipe.Reconfigure(running.Servo(), running.Master.QualityProfile(), running.Master.Squelch)
	d.pipe.Rules(selectionRules(running), float64(running.Selection.Limit))
	d.mu.Unlock()
	d.port.SetResidualLimit(running.Master.ResidualLimit)
	d.tick() // what is announced follows at once
	return nil
}

// catchUp gives a service that begins what was reloaded while its address was
// waited for.
func (d *Daemon) catchUp(server *udp.Server) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.mu.Lock()
	running := d.cfg
	d.mu.Unlock()
	if running == d.begun {
		return
	}
	if err := d.reconfigure(server, running); err != nil {
		d.happened(status.ReloadRefused{Why: err.Error()})
	}
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
