package gnss

import (
	"fmt"
	"time"

	"bragi/gnss/timescale"
)

// lineFill is how much of what the serial line can carry the receiver sends: ten bits
// an octet. On a full line messages wait in the receiver, by seconds, and no delay from
// pulse to message says so.
type lineFill struct {
	baud   int // 0: not known, nothing is judged
	begun  timescale.Mono
	octets int
	latest float64 // the share in the last window; 0: none yet
	at     timescale.Mono
}

const (
	// fillWindow is whole seconds, in which the same messages come again and again.
	fillWindow = 5 * time.Second
	// fillAlarm is worth an alarm; from fillFull on the line may be saturated: both
	// ends' rates differ by a per cent or two.
	fillAlarm, fillFull = 0.90, 0.96
	// fillNoLine: more than this no line of that rate carries. It is a USB device that
	// has none.
	fillNoLine = 1.10
	fillKept   = 3 * fillWindow
)

// set begins anew with another rate.
func (l *lineFill) set(baud int) {
	if baud != l.baud {
		*l = lineFill{baud: baud}
	}
}

// feed counts octets that were read at received.
func (l *lineFill) feed(received timescale.Mono, octets int) {
	switch d := received.Sub(l.begun); {
	case l.baud == 0:
		return
	case l.begun.IsZero() || d > fillKept:
		l.begun, l.octets = received, 0 // these came before
		return
	case d >= fillWindow:
		l.latest, l.at = float64(10*(l.octets+octets))/(float64(l.baud)*d.Seconds()), received
		l.begun, l.octets = received, 0
		return
	}
	l.octets += octets
}

// share is the line's fill at now, 0 to 1; ok is false while it is not known, and
// where the line has no rate.
func (l *lineFill) share(now timescale.Mono) (share float64, ok bool) {
	if l.at.IsZero() || now.Sub(l.at) > fillKept || l.latest > fillNoLine {
		return 0, false
	}
	return min(1, l.latest), true
}

// unsure: nobody can tell yet whether messages wait in the receiver.
func (l *lineFill) unsure(now timescale.Mono) bool {
	share, known := l.share(now)
	return l.baud != 0 && l.at.IsZero() && !l.begun.IsZero() || known && share >= fillFull
}

func (l *lineFill) troubles(now timescale.Mono) []Trouble {
	share, known := l.share(now)
	if !known || share < fillAlarm {
		return nil
	}
	return []Trouble{{ReasonLineFull, fmt.Sprintf("%.0f %% of %d baud", 100*share, l.baud)}}
}
