// Package daemon is the assembly: it joins receiver, board, servo and master,
// each of which knows nothing of the others: goroutines, devices and sockets around
// a pipeline.Pipeline.
package daemon

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bragi/board"
	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/config/store"
	"bragi/cmd/internal/httpface"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
)

// thermometerNow is what the configuration finds on this machine at the moment.
func thermometerNow(cfg *config.Config) string {
	if cfg.Simulated() {
		return (&thermometer{want: cfg.Holdover.Thermometer, sim: func() float64 { return 0 }}).words()
	}
	return newThermometer(cfg.Holdover.Thermometer, board.OpenThermometer).words()
}

// httpConfig is where metrics and status are read over TCP; its Address is empty
// where they are not.
func httpConfig(c config.Control) httpface.Config {
	return httpface.Config{Address: c.HTTP, Certificate: c.HTTPCertificate, Key: c.HTTPKey, ClientCA: c.HTTPClientCA, TokenFile: c.HTTPTokenFile}
}

// Command is bragid's command line.
func Command() *cobra.Command {
	var (
		file  string
		sets  []string
		check bool
	)
	c := &cobra.Command{
		Use:   "bragid --config FILE",
		Short: "The grandmaster's daemon",
		Long: "The daemon of the bragi PTP grandmaster. It steers the board's clock by a GNSS receiver, and serves the time to\n" +
			"unicast clients. Ask it with 'bragi show clock'. SIGTERM ends it: clients keep their grants and go on when it is back.",
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if file == "" {
				return cli.Usagef("--config FILE is missing (fix: bragid --config /etc/bragi/bragi.toml)")
			}
			realTime, err := plainScheduling()
			if err != nil {
				return err
			}
			from := newSource(file, sets)
			var takenBack bool
			if !check {
				if takenBack, err = from.store.Recover(from.now()); err != nil {
					return err
				}
			}
			cfg, text, warnings, err := from.read()
			if err != nil {
				return err
			}
			if check {
				if wrong := files(cfg); len(wrong) > 0 {
					return errors.Join(wrong...)
				}
				for _, w := range warnings {
					fmt.Fprintf(c.ErrOrStderr(), "bragid: warning: %s\n", w)
				}
				leap, err := leapWords(cfg.GNSS.LeapFile)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s%-11s %s\n%-11s %s\n", cfg.Describe(), "thermometer", thermometerNow(cfg), "leaps", leap)
				return err
			}
			sender := syslog.NewSender(cfg.Syslog.Sender())
			events := newDiary(newLog(), sender.Put)
			events.undated.Store(undatedAtStart(cfg))
			for _, w := range warnings {
				events.happened(status.ConfigDoubted{What: fmt.Sprint(w)})
			}
			if realTime != "" {
				events.happened(status.SchedulingDoubted{What: schedulingWords(realTime)})
			}
			if takenBack {
				events.happened(status.ConfigTakenBack{Starts: true})
			}
			return run(c.Context(), cfg, store.Hash(text), from, events, sender)
		},
	}
	c.Flags().StringVar(&file, "config", "", "the configuration file (TOML)")
	c.Flags().StringArrayVar(&sets, "set", nil, "override a key: section.key=value (repeatable)")
	c.Flags().BoolVar(&check, "check", false, "check the file and print what would run; touch nothing")
	return c
}
