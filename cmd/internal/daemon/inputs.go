package daemon

import (
	"context"
	"sync"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/board/sim/live"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/gnss"
	"bragi/gnss/port"
	"bragi/gnss/setup"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// input is where a reference beside the receiver of [gnss] comes in.
type input struct {
	config.Reference
	index      int        // in the list of references
	device     string     // its serial port
	port       *port.Port // nil: a pulse alone
	receiver   *receiver
	openPulses func() (board.Pulses, error)
	sim        *live.Board // nil: a real board

	// Guarded by the daemon's lock: what is wrong with its devices, "" for nothing.
	portTrouble, pulseTrouble string
}

// inputsOf makes the inputs of a configuration, which open fills.
func inputsOf(cfg *config.Config, open func(in *input) error) (inputs []*input, err error) {
	first := true
	for i, r := range cfg.ReferenceList() {
		if r.Kind == config.KindInternal {
			continue
		}
		if r.Kind == config.KindGNSS && first {
			first = false
			continue
		}
		in := &input{Reference: r, index: i}
		if err := open(in); err != nil {
			return inputs, err
		}
		if r.Kind == config.KindGNSS {
			in.receiver = newReceiverOf(cfg, cfg.PositionFile()+"-"+r.Name, r.Baud)
			in.port = in.receiver.port(in.device, r.Baud, 0)
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

func openInputs(cfg *config.Config, clock board.Clock) []*input {
	inputs, _ := inputsOf(cfg, func(in *input) error { // nothing is opened yet
		in.device = in.Device
		in.openPulses = func() (board.Pulses, error) { return openPulses(in.PPS, clock) }
		return nil
	})
	return inputs
}

// openSimInputs puts a receiver of software beside that of the board for each other
// reference: with an antenna and noise of its own.
func openSimInputs(ctx context.Context, cfg *config.Config, like sim.Config, b *live.Board, keep *keeper) ([]*input, error) {
	seed := like.Seed
	inputs, err := inputsOf(cfg, func(in *input) (err error) {
		seed += 1000
		one := sim.Config{Receiver: like.Receiver, Seed: seed, TimeToFix: like.TimeToFix, FixHold: like.FixHold, AntennaCut: like.AntennaCut, AntennaDelay: in.AntennaDelay, SurveySpeed: like.SurveySpeed}
		if in.sim, err = keep.startSimBeside(ctx, b, in.Name, one); err != nil {
			return err
		}
		in.device = in.sim.Device()
		in.openPulses = func() (board.Pulses, error) { return unclosed{in.sim}, nil }
		return nil
	})
	return inputs, err
}

// pipelineReferences is the list as the pipeline wants it; nil where the file has none.
func pipelineReferences(cfg *config.Config) (list []pipeline.ReferenceConfig) {
	if len(cfg.References) == 0 {
		return nil
	}
	kinds := map[string]pipeline.ReferenceKind{config.KindGNSS: pipeline.GNSS, config.KindPPS: pipeline.PPS, config.KindInternal: pipeline.Internal}
	seconds := map[string]pipeline.SecondFrom{config.SecondGNSS: pipeline.FromGNSS, config.SecondNetwork: pipeline.FromNetwork, config.SecondClock: pipeline.FromClock}
	for _, r := range cfg.ReferenceList() {
		late := cfg.InputDelay(r)
		list = append(list, pipeline.ReferenceConfig{Name: r.Name, Kind: kinds[r.Kind], Priority: r.Priority, Lockout: r.Lockout, Second: seconds[r.Second],
			Receiver: gnss.ReferenceConfig{AntennaDelay: r.AntennaDelay, PulseDelay: late.Delay}, UncertaintyNs: float64(late.Uncertainty)})
	}
	return list
}

func selectionRules(cfg *config.Config) pipeline.Rules {
	return pipeline.Rules{HoldOff: cfg.Selection.HoldOff, Revertive: cfg.Selection.Revertive}
}

// runInput runs the goroutines of an input until ctx ends.
func (d *Daemon) runInput(ctx context.Context, in *input, running *sync.WaitGroup) {
	if in.port != nil {
		running.Go(func() {
			in.port.Run(ctx, func(received timescale.Mono, chunk []byte) { //nolint:errcheck // it ends with ctx
				d.mu.Lock()
				defer d.mu.Unlock()
				d.pipe.BytesOf(in.index, received, chunk)
				in.receiver.feed(received, chunk)
			}, func(e port.Event) { d.inputEvent(in, e) })
		})
	}
	running.Go(func() {
		for ctx.Err() == nil {
			err := d.readInput(ctx, in)
			if ctx.Err() != nil {
				return
			}
			d.inputTrouble(in, &in.pulseTrouble, err.Error())
			select {
			case <-ctx.Done():
			case <-time.After(pulsePause):
			}
		}
	})
}

func (d *Daemon) readInput(ctx context.Context, in *input) error {
	source, err := in.openPulses()
	if err != nil {
		return err
	}
	defer source.Close()
	d.inputTrouble(in, &in.pulseTrouble, "")
	for {
		edge, err := source.ReadEdge(ctx)
		if err != nil {
			return err
		}
		d.mu.Lock()
		d.pipe.EdgeOf(in.index, board.Raw(), edge)
		d.keep.changed()
		d.mu.Unlock()
	}
}

// inputTrouble notes what is wrong with a device of an input; "": nothing.
func (d *Daemon) inputTrouble(in *input, which *string, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*which = why
	if why == "" {
		why = in.portTrouble + in.pulseTrouble
	}
	d.pipe.InputTrouble(in.index, why)
}

// inputEvent follows the serial port of an input.
func (d *Daemon) inputEvent(in *input, e port.Event) {
	in.receiver.event(board.Raw(), e)
	if e.Kind != port.Opened && e.Kind != port.NoFrames {
		d.inputTrouble(in, &in.portTrouble, e.String())
		return
	}
	d.inputTrouble(in, &in.portTrouble, "")
	if e.Kind == port.Opened && in.sim == nil {
		d.mu.Lock()
		d.pipe.LineOf(in.index, e.Baud)
		d.mu.Unlock()
	}
	d.happened(status.ReceiverPort{What: in.Name + ": " + e.String(), Bad: e.Kind == port.NoFrames})
}

// tellInputs tells what happened at the receivers of the other references, and keeps new
// positions. It returns what failed of their set-up.
func (d *Daemon) tellInputs() (problems []string) {
	for _, in := range d.devices.others {
		if in.receiver == nil {
			continue
		}
		events, wrong := in.receiver.events()
		for _, what := range wrong {
			problems = append(problems, in.Name+": "+what)
		}
		for _, e := range events {
			d.happened(status.ReceiverSetUp{What: in.Name + ": " + e.Text, Bad: e.Bad()})
			if e.Kind == setup.Surveyed || e.Kind == setup.Compared {
				go d.keepPosition(in.receiver.path, e.Position) // the disk may be slow, and nothing waits for it
			}
		}
		length, doubtM := in.receiver.pulse()
		d.mu.Lock()
		d.pipe.ExpectPulseOf(in.index, length)
		d.pipe.DoubtPlaceOf(in.index, doubtM)
		d.mu.Unlock()
	}
	return problems
}

// keepPosition writes a surveyed position.
func (d *Daemon) keepPosition(path string, p setup.Position) {
	if err := writePosition(path, p); err != nil {
		d.happened(status.Kept{File: path, What: "the surveyed position is not kept: " + err.Error() + " (fix: gnss.position_file)", Bad: true})
	}
}

// SwitchReference is the operator's order to follow a reference.
func (d *Daemon) SwitchReference(name string, force bool) (control.Switched, error) {
	d.mu.Lock()
	err := d.pipe.Switch(board.Raw(), name, force)
	d.keep.changed()
	d.mu.Unlock()
	if err != nil {
		d.happened(status.SwitchRefused{Why: err.Error()})
		return control.Switched{}, err
	}
	order := pipeline.Manual
	if force {
		order = pipeline.Forced
	}
	d.happened(status.SwitchOrdered{Name: name, Order: order.String()})
	d.tick()
	d.mu.Lock()
	defer d.mu.Unlock()
	return control.Switched{Selected: name, Order: order.String(), Waits: waits(d.look, name)}, nil
}

// waits is why the clock does not follow the reference of this name now; "": it does.
func waits(l *pipeline.Look, name string) string {
	for _, r := range l.References {
		switch {
		case r.Name != name:
		case l.Forced:
			return "holdover is forced, until bragi holdover release"
		case r.Followed && r.Good && !r.Refused:
		case r.Why != "":
			return r.Why
		default:
			return pipeline.Why(notOfTheClass(l.Report))
		}
	}
	return ""
}

// notOfTheClass are the reasons why a clock is where it is, without that of its class: in
// holdover the first one tells whether it is in spec, and not what it waits for.
func notOfTheClass(r holdover.Report) []holdover.Reason {
	if r.State != quality.HoldoverSpec && r.State != quality.HoldoverNoSpec {
		return r.Why
	}
	if len(r.Why) > 1 {
		return r.Why[1:]
	}
	return []holdover.Reason{holdover.ReasonReturning}
}

// ClearReference ends that order.
func (d *Daemon) ClearReference() (control.Switched, error) {
	d.mu.Lock()
	was, name, err := d.pipe.ClearSwitch(board.Raw())
	d.keep.changed()
	d.mu.Unlock()
	if err != nil {
		return control.Switched{}, err
	}
	d.happened(status.SwitchOrdered{Name: name, Order: pipeline.Automatic.String()})
	d.tick()
	d.mu.Lock()
	defer d.mu.Unlock()
	selected := selectedName(d.look)
	return control.Switched{Selected: selected, Order: pipeline.Automatic.String(), Ended: was.String() + " to " + name, Waits: waits(d.look, selected)}, nil
}

// tellSelected tells that another reference is selected, where there are several.
func (d *Daemon) tellSelected(before, look *pipeline.Look) {
	was, is := selectedName(before), selectedName(look)
	if was == is || was == "" || len(look.References) < 3 { // of one receiver the state tells it
		return
	}
	e := status.ReferenceSelected{Name: is, Before: was, Order: pipeline.Automatic.String()}
	for _, r := range look.References {
		switch r.Name {
		case is:
			e.Order = r.Order.String()
		case was:
			e.Why = r.Why
		}
	}
	d.happened(e)
}

// selectedName is the reference that is selected.
func selectedName(l *pipeline.Look) string {
	for _, r := range l.References {
		if r.Selected {
			return r.Name
		}
	}
	return ""
}
