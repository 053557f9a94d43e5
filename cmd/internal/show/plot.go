package show

import (
	"fmt"
	"math"
	"strings"
	"time"

	"bragi/cmd/internal/status"
)

// plotRows is how many rows the plot of the error has: one for zero, as many above it
// as below.
const plotRows = 15

// plotMargin is the width of what stands left of a plot.
const plotMargin = 11

// Plot draws how the clock was in a span of time before now: its error and the bound
// around it, and below it the class. Each column is a part of the span, and has the
// worst in it.
func Plot(points []status.ClockPoint, now time.Time, span time.Duration, width int) string {
	if len(points) == 0 {
		return fmt.Sprintf("Nothing is known of the last %s.\n", spanText(span))
	}
	if width <= 0 {
		width = 80
	}
	columns := make([]*status.ClockPoint, max(10, width-plotMargin))
	scale := 1.0 // ns
	for _, p := range points {
		i := len(columns) - 1 - int(float64(now.Sub(p.At))/float64(span)*float64(len(columns)))
		if i < 0 || i >= len(columns) {
			continue
		}
		if columns[i] == nil {
			columns[i] = &status.ClockPoint{}
			*columns[i] = p
		} else {
			columns[i].Worsen(p)
		}
		for _, v := range []*float64{p.TimeErrorNs, p.BoundNs} {
			if v != nil {
				scale = max(scale, math.Abs(*v))
			}
		}
	}
	middle := plotRows / 2
	row := func(v float64) int { return middle - int(math.Round(v/scale*float64(middle))) }
	cells := newCanvas(len(columns), plotRows)
	class := []byte(strings.Repeat(" ", len(columns)))
	marks := map[byte]bool{}
	for i, p := range columns {
		cells.put(i, middle, '-')
		if p == nil {
			continue
		}
		class[i] = classMark(*p)
		marks[class[i]] = true
		if b := p.BoundNs; b != nil {
			cells.put(i, row(*b), '.')
			cells.put(i, row(-*b), '.')
		}
		if e := p.TimeErrorNs; e != nil {
			cells.put(i, row(*e), '*')
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Error * and bound . of the last %s\n", spanText(span))
	cells.draw(&b, errorLabel(scale))
	fmt.Fprintf(&b, "%*s %s\n", plotMargin-1, "class", strings.TrimRight(string(class), " "))
	fmt.Fprintf(&b, "%*s %-*s%s\n", plotMargin-1, "", len(columns)-3, "-"+spanText(span), "now")
	for _, m := range classMarks {
		if marks[m.mark] {
			fmt.Fprintf(&b, "%*s %c: %s\n", plotMargin-1, "", m.mark, m.text)
		}
	}
	return b.String()
}

// spanText is a duration without the parts behind its last one that is not zero: "10m", "1h30m".
func spanText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// errorLabel labels the rows of a plot of errors up to scale ns, either sign.
func errorLabel(scale float64) func(row int) string {
	negative, zero := -scale, 0.0
	return func(row int) string {
		switch row {
		case 0:
			return Ns(&scale)
		case plotRows / 2:
			return strings.TrimPrefix(Ns(&zero), "+")
		case plotRows - 1:
			return Ns(&negative)
		}
		return ""
	}
}

// classMarks are the marks of classes in a plot: 52 and 58 stand for the classes of
// other profiles too.
var classMarks = []struct {
	mark byte
	text string
}{
	{'6', "class 6, locked"}, {'7', "class 7, holdover in spec"}, {'o', "class 52, out of spec"},
	{'f', "class 58, free run"}, {'x', "not served, for a moment"},
}

func classMark(p status.ClockPoint) byte {
	switch {
	case !p.Serving:
		return 'x'
	case p.ClockClass == 6:
		return '6'
	case p.ClockClass == 7:
		return '7'
	case p.ClockClass == 58 || p.ClockClass == 193 || p.ClockClass == 248:
		return 'f'
	}
	return 'o'
}
