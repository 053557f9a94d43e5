package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/state"
	"bragi/cmd/internal/status"
	"bragi/gnss/port"
	"bragi/gnss/setup"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// receiver sets the GNSS receiver up over its serial port. All but status and
// events runs in the port's goroutine.
type receiver struct {
	path string // of the surveyed position
	note string // what is wrong with it; "": nothing

	mu      sync.Mutex
	machine *setup.Machine // nil: the receiver is left as it is
	wanted  setup.Config   // of it
	silent  bool           // closed, or open without a rate

	fixedBaud bool // the operator named the rate: it stays
}

// positionKind is the file of the surveyed position.
var positionKind = state.Kind{Name: "position", Version: 2}

// savedPosition is its content.
type savedPosition struct {
	ECEF      [3]int64 `json:"ecef_0.1mm"`
	AccuracyM float64  `json:"accuracy_m"`
	DoubtM    float64  `json:"doubt_m"`
}

// newReceiver makes the set-up that the configuration wants.
func newReceiver(cfg *config.Config) *receiver {
	return newReceiverOf(cfg, cfg.PositionFile(), cfg.GNSS.Baud)
}

// newReceiverOf is that of a receiver with a file for its position and a rate, 0: to be
// found.
func newReceiverOf(cfg *config.Config, position string, baud int) *receiver {
	r := &receiver{path: position, silent: true, fixedBaud: baud != 0}
	if !cfg.SetsReceiverUp() {
		return r
	}
	c := setup.Config{Survey: cfg.GNSS.Survey, SurveyLimitM: cfg.GNSS.SurveyAccuracy}
	if cfg.GNSS.Protocol == "ubx" {
		c.Protocol = setup.UBX
	}
	var err error
	if c.Position, err = readPosition(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.note = err.Error() + "; the position is surveyed again"
	}
	r.machine, r.wanted = setup.New(c), c
	return r
}

// port is the receiver's port, which writes only if the receiver may be set up.
func (r *receiver) port(device string, baud, likely int) *port.Port {
	c := port.Config{Device: device, Baud: baud, Likely: likely}
	if r.machine != nil {
		c.Talk, c.Probe = r, ubx.AppendMessage(nil, ubx.MonVER, nil)
	}
	return port.New(c)
}

// readPosition is a zero Position with an error when there is none to use.
func readPosition(path string) (setup.Position, error) {
	b, err := state.ReadFile(path, positionKind)
	if err != nil {
		return setup.Position{}, err
	}
	var saved savedPosition
	if err := json.Unmarshal(b, &saved); err != nil {
		return setup.Position{}, fmt.Errorf("%s: %w", path, err)
	}
	p := setup.Position(saved)
	if !p.Plausible() {
		return setup.Position{}, fmt.Errorf("%s has no place on earth", path)
	}
	return p, nil
}

func writePosition(path string, p setup.Position) error {
	b, err := json.Marshal(savedPosition(p))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return state.WriteFile(path, positionKind, b)
}

// Speak is what to write now.
func (r *receiver) Speak() (write []byte, baud int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.machine.Next(board.Raw())
}

// feed takes what the receiver sent.
func (r *receiver) feed(received timescale.Mono, chunk []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine != nil && !r.silent {
		r.machine.Feed(received, chunk)
	}
}

// event follows the port.
func (r *receiver) event(now timescale.Mono, e port.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = e.Kind != port.Opened
	switch {
	case r.machine == nil:
	case r.silent:
		r.machine.Closed()
	default:
		baud := e.Baud
		if r.fixedBaud {
			baud = 0
		}
		r.machine.Opened(now, baud)
	}
}

// events is what happened, and the faults that stand.
func (r *receiver) events() (events []setup.Event, problems []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.note != "" {
		events, r.note = append(events, setup.Event{Kind: setup.StepFailed, Text: r.note}), ""
	}
	if r.machine == nil {
		return events, nil
	}
	return append(events, r.machine.Events()...), r.machine.Problems()
}

// tellReceiver tells what happened at the receiver, keeps a new position and
// raises the alarm of a set-up that failed.
func (d *Daemon) tellReceiver() {
	events, problems := d.devices.receiver.events()
	for _, e := range events {
		d.happened(status.ReceiverSetUp{What: e.Text, Bad: e.Bad()})
		if e.Kind == setup.Surveyed || e.Kind == setup.Compared {
			go d.keepPosition(d.devices.receiver.path, e.Position) // the disk may be slow, and nothing waits for it
		}
	}
	d.condition(alarms.ReceiverSetup, strings.Join(append(problems, d.tellInputs()...), "; "))
	length, doubtM := d.devices.receiver.pulse()
	d.mu.Lock()
	d.pipe.ExpectPulse(length)
	d.pipe.DoubtPlace(doubtM)
	d.mu.Unlock()
	if baud := d.devices.receiver.baud(); baud != 0 {
		d.mu.Lock()
		d.keep.baud = baud
		d.line(baud)
		d.mu.Unlock()
	}
}

// line tells the pipeline the serial line's rate; the board of software's pty has none.
// The caller holds the lock.
func (d *Daemon) line(baud int) {
	if d.devices.sim == nil {
		d.pipe.Line(baud)
	}
}

// pulse is how long the receiver was told to make its pulse, 0 while that is not known,
// and how far its antenna may be from the place that it computes the pulse with, in m.
func (r *receiver) pulse() (length time.Duration, doubtM float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine == nil {
		return 0, 0
	}
	return r.machine.PulseLength(), r.machine.DoubtM()
}

// SurveyReceiver lets the receiver survey its position anew.
func (d *Daemon) SurveyReceiver() (control.Surveying, error) {
	done, err := d.devices.receiver.survey(board.Raw())
	if err != nil {
		d.happened(status.SurveyRefused{Why: err.Error()})
		return done, err
	}
	d.happened(status.SurveyOrdered{})
	return done, nil
}

func (r *receiver) survey(now timescale.Mono) (control.Surveying, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine == nil {
		return control.Surveying{}, errors.New("the receiver is left as it is: it cannot be told (fix: gnss.configure = true)")
	}
	if err := r.machine.Survey(now); err != nil {
		return control.Surveying{}, err
	}
	return control.Surveying{MinS: r.wanted.Survey.Seconds(), LimitM: r.wanted.SurveyLimitM}, nil
}

// baud is the rate that the next start may listen at first, 0 where it is not
// known here.
func (r *receiver) baud() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine == nil || r.silent {
		return 0
	}
	return r.machine.Baud()
}

// TurnReceiver does to the u-blox of software what the operator wants.
func (k simKnobs) TurnReceiver(to control.Receiver) error {
	if k.pulse {
		return k.noReceiver()
	}
	if !k.SetReceiver(byte(1+slices.Index(control.JammingWords, to.Jamming)), byte(1+slices.Index(control.SpoofingWords, to.Spoofing)), to.PowerCycle) {
		return errors.New("the receiver of software is no u-blox (fix: sim.receiver = \"f9t\")")
	}
	return nil
}
