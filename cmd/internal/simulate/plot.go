package simulate

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"bragi/holdover/stability"
)

// The picture's layout, in pixels.
const (
	plotWidth, plotHeight = 1200, 890
	plotLeft, plotRight   = 90, 1180
	plotTop, plotBottom   = 60, 440
	stripTop, stripBottom = 470, 495
	linearNs              = 30.0 // below, the error's axis is straight; above, logarithmic
)

var classColours = map[uint8]string{6: "#2e7d32", 7: "#1565c0", 52: "#ef6c00", 58: "#9e9e9e", 0: "#ffffff"}

var classWords = map[uint8]string{6: "locked", 7: "holdover in spec", 52: "holdover out of spec", 58: "free run", 0: "not served"}

// Plot draws the run as SVG: the time error over its bound, with the spec, the
// loss and what was forecast of it; below, the class as a strip of colour.
func Plot(s *Scenario, r *Result, t *Trace) string {
	var b strings.Builder
	n := max(len(t.ErrorNs), 1)
	limit := plotLimit(t)
	x := func(i float64) float64 { return plotLeft + i/float64(n)*(plotRight-plotLeft) }
	scale := func(ns float64) float64 { return math.Asinh(ns / linearNs) }
	y := func(ns float64) float64 {
		v := scale(max(-limit, min(limit, ns))) / scale(limit)
		return (plotTop+plotBottom)/2 - v*(plotBottom-plotTop)/2
	}
	write := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	text := func(px, py float64, anchor, words string) {
		write(`<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, px, py, anchor, html.EscapeString(words))
	}

	write(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, plotWidth, plotHeight, plotWidth, plotHeight)
	write(`<rect width="%d" height="%d" fill="#ffffff"/>`, plotWidth, plotHeight)
	write(`<g font-size="15">`)
	text(plotLeft, 24, "start", fmt.Sprintf("%s, %s, seed %d", r.Oscillator, r.Scenario, r.Seed))
	write(`</g>`)
	text(plotLeft, 44, "start", s.About)

	for decade := 10.0; decade <= limit; decade *= 10 {
		for _, v := range []float64{decade, -decade} {
			write(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e0e0e0"/>`, plotLeft, plotRight, y(v), y(v))
			text(plotLeft-6, y(v)+4, "end", nanos(Number(v)))
		}
	}
	text(plotLeft-6, y(0)+4, "end", "0")
	for at, step := 0.0, timeStep(n); at <= float64(n); at += step {
		write(`<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#eeeeee"/>`, x(at), x(at), plotTop, plotBottom)
		text(x(at), plotBottom+16, "middle", seconds(Number(at)))
	}
	lows, highs := columns(t.ErrorNs)
	write(`<path fill="#bbdefb" fill-opacity="0.6" stroke="none" d="%s"/>`, band(t.BoundNs, x, y, n))
	for _, v := range []float64{t.SpecNs, -t.SpecNs} {
		write(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#c62828" stroke-dasharray="6 4"/>`, plotLeft, plotRight, y(v), y(v))
	}
	text(plotRight, y(t.SpecNs)-4, "end", "spec "+nanos(Number(t.SpecNs)))
	write(`<path fill="none" stroke="#212121" stroke-width="1" d="%s"/>`, strokes(lows, highs, x, y, n))
	if t.Loss >= 0 {
		mark := func(at float64, colour, words string, row int) {
			write(`<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s" stroke-dasharray="2 3"/>`, x(at), x(at), plotTop, plotBottom, colour)
			text(x(at)+3, float64(plotTop+12+14*row), "start", words)
		}
		mark(float64(t.Loss), "#616161", "reference lost", 0)
		if end := float64(t.Loss) + float64(r.ForecastS); end < float64(n) {
			mark(end, "#1565c0", "forecast: in spec until here", 1)
		}
		if end := float64(t.Loss) + float64(r.ForecastP50S); end < float64(n) {
			mark(end, "#90a4ae", "outside in one case of two", 3)
		}
		if end := float64(t.Loss) + float64(r.ActualS); known(r.ActualS) && !r.ActualOver {
			mark(end, "#c62828", "actual", 2)
		}
	}
	write(`<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#424242"/>`, plotLeft, plotTop, plotRight-plotLeft, plotBottom-plotTop)

	shown := map[uint8]bool{}
	for i := 0; i < len(t.Class); {
		j := i
		for j < len(t.Class) && t.Class[j] == t.Class[i] {
			j++
		}
		write(`<rect x="%.2f" y="%d" width="%.2f" height="%d" fill="%s"/>`, x(float64(i)), stripTop, x(float64(j))-x(float64(i)), stripBottom-stripTop, classColour(t.Class[i]))
		shown[t.Class[i]] = true
		i = j
	}
	write(`<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#424242"/>`, plotLeft, stripTop, plotRight-plotLeft, stripBottom-stripTop)
	text(plotLeft-6, stripBottom-8, "end", "class")
	px := float64(plotLeft)
	for class := range uint8(255) {
		if !shown[class] {
			continue
		}
		words := fmt.Sprint(class)
		if w := classWords[class]; w != "" {
			words += " " + w
		}
		write(`<rect x="%.1f" y="508" width="12" height="12" fill="%s" stroke="#424242"/>`, px, classColour(class))
		text(px+18, 519, "start", words)
		px += 40 + 7.5*float64(len(words))
	}
	text(plotLeft, 545, "start", "black: true error; blue: the bound that the clock claims; red: the spec")
	if from, to := r.Lock.FromS-1, r.Lock.FromS-1+r.Lock.ForS; from >= 0 && from < to && to <= len(t.ErrorNs) {
		b.WriteString(masksPlot(t.ErrorNs[from:to]))
	}
	write(`</svg>`)
	return b.String()
}

// The layout of the masks, below.
const (
	masksTop, masksBottom = 600, 860
	masksLongest          = 10_000.0 // s
	masksLeastNs          = 0.01
	masksMostNs           = 1000.0
)

// masksPlot draws TDEV and MTIE of the true error while the clock was locked, x, over the
// averaging time, with the masks of G.8272: both axes are logarithmic.
func masksPlot(x []float64) string {
	var b strings.Builder
	write := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	rows := stability.Table(x, 1, stability.Octaves(len(x)))
	for i, panel := range []struct {
		name string
		have func(stability.Row) float64
		mask func(stability.Mask, float64) float64
	}{
		{"TDEV", func(r stability.Row) float64 { return r.TDEV }, stability.Mask.TDEV},
		{"MTIE", func(r stability.Row) float64 { return r.MTIE }, stability.Mask.MTIE},
	} {
		const width = (plotRight - plotLeft - 80) / 2
		left := float64(plotLeft + i*(width+80))
		px := func(tau float64) float64 { return left + math.Log(tau)/math.Log(masksLongest)*width }
		py := func(ns float64) float64 {
			ns = max(masksLeastNs, min(masksMostNs, ns))
			return masksTop + math.Log(masksMostNs/ns)/math.Log(masksMostNs/masksLeastNs)*(masksBottom-masksTop)
		}
		text := func(x, y float64, anchor, words string) {
			write(`<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(words))
		}
		text(left, masksTop-10, "start", panel.name+" of the true error in lock, and the masks of G.8272 (PRTC-A red, PRTC-B orange)")
		for ns := masksLeastNs; ns <= masksMostNs; ns *= 10 {
			write(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1[3]f" stroke="#e0e0e0"/>`, left, left+width, py(ns))
			text(left-6, py(ns)+4, "end", fmt.Sprintf("%g ns", ns))
		}
		for tau := 1.0; tau <= masksLongest; tau *= 10 {
			write(`<line x1="%.1f" x2="%.1[1]f" y1="%d" y2="%d" stroke="#eeeeee"/>`, px(tau), masksTop, masksBottom)
			text(px(tau), masksBottom+16, "middle", fmt.Sprintf("%g s", tau))
		}
		curve := func(style string, taus []float64, of func(i int) float64) {
			var d strings.Builder
			for i, tau := range taus {
				if ns := of(i); tau <= masksLongest && !math.IsNaN(ns) && !math.IsInf(ns, 0) {
					to := "L"
					if d.Len() == 0 {
						to = "M"
					}
					fmt.Fprintf(&d, "%s%.1f %.1f", to, px(tau), py(ns))
				}
			}
			write(`<path fill="none" %s d="%s"/>`, style, d.String())
		}
		fine := make([]float64, 0, 200)
		for tau := 1.0; tau <= masksLongest; tau *= 1.05 {
			fine = append(fine, tau)
		}
		curve(`stroke="#c62828" stroke-dasharray="6 4"`, fine, func(i int) float64 { return panel.mask(stability.PRTCA, fine[i]) })
		curve(`stroke="#ef6c00" stroke-dasharray="6 4"`, fine, func(i int) float64 { return panel.mask(stability.PRTCB, fine[i]) })
		taus := make([]float64, len(rows))
		for i, r := range rows {
			taus[i] = r.Tau
		}
		curve(`stroke="#212121" stroke-width="1.5"`, taus, func(i int) float64 { return panel.have(rows[i]) })
		write(`<rect x="%.1f" y="%d" width="%d" height="%d" fill="none" stroke="#424242"/>`, left, masksTop, width, masksBottom-masksTop)
	}
	return b.String()
}

func classColour(class uint8) string {
	if c, ok := classColours[class]; ok {
		return c
	}
	return "#8e24aa"
}

// plotLimit is a decade above the largest error from the first lock on.
func plotLimit(t *Trace) float64 {
	most := t.SpecNs
	if from := firstLocked(t); from < len(t.ErrorNs) {
		most = max(most, worst(t.ErrorNs[from:]))
	}
	return math.Pow(10, math.Ceil(math.Log10(1.2*most)))
}

// timeStep is the distance of the time axis' marks in s.
func timeStep(n int) float64 {
	for _, d := range []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		if float64(n)/d.Seconds() <= 12 {
			return d.Seconds()
		}
	}
	return float64(n) / 12
}

// columns are the lowest and the highest value of each pixel.
func columns(v []float64) (lows, highs []float64) {
	width := plotRight - plotLeft
	lows, highs = make([]float64, width), make([]float64, width)
	for c := range width {
		low, high := math.Inf(1), math.Inf(-1)
		for i := c * len(v) / width; i < max((c+1)*len(v)/width, c*len(v)/width+1) && i < len(v); i++ {
			if v[i] == v[i] {
				low, high = min(low, v[i]), max(high, v[i])
			}
		}
		lows[c], highs[c] = low, high
	}
	return lows, highs
}

// strokes draws each pixel's range, joined where there is no gap.
func strokes(lows, highs []float64, x, y func(float64) float64, n int) string {
	var b strings.Builder
	pen := false
	for c := range lows {
		if lows[c] > highs[c] {
			pen = false
			continue
		}
		px := x(float64(c) * float64(n) / float64(len(lows)))
		to := "M"
		if pen {
			to = "L"
		}
		fmt.Fprintf(&b, "%s%.1f %.1fL%.1f %.1f", to, px, y(lows[c]), px, y(highs[c]))
		pen = true
	}
	return b.String()
}

// band is the area between -v and +v.
func band(v []float64, x, y func(float64) float64, n int) string {
	_, highs := columns(v)
	var b strings.Builder
	for from := 0; from < len(highs); {
		if math.IsInf(highs[from], 0) {
			from++
			continue
		}
		to := from
		for to < len(highs) && !math.IsInf(highs[to], 0) {
			to++
		}
		at := func(c int) float64 { return x(float64(c) * float64(n) / float64(len(highs))) }
		fmt.Fprintf(&b, "M%.1f %.1f", at(from), y(highs[from]))
		for c := from; c < to; c++ {
			fmt.Fprintf(&b, "L%.1f %.1f", at(c), y(highs[c]))
		}
		for c := to - 1; c >= from; c-- {
			fmt.Fprintf(&b, "L%.1f %.1f", at(c), y(-highs[c]))
		}
		b.WriteString("Z")
		from = to
	}
	return b.String()
}
