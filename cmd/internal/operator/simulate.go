package operator

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/phasefile"
	"bragi/cmd/internal/simulate"
	"bragi/holdover"
)

// simulateCommand runs the grandmaster on a board of software in virtual time.
func simulateCommand(o *options) *cobra.Command {
	var oscillator, scenario, pps, unit, plot string
	var opt simulate.Options
	c := &cobra.Command{Use: "simulate --oscillator KIND --scenario FILE|NAME", Short: "Run the grandmaster on an oscillator of software in virtual time, and judge it",
		Long: "Runs receiver, estimator, servo and announcement on an oscillator of software, in virtual time,\n" +
			"and judges them by the truth that they cannot see. Ready scenarios: " + strings.Join(simulate.Names(), ", ") + ".",
		Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if opt.Oscillator, err = holdover.ParseOscillator(oscillator); err != nil || opt.Oscillator == holdover.Auto {
				return cli.Usagef("simulate: --oscillator %q: use xo, tcxo, tcxo-hi, ocxo or rb", oscillator)
			}
			switch opt.Receiver {
			case "", simulate.ReceiverNMEA, simulate.ReceiverTiming:
			default:
				return cli.Usagef("simulate: --receiver %q: use nmea or timing", opt.Receiver)
			}
			if !(opt.QuantumPPB >= 0 && opt.QuantumPPB <= 1000) {
				return cli.Usagef("simulate: --quantum %v: use 0 to 1000 ppb", opt.QuantumPPB)
			}
			if scenario == "" {
				return cli.Usagef("simulate wants --scenario: a file, or one of %s", strings.Join(simulate.Names(), ", "))
			}
			if opt.Scenario, err = simulate.Load(scenario); err != nil {
				return err
			}
			if pps != "" {
				if opt.PPS, err = simulate.ReadNoise(pps, phasefile.Options{Unit: unit}); err != nil {
					return err
				}
			}
			r, trace, err := simulate.Run(opt)
			if err != nil {
				return err
			}
			return tellRun(c.OutOrStdout(), o.json, plot, opt.Scenario, r, trace)
		}}
	f := c.Flags()
	f.StringVar(&oscillator, "oscillator", "", "xo, tcxo, tcxo-hi, ocxo or rb")
	f.StringVar(&scenario, "scenario", "", "a TOML file, or the name of a ready scenario")
	f.StringVar(&opt.Receiver, "receiver", "", "nmea (25 ns of noise) or timing (5.5 ns, a sawtooth of which it tells); default: 5.5 ns without a sawtooth")
	f.StringVar(&pps, "pps", "", "play this record of pulse noise instead, from a random place with a random sign")
	f.StringVar(&unit, "unit", "s", "unit of --pps: s or ns")
	f.Uint64Var(&opt.Seed, "seed", 1, "of everything random")
	f.Float64Var(&opt.QuantumPPB, "quantum", 0, "smallest change of frequency that the clock takes, in ppb; 0: none")
	f.BoolVar(&opt.NoThermometer, "no-thermometer", false, "the servo sees no temperature")
	f.StringVar(&plot, "plot", "", "write a picture (SVG): time error, bound, forecast and class")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// tellRun prints the judgement and draws the picture.
func tellRun(w io.Writer, asJSON bool, plot string, s *simulate.Scenario, r *simulate.Result, trace *simulate.Trace) error {
	if plot != "" {
		if err := os.WriteFile(plot, []byte(simulate.Plot(s, r, trace)), 0o644); err != nil {
			return fmt.Errorf("simulate: %w", err)
		}
	}
	if asJSON {
		return printJSON(w, r)
	}
	_, err := io.WriteString(w, simulate.Report(s, r))
	return err
}

var errNothingSecond = errors.New("the record has no second in it")

// secondsOf is the record as phase in ns, one point a second.
func secondsOf(r *phasefile.Record) ([]float64, error) {
	x, err := r.EachSecond()
	if err != nil {
		return nil, err
	}
	known := false
	for i := range x {
		x[i] *= 1e9
		known = known || !math.IsNaN(x[i])
	}
	if !known {
		return nil, errNothingSecond
	}
	return x, nil
}
