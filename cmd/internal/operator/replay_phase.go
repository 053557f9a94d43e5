package operator

import (
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/phasefile"
	"bragi/cmd/internal/simulate"
	"bragi/holdover"
)

// replayPhaseCommand steers a recorded oscillator on paper.
func replayPhaseCommand(o *options) *cobra.Command {
	var opt phasefile.Options
	var oscillator, plot string
	var cut, away time.Duration
	run := simulate.Options{}
	c := &cobra.Command{Use: "phase FILE", Short: "Steer a recorded oscillator with estimator and holdover, and judge it",
		Long: "Plays the recorded phase of an oscillator against a pulse through estimator and servo. The record is pulse and\n" +
			"truth in one: the error is the steered clock against the recorded pulse, and has the noise of that pulse in it.",
		Args: cli.ExactArgs(1, "FILE"), RunE: func(c *cobra.Command, args []string) error {
			if err := phaseFlags(opt); err != nil {
				return err
			}
			var err error
			if run.Oscillator, err = holdover.ParseOscillator(oscillator); err != nil {
				return cli.Usagef("replay phase: --oscillator %q: use auto, xo, tcxo, tcxo-hi, ocxo or rb", oscillator)
			}
			if !(run.QuantumPPB >= 0 && run.QuantumPPB <= 1000) {
				return cli.Usagef("replay phase: --quantum %v: use 0 to 1000 ppb", run.QuantumPPB)
			}
			record, err := phasefile.Read(args[0], opt)
			if err != nil {
				return err
			}
			x, err := secondsOf(record)
			if err != nil {
				return err
			}
			length := time.Duration(len(x)) * time.Second
			s := &simulate.Scenario{Name: "replay", About: "A recorded oscillator: " + args[0], Duration: length - time.Second}
			switch {
			case cut < 0 || away < 0 || cut > 0 && cut >= length:
				return cli.Usagef("replay phase: --cut %v --for %v: use times inside the record of %v", cut, away, length)
			case away > 0 && cut == 0:
				return cli.Usagef("replay phase: --for %v needs --cut, the time when the pulse goes", away)
			case cut > 0:
				s.Events = append(s.Events, simulate.Event{At: cut, Do: simulate.AntennaCut})
				if away > 0 {
					s.Events = append(s.Events, simulate.Event{At: cut + away, Do: simulate.AntennaRestore})
				}
			}
			run.Scenario = s
			r, trace, err := simulate.Replay(run, x)
			if err != nil {
				return err
			}
			return tellRun(c.OutOrStdout(), o.json, plot, s, r, trace)
		}}
	addPhaseFlags(c, &opt)
	c.Flags().StringVar(&oscillator, "oscillator", "auto", "auto, xo, tcxo, tcxo-hi, ocxo or rb")
	c.Flags().DurationVar(&cut, "cut", 0, "take the pulse away at this time of the record; default: never")
	c.Flags().DurationVar(&away, "for", 0, "take the pulse away for this long; default: to the end")
	c.Flags().Float64Var(&run.QuantumPPB, "quantum", 0, "the smallest change of frequency that the clock can make, in ppb; 0: any")
	pictureFlag(c.Flags(), &plot, "plot", "write a picture (SVG)")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}
