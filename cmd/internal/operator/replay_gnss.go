package operator

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/show"
	"bragi/gnss"
	"bragi/gnss/timescale"
)

// defaultFloor is before every recording that is worth a replay; the daemon's
// floor is its build date.
const defaultFloor = "2000-01-01"

// replayGNSSCommand decodes a recording of a receiver's bytes.
func replayGNSSCommand(o *options) *cobra.Command {
	floor, all := defaultFloor, false
	c := &cobra.Command{Use: "gnss FILE", Short: "Read a receiver's recorded bytes: which second it named, and whether that may set a clock",
		Args: cli.ExactArgs(1, "a file of bytes as the receiver sent them, or - for standard input"),
		Long: "Reads a receiver's recorded bytes: NMEA, UBX or both. Each epoch that may set a clock is one line. With --all the\n" +
			"others are lines too, with the reason. A recording has no time of its own: time that runs backwards or leaps is\n" +
			"seen, and messages that come too seldom, but not a receiver whose time runs too fast or too slowly.",
		RunE: func(c *cobra.Command, args []string) error {
			date, err := time.Parse(time.DateOnly, floor)
			if err != nil {
				return cli.Usagef("replay gnss: --floor %q: give a date such as %s", floor, defaultFloor)
			}
			in := c.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("replay gnss: %w (fix: name a file of bytes as the receiver sent them)", err)
				}
				defer file.Close()
				in = file
			}
			return replayGNSS(in, c.OutOrStdout(), timescale.UTCFromNs(date.UnixNano()), all, o.json)
		}}
	c.Flags().StringVar(&floor, "floor", floor, "a date in the past: no earlier date is trusted, and a GPS week is taken as one after it")
	c.Flags().BoolVar(&all, "all", false, "also print epochs that may not set a clock")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON, one object a line")
	return c
}

// replaySummary is the last line of `replay gnss --json`.
type replaySummary struct {
	Bytes        uint64 `json:"bytes"`
	Frames       uint64 `json:"frames"`
	Epochs       uint64 `json:"epochs"` // trusted or not
	Trusted      uint64 `json:"trusted"`
	EveryS       int64  `json:"every_s"` // from one epoch to the next; 0: not known
	BadChecksums uint64 `json:"bad_checksums"`
	GarbageBytes uint64 `json:"garbage_bytes"`
	// Troubles is what speaks against the receiver's time, as bragid judges it.
	Troubles []string `json:"troubles"`
}

func replayGNSS(in io.Reader, out io.Writer, floor timescale.UTC, all, asJSON bool) error {
	decoder := gnss.NewDecoder(gnss.DecoderConfig{Floor: floor})
	lines := json.NewEncoder(out)
	var failed error
	if !asJSON {
		_, failed = fmt.Fprintf(out, "%-28s %-5s %-5s %4s %5s %10s %9s %-8s %s\n",
			"UTC", "SCALE", "FIX", "SATS", "LEAP", "TIME-ACC", "SAWTOOTH", "ANTENNA", "TRUSTED")
	}
	trusted := uint64(0)
	seen, err := gnss.Replay(in, decoder, func(e gnss.Epoch) {
		if e.Trusted {
			trusted++
		}
		switch {
		case failed != nil || !e.Trusted && !all:
		case asJSON:
			failed = lines.Encode(e)
		default:
			_, failed = fmt.Fprintln(out, epochLine(e))
		}
	})
	if err != nil {
		return fmt.Errorf("replay gnss: %w", err)
	}
	if failed != nil {
		return fmt.Errorf("replay gnss: %w", failed)
	}
	n := decoder.Counters()
	sum := replaySummary{n.Bytes, n.Frames(), n.Epochs, trusted, seen.Every, n.BadChecksums, n.GarbageBytes, []string{}}
	for _, t := range seen.Troubles {
		sum.Troubles = append(sum.Troubles, t.String())
	}
	if asJSON {
		return lines.Encode(map[string]replaySummary{"summary": sum})
	}
	_, err = fmt.Fprintf(out, "\n%s, %s, %s of which %d may set a clock; %s, %s of garbage\n",
		show.Count(sum.Bytes, "byte"), show.Count(sum.Frames, "frame"), show.Count(sum.Epochs, "epoch"), sum.Trusted,
		show.Count(sum.BadChecksums, "bad checksum"), show.Count(sum.GarbageBytes, "byte"))
	if err == nil && sum.EveryS > 1 {
		_, err = fmt.Fprintf(out, "an epoch comes each %d s\n", sum.EveryS)
	}
	for _, t := range sum.Troubles {
		if err == nil {
			_, err = fmt.Fprintln(out, t)
		}
	}
	return err
}

// epochLine is a row of the table; what is not known is a dash.
func epochLine(e gnss.Epoch) string {
	utc, trusted := "-", "yes"
	if e.UTC != (timescale.UTC{}) {
		utc = e.UTC.StringLeap(e.Leap60)
	}
	if !e.Trusted {
		why := make([]string, len(e.Why))
		for i, r := range e.Why {
			why[i] = r.String()
		}
		trusted = "no: " + strings.Join(why, ", ")
	}
	return fmt.Sprintf("%-28s %-5s %-5s %4s %5s %10s %9s %-8s %s", utc, e.Scale, e.Fix, cell(e.SatsUsed, "%d"),
		cell(e.LeapS, "%d s"), cell(e.TAccNs, "%d ns"), sawtoothCell(e.QErrPs), cell(e.Antenna, "%s"), trusted)
}

func cell[T any](m gnss.Maybe[T], format string) string {
	if !m.Known {
		return "-"
	}
	return fmt.Sprintf(format, m.Value)
}

func sawtoothCell(m gnss.Maybe[int64]) string {
	if !m.Known {
		return "-"
	}
	return fmt.Sprintf("%+.1f ns", float64(m.Value)/1000)
}
