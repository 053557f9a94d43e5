package daemon

import (
	"math"
	"strings"
	"time"

	"bragi/board"
	"bragi/cmd/internal/config"
)

// thermometer is what the clock is told of the temperature. It is used under the
// daemon's lock.
type thermometer struct {
	want string // as holdover.thermometer says
	open func(want string) (*board.Thermometer, error)
	have *board.Thermometer // nil: none
	why  error              // why there is none
	next time.Time          // when to look again
	sim  func() float64     // the board of software's; nil: a real board
}

// lookAgain is how long a thermometer that is not there is left alone: its driver may
// be loaded later, and a sensor on a plug comes back.
const lookAgain = 10 * time.Second

func newThermometer(want string, open func(string) (*board.Thermometer, error)) *thermometer {
	t := &thermometer{want: want, open: open}
	t.look(time.Now())
	return t
}

func (t *thermometer) look(now time.Time) {
	if t.want == config.NoThermometer || now.Before(t.next) {
		return
	}
	t.next = now.Add(lookAgain)
	t.have, t.why = t.open(t.want)
}

// readC reads it, in degrees Celsius; NaN: it is not known now.
func (t *thermometer) readC() float64 {
	switch {
	case t.want == config.NoThermometer:
		return math.NaN()
	case t.sim != nil:
		return t.sim()
	case t.have == nil:
		t.look(time.Now())
	}
	if t.have == nil {
		return math.NaN()
	}
	c, err := t.have.ReadC()
	if err != nil {
		t.have, t.why = nil, err
		return math.NaN()
	}
	return c
}

// missing is why there is no thermometer although one is wanted; "": there is one, or
// the operator says that there is none.
func (t *thermometer) missing() string {
	if t.want == config.NoThermometer || t.sim != nil || t.have != nil || t.why == nil {
		return ""
	}
	return strings.TrimPrefix(t.why.Error(), "board: ")
}

// words name it for `bragi show holdover`.
func (t *thermometer) words() string {
	switch {
	case t.want == config.NoThermometer:
		return "none, as configured"
	case t.sim != nil:
		return "the board of software's"
	case t.have != nil:
		return t.have.String()
	}
	return "none: " + t.missing()
}
