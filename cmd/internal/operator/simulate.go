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
	var oscillator, configured, scenario, pps, unit, plot, trace string
	var days int
	var opt simulate.Options
	c := &cobra.Command{Use: "simulate --oscillator KIND --scenario FILE|NAME | --weather N", Short: "Run the grandmaster on a model, in virtual time, and judge it",
		Long: "Runs receiver, estimator, servo and announcement on a model of an oscillator, in virtual time.\n" +
			"Judges them by the truth, which they cannot see. Ready scenarios: " + strings.Join(simulate.Names(), ", ") + ".\n" +
			"With --weather N it draws N days of all that may happen. It fails when a day breaks what is promised.",
		Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if c.Flags().Changed("weather") {
				return weather(c, o, days, opt.Seed, trace)
			}
			if trace != "" {
				return cli.Usagef("simulate: --trace writes one day of weather: give --weather 1 too")
			}
			if opt.Oscillator, err = holdover.ParseOscillator(oscillator); err != nil || opt.Oscillator == holdover.Auto {
				return cli.Usagef("simulate: --oscillator %q: use xo, tcxo, tcxo-hi, ocxo or rb", oscillator)
			}
			if configured != "" {
				kind, err := holdover.ParseOscillator(configured)
				if err != nil {
					return cli.Usagef("simulate: --configured %q: use auto, xo, tcxo, tcxo-hi, ocxo or rb", configured)
				}
				opt.Configured = &kind
			}
			switch opt.Receiver {
			case "", simulate.ReceiverNMEA, simulate.ReceiverTiming, simulate.ReceiverMultiband, simulate.ReceiverGPIO:
			default:
				return cli.Usagef("simulate: --receiver %q: use nmea, timing, multiband or gpio", opt.Receiver)
			}
			if !(opt.QuantumPPB >= 0 && opt.QuantumPPB <= 1000) {
				return cli.Usagef("simulate: --quantum %v: use 0 to 1000 ppb", opt.QuantumPPB)
			}
			if scenario == "" {
				return cli.Usagef("simulate needs --scenario: a file, or one of %s", strings.Join(simulate.Names(), ", "))
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
	f.StringVar(&configured, "configured", "", "the kind of oscillator that the servo is told: another one, or auto; default: --oscillator")
	f.IntVar(&days, "weather", 0, "draw this number of days of weather and judge them: the first from --seed, the next from --seed + 1")
	f.StringVar(&scenario, "scenario", "", "a TOML file, or the name of a ready scenario")
	f.StringVar(&opt.Receiver, "receiver", "", "nmea (25 ns of noise), timing (5.5 ns, and a sawtooth that the receiver reports), multiband (the same with half the slow wander) or gpio (7 us late, 1.7 us of noise); default: 5.5 ns, no sawtooth")
	f.StringVar(&pps, "pps", "", "take the pulse noise from this record, from a random place and with a random sign")
	f.StringVar(&unit, "unit", "s", "unit of --pps: s or ns")
	f.Uint64Var(&opt.Seed, "seed", 1, "seed of everything random")
	f.Float64Var(&opt.QuantumPPB, "quantum", 0, "the smallest change of frequency that the clock can make, in ppb; 0: any")
	f.BoolVar(&opt.NoThermometer, "no-thermometer", false, "the servo sees no temperature")
	pictureFlag(f, &plot, "plot", "write a picture (SVG): time error, bound, forecast and class")
	f.StringVar(&trace, "trace", "", "with --weather 1: write to this file (CSV), for each second, the truth and what the clock knew")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// weatherMost is about a week of computing.
const weatherMost = 1_000_000

// errBroken is what a day of weather broke; what, was printed.
var errBroken = errors.New("simulate: days of weather broke what is promised")

// weather draws and judges days.
func weather(c *cobra.Command, o *options, days int, seed uint64, trace string) error {
	if days < 1 || days > weatherMost {
		return cli.Usagef("simulate: --weather %d: use 1 to %d days", days, weatherMost)
	}
	for _, name := range []string{"oscillator", "configured", "scenario", "receiver", "pps", "unit", "quantum", "no-thermometer", "plot"} {
		if c.Flags().Changed(name) {
			return cli.Usagef("simulate: --weather draws everything from --seed: leave --%s out", name)
		}
	}
	if trace != "" && days != 1 {
		return cli.Usagef("simulate: --trace writes one day: use --weather 1 with the day's --seed")
	}
	r, err := weatherOf(c, days, seed, trace)
	if err != nil {
		return err
	}
	if o.json {
		err = printJSON(c.OutOrStdout(), r)
	} else {
		err = simulate.WriteWeather(c.OutOrStdout(), r)
	}
	if err == nil && r.DaysBroken > 0 {
		err = errBroken
	}
	return err
}

// weatherOf judges the days, and tells how far it is. With a trace it writes one day's.
func weatherOf(c *cobra.Command, days int, seed uint64, trace string) (*simulate.WeatherResult, error) {
	if trace != "" {
		f, err := os.Create(trace)
		if err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
		r, err := simulate.TraceDay(c.Context(), simulate.DrawDay(seed), f)
		return r, errors.Join(err, f.Close())
	}
	told := 0
	return simulate.Weather(c.Context(), days, seed, func(ready, broken int) {
		if percent := 100 * ready / days; percent >= told+5 || ready == days {
			told = percent
			fmt.Fprintf(c.ErrOrStderr(), "%d of %d days, %d broken\n", ready, days, broken)
		}
	})
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
