package operator

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/phasefile"
	"bragi/cmd/internal/simulate"
	"bragi/holdover/stability"
)

// stabilityTable is the JSON of `bragi stability`: TDEV and MTIE in s, the
// others are fractional frequency; null where the record is too short.
type stabilityTable struct {
	Points int               `json:"points"`
	Gaps   int               `json:"gaps"`
	Tau0   float64           `json:"tau0"`
	Tau    []float64         `json:"tau"`
	ADEV   []simulate.Number `json:"adev"`
	OADEV  []simulate.Number `json:"oadev"`
	MDEV   []simulate.Number `json:"mdev"`
	HDEV   []simulate.Number `json:"hdev"`
	TDEV   []simulate.Number `json:"tdev"`
	MTIE   []simulate.Number `json:"mtie"`
	N      []int             `json:"n"` // second differences in OADEV
}

func stabilityCommand(o *options) *cobra.Command {
	var opt phasefile.Options
	var taus string
	var frequency bool
	c := &cobra.Command{Use: "stability FILE", Short: "ADEV, MDEV, HDEV, TDEV and MTIE of recorded phase",
		Long: "Reads recorded phase and prints its stability. The file is plain or gzip. A line has a number, or time and phase.\n" +
			"Comments are skipped. TDEV and MTIE are in s. n counts the second differences of OADEV.",
		Args: cli.ExactArgs(1, "FILE"), RunE: func(c *cobra.Command, args []string) error {
			if err := phaseFlags(opt); err != nil {
				return err
			}
			r, err := phasefile.Read(args[0], opt)
			if err != nil {
				return err
			}
			if frequency {
				r.X = stability.Phase(r.X, r.Tau0)
			}
			ms := stability.Octaves(len(r.X))
			if taus != "" {
				if ms, err = factors(taus, r.Tau0); err != nil {
					return err
				}
			}
			t := tableOf(r, ms)
			if o.json {
				return printJSON(c.OutOrStdout(), t)
			}
			return t.print(c.OutOrStdout())
		}}
	addPhaseFlags(c, &opt)
	c.Flags().StringVar(&taus, "taus", "", "the averaging times, instead of octaves: 1,10,100 in s, or 1s,10s,5m")
	c.Flags().BoolVar(&frequency, "frequency", false, "the record is fractional frequency, not phase")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func addPhaseFlags(c *cobra.Command, opt *phasefile.Options) {
	c.Flags().DurationVar(&opt.Tau0, "tau0", 0, "time between two points; default: from the times in the record, else 1s")
	c.Flags().StringVar(&opt.Unit, "unit", "s", "unit of the phase: s or ns")
}

func phaseFlags(opt phasefile.Options) error {
	switch {
	case opt.Unit != "s" && opt.Unit != "ns":
		return cli.Usagef("--unit %q: use s or ns", opt.Unit)
	case opt.Tau0 < 0:
		return cli.Usagef("--tau0 %v: use a positive time, like 1s", opt.Tau0)
	}
	return nil
}

// factors reads --taus.
func factors(list string, tau0 float64) ([]int, error) {
	var taus []float64
	for _, word := range strings.Split(list, ",") {
		word = strings.TrimSpace(word)
		tau, err := strconv.ParseFloat(word, 64)
		if err != nil {
			d, err := time.ParseDuration(word)
			if err != nil {
				return nil, cli.Usagef("--taus: %q is not a time; write 1,10,100 or 1s,10s,5m", word)
			}
			tau = d.Seconds()
		}
		taus = append(taus, tau)
	}
	ms, ok := stability.Factors(taus, tau0)
	if !ok {
		return nil, cli.Usagef("--taus %s: use multiples of %v s, the time between two points", list, tau0)
	}
	return ms, nil
}

func tableOf(r *phasefile.Record, ms []int) stabilityTable {
	t := stabilityTable{Points: len(r.X), Gaps: r.Gaps, Tau0: r.Tau0, Tau: []float64{}, ADEV: []simulate.Number{}, OADEV: []simulate.Number{},
		MDEV: []simulate.Number{}, HDEV: []simulate.Number{}, TDEV: []simulate.Number{}, MTIE: []simulate.Number{}, N: []int{}}
	for _, row := range stability.Table(r.X, r.Tau0, ms) {
		t.Tau = append(t.Tau, row.Tau)
		t.ADEV = append(t.ADEV, simulate.Number(row.ADEV))
		t.OADEV = append(t.OADEV, simulate.Number(row.OADEV))
		t.MDEV = append(t.MDEV, simulate.Number(row.MDEV))
		t.HDEV = append(t.HDEV, simulate.Number(row.HDEV))
		t.TDEV = append(t.TDEV, simulate.Number(row.TDEV))
		t.MTIE = append(t.MTIE, simulate.Number(row.MTIE))
		t.N = append(t.N, row.Counts.OADEV)
	}
	return t
}

func (t stabilityTable) print(w io.Writer) error {
	fmt.Fprintf(w, "%d points %v s apart, %d missing; TDEV and MTIE in s\n", t.Points, t.Tau0, t.Gaps)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "tau/s\tADEV\tOADEV\tMDEV\tHDEV\tTDEV\tMTIE\tn\t")
	show := func(v simulate.Number) string {
		if math.IsNaN(float64(v)) {
			return "-"
		}
		return fmt.Sprintf("%.4e", float64(v))
	}
	for i := range t.Tau {
		fmt.Fprintf(tw, "%g\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", t.Tau[i], show(t.ADEV[i]), show(t.OADEV[i]), show(t.MDEV[i]), show(t.HDEV[i]), show(t.TDEV[i]), show(t.MTIE[i]), t.N[i])
	}
	return tw.Flush()
}
