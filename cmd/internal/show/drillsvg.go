package show

import (
	"fmt"
	"html"
	"math"
	"strings"

	"bragi/cmd/internal/status"
)

// The picture's layout, in pixels.
const (
	svgWidth, svgHeight = 1000, 520
	svgLeft, svgRight   = 90, 980
	svgTop, svgBottom   = 90, 440
	svgLinearNs         = 30.0 // below, the error's axis is straight; above, logarithmic
)

// DrillSVG draws a drill: its error over the bound and over what was forecast of that.
func DrillSVG(r status.DrillReport) string {
	end, most := 1.0, max(r.SpecNs, svgLinearNs)
	for _, p := range r.Curve {
		end, most = max(end, p.AtS), max(most, p.BoundNs, math.Abs(p.LowestNs), math.Abs(p.HighestNs))
	}
	x := func(s float64) float64 { return svgLeft + min(s/end, 1)*(svgRight-svgLeft) }
	scale := func(ns float64) float64 { return math.Asinh(ns/svgLinearNs) / math.Asinh(1.1*most/svgLinearNs) }
	y := func(ns float64) float64 {
		return (svgTop+svgBottom)/2 - max(-1, min(1, scale(ns)))*(svgBottom-svgTop)/2
	}
	var b strings.Builder
	write := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	text := func(px, py float64, anchor, words string) {
		write(`<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, px, py, anchor, html.EscapeString(words))
	}
	// path goes through the value of each point, one line for each sign of it.
	path := func(style string, n int, at func(i int) (s, ns float64), signs ...float64) {
		for _, sign := range signs {
			var d strings.Builder
			for i := range n {
				s, ns := at(i)
				if s <= end {
					fmt.Fprintf(&d, "%s%.1f %.1f", pick(d.Len() == 0, "M", "L"), x(s), y(sign*ns))
				}
			}
			write(`<path fill="none" %s d="%s"/>`, style, d.String())
		}
	}
	write(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`, svgWidth, svgHeight)
	write(`<rect width="%d" height="%d" fill="#ffffff"/>`, svgWidth, svgHeight)
	text(svgLeft, 24, "start", fmt.Sprintf("Holdover drill %s: %s; begun %s by %s, ended %s", r.ID, passed(r.Drill), utc(r.Begun), r.By, drillEnded(&r.Drill)))
	text(svgLeft, 44, "start", r.Verdict)
	text(svgLeft, 64, "start", fmt.Sprintf("%s, %s, oscillator %s (behaves like %s), bragid %s", dash(r.Host), dash(r.Identity), r.Oscillator, dash(r.Behaves), r.Version))
	for decade := 10.0; decade <= most; decade *= 10 {
		for _, v := range []float64{decade, -decade} {
			write(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e0e0e0"/>`, svgLeft, svgRight, y(v), y(v))
			text(svgLeft-6, y(v)+4, "end", Ns(&v))
		}
	}
	text(svgLeft-6, y(0)+4, "end", "0")
	for i := range 5 {
		s := end * float64(i) / 4
		text(x(s), svgBottom+18, "middle", seconds(&s))
	}
	path(`stroke="#c62828" stroke-dasharray="6 4"`, 2, func(i int) (float64, float64) { return end * float64(i), r.SpecNs }, 1, -1)
	path(`stroke="#90a4ae" stroke-dasharray="3 3"`, len(r.Foretold), func(i int) (float64, float64) { return r.Foretold[i].AtS, r.Foretold[i].BoundNs }, 1, -1)
	path(`stroke="#1565c0"`, len(r.Curve), func(i int) (float64, float64) { return r.Curve[i].AtS, r.Curve[i].BoundNs }, 1, -1)
	path(`stroke="#bdbdbd" stroke-width="0.7"`, len(r.Curve), func(i int) (float64, float64) { return r.Curve[i].AtS, r.Curve[i].LowestNs }, 1)
	path(`stroke="#bdbdbd" stroke-width="0.7"`, len(r.Curve), func(i int) (float64, float64) { return r.Curve[i].AtS, r.Curve[i].HighestNs }, 1)
	path(`stroke="#212121" stroke-width="1.4"`, len(r.Curve), func(i int) (float64, float64) { return r.Curve[i].AtS, r.Curve[i].ErrorNs }, 1)
	write(`<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#424242"/>`, svgLeft, svgTop, svgRight-svgLeft, svgBottom-svgTop)
	text(svgLeft, 482, "start", fmt.Sprintf("black: error of the copy against the pulse (grey: single pulses, noise %s); blue: bound; dashed grey: bound as forecast; dashed red: spec", size(r.PulseNoiseNs)))
	text(svgLeft, 502, "start", "Signed by nobody. One receiver judges: what is wrong with every pulse alike does not show.")
	write(`</svg>`)
	return b.String()
}
