package show

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"bragi/cmd/internal/status"
)

// GNSS is the screen of `bragi show gnss`.
func GNSS(s status.Status, width int) string {
	g := s.GNSS
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(label, format string, args ...any) { fmt.Fprintf(w, label+"\t"+format+"\n", args...) }
	line("Receiver", "%s (%s)", dash(g.Device), pick(g.Connected, "connected", "not connected"))
	receiverLines(w, g.Receiver)
	if g.Model != "" && g.Receiver.Model == "" {
		line("Model", "%s", g.Model)
	}
	line("Fix", "%s, %s%s", dash(g.Fix), pick(g.Trusted, "trusted", "not trusted"), unit(g.TAccNs, ", time accuracy %d ns"))
	line("Second", "%s UTC, %s ago%s", dash(g.UTC), seconds(g.AgeS), pick(g.Protocol != "", ", by "+strings.ToUpper(g.Protocol), ""))
	line("GPS - UTC", "%s", leapCount(g))
	line("Satellites", "%s used, %s seen%s", count(g.SatsUsed), count(g.SatsSeen), unit(g.HDOP, ", HDOP %.2f"))
	if g.Latitude != nil && g.Longitude != nil {
		line("Position", "%.5f, %.5f, %s m%s", *g.Latitude, *g.Longitude, number(g.AltitudeM, "%.0f"), unit(g.AccuracyM, ", within %.1f m")+old(g.PositionAge))
	}
	if g.Survey != nil && g.Receiver.Position == nil {
		line("Survey", "%s", survey(*g.Survey))
	}
	line("Antenna", "%s%s%s", said(g.Antenna), told(", jamming ", g.Jamming), told(", spoofing ", g.Spoofing))
	line("Pulse", "%s%s%s", dash(g.Label), pick(g.NextPulse, ", as the receiver says beforehand", ""), pick(g.Edge != "", "; "+g.Edge, ""))
	if g.Evidence != "" {
		line("Evidence", "%s", g.Evidence)
	}
	if g.Sawtooth != "" {
		line("Sawtooth", "%s, next pulse %s", g.Sawtooth, picoseconds(g.QErrPs))
	}
	line("Delays", "message %s ms after the time that it names, antenna cable %.0f ns, pulse stamped %s", number(g.MessageMs, "%.0f"), g.CableNs, pulseLate(g))
	line("Frames", "%d, %s, %s of garbage%s", g.Frames, Count(g.BadChecksum, "bad checksum"), Count(g.Garbage, "byte"), lineFill(g.LineFill))
	line("Pulses", "%d at a wrong moment, %d missed", g.Glitches, g.Missed)
	for i, o := range g.Opinions {
		line(pick(i == 0, "Second opinion", ""), "%s %s: %+.3f s, +-%.3f s", o.Source, o.Standing, o.OffsetS, o.UncertaintyS)
	}
	if len(g.Opinions) == 0 {
		line("Second opinion", "none: nothing would tell messages that come whole seconds late or early")
	}
	for i, why := range g.Why {
		line(pick(i == 0, "Why", ""), "%s", why)
	}
	w.Flush()
	satellites(&b, g.Satellites, width)
	return b.String()
}

// satelliteRows is how many rows of satellites leave the screen whole.
const satelliteRows = 12

// satelliteWidth is the width of a satellite where there are several columns.
const satelliteWidth = 32

// satellites draws the satellites as bars of their C/N0, half a mark for each
// dB-Hz, * for those used: by constellation, the strongest first, in columns
// when there are many.
func satellites(b *strings.Builder, list []status.Sat, width int) {
	list = slices.Clone(list)
	strength := func(s status.Sat) int {
		if s.CN0 == nil {
			return -1
		}
		return *s.CN0
	}
	slices.SortStableFunc(list, func(a, c status.Sat) int {
		return cmp.Or(cmp.Compare(a.Constellation, c.Constellation), cmp.Compare(strength(c), strength(a)), cmp.Compare(a.ID, c.ID))
	})
	columns := 1 + min(2, (len(list)-1)/satelliteRows)
	if width > 0 {
		columns = min(columns, max(1, width/satelliteWidth))
	}
	rows := (len(list) + columns - 1) / columns
	mark := 2
	if columns > 1 || width > 0 && width < 45 {
		mark = 4 // dB-Hz
	}
	for row := range rows {
		var text strings.Builder
		for column := range columns {
			if i := column*rows + row; i < len(list) {
				s := list[i]
				bar := ""
				if s.CN0 != nil {
					bar = fmt.Sprintf("%2d %s", *s.CN0, strings.Repeat("#", max(0, *s.CN0/mark)))
				}
				fmt.Fprintf(&text, "  %-7s %3d%s %-*s", s.Constellation, s.ID, pick(s.Used, "*", " "), 4+52/mark, bar)
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
}

func leapCount(g status.GNSS) string {
	text := count(g.LeapS) + " s"
	switch g.LeapSource {
	case "receiver":
		text += ", the receiver vouches for it"
	case "table":
		text += ", by the table"
	}
	if g.LeapEvent != "" {
		text += "; announced: " + g.LeapEvent
	}
	return text
}

func survey(s status.Survey) string {
	state := "not begun"
	switch {
	case s.Active:
		state = "under way"
	case s.Valid:
		state = "done, the position is fixed"
	}
	return fmt.Sprintf("%s: %d s, %d observations%s", state, s.DurationS, s.Observations, unit(s.AccuracyM, ", mean within %.2f m"))
}

// old is the age of what is shown, where it is not of now.
func old(ageS *float64) string {
	if ageS == nil || *ageS < shownFresh {
		return ""
	}
	return ", " + seconds(ageS) + " ago"
}

// shownFresh is the age in s from which on it is told.
const shownFresh = 10

// pulseLate is how late the input stamps the pulse.
func pulseLate(g status.GNSS) string {
	return fmt.Sprintf("%.0f ns late %s", g.PPSNs, plusMinus(&g.PPSBoundNs))
}

func lineFill(share *float64) string {
	if share == nil {
		return ""
	}
	return fmt.Sprintf("; the line is %.0f %% full", 100**share)
}

// unit is a value in a format, nothing where it is not known.
func unit[T any](v *T, format string) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(format, *v)
}

func said(v *string) string {
	if v == nil {
		return "-"
	}
	return *v
}

func told(label string, v *string) string {
	if v == nil {
		return ""
	}
	return label + *v
}

func picoseconds(v *int64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%+.1f ns", float64(*v)/1000)
}
