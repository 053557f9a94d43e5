package stability

import (
	"fmt"
	"math"
)

// Mask is a limit for a clock's output: the time error, MTIE and TDEV.
type Mask struct {
	Name    string
	ErrorNs float64 // of the time error, either sign
	mtie    []segment
	tdev    []segment
}

// segment is a + b tau from from on, in ns and s.
type segment struct{ from, a, b float64 }

// The masks of ITU-T G.8272 for a primary reference time clock.
var (
	PRTCA = Mask{Name: "G.8272 PRTC-A", ErrorNs: 100,
		mtie: []segment{{0.1, 25, 0.275}, {273, 100, 0}},
		tdev: []segment{{0.1, 3, 0}, {100, 0, 0.03}, {1000, 30, 0}}}
	PRTCB = Mask{Name: "G.8272 PRTC-B", ErrorNs: 40,
		mtie: []segment{{0.1, 25, 0.275}, {54.5, 40, 0}},
		tdev: []segment{{0.1, 1, 0}, {100, 0, 0.01}, {500, 5, 0}}}
)

const maskLongest = 10_000 // s: to here G.8272 draws TDEV

// MTIE is the limit at tau s, in ns; infinite where the mask says nothing.
func (k Mask) MTIE(tau float64) float64 { return limit(k.mtie, tau) }

// TDEV is the limit at tau s, in ns; infinite where the mask says nothing.
func (k Mask) TDEV(tau float64) float64 {
	if tau > maskLongest {
		return math.Inf(1)
	}
	return limit(k.tdev, tau)
}

func limit(s []segment, tau float64) float64 {
	l := math.Inf(1)
	for _, p := range s {
		if tau >= p.from {
			l = p.a + p.b*tau
		}
	}
	return l
}

// Failure is a point at which a mask is not met.
type Failure struct {
	Statistic       string // "time error", "MTIE", "TDEV"
	Tau             float64
	HaveNs, LimitNs float64
}

// Judge holds the phase x, in ns, and its statistics against the mask, and
// tells the first limit that it breaks of time error, MTIE and TDEV.
func (k Mask) Judge(x []float64, rows []Row) (broken Failure, met bool) {
	worst := 0.0
	for _, v := range x {
		if a := math.Abs(v); a > worst {
			worst = a
		}
	}
	if worst > k.ErrorNs {
		return Failure{"time error", 0, worst, k.ErrorNs}, false
	}
	for _, r := range rows {
		if l := k.MTIE(r.Tau); r.MTIE > l {
			return Failure{"MTIE", r.Tau, r.MTIE, l}, false
		}
	}
	for _, r := range rows {
		if l := k.TDEV(r.Tau); r.TDEV > l {
			return Failure{"TDEV", r.Tau, r.TDEV, l}, false
		}
	}
	return Failure{}, true
}

// String tells what was broken.
func (f Failure) String() string {
	if f.Tau == 0 {
		return fmt.Sprintf("%s %.1f ns, limit %.1f ns", f.Statistic, f.HaveNs, f.LimitNs)
	}
	return fmt.Sprintf("%s %.2f ns at %g s, limit %.2f ns", f.Statistic, f.HaveNs, f.Tau, f.LimitNs)
}
