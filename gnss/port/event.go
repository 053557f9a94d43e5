package port

import (
	"errors"
	"fmt"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// EventKind tells what happened to the port.
type EventKind uint8

// The kinds of Event. All but Opened mean that no bytes come; Run keeps trying.
const (
	Opened   EventKind = iota // open, and frames understood unless Baud was given
	Missing                   // no such device
	Denied                    // no permission
	Busy                      // another program has it
	Failed                    // it cannot be opened or set up for another reason
	Lost                      // it was open and vanished
	NoFrames                  // open, but nothing understood at any rate
)

// String is one word.
func (k EventKind) String() string {
	switch k {
	case Opened:
		return "opened"
	case Missing:
		return "missing"
	case Denied:
		return "denied"
	case Busy:
		return "busy"
	case Failed:
		return "failed"
	case Lost:
		return "lost"
	case NoFrames:
		return "no frames"
	}
	return "unknown"
}

// Event is a change of the port's state. It comes once, not at each attempt.
type Event struct {
	Kind   EventKind
	Device string
	Baud   int   // with Opened
	Err    error // nil with Opened; one line: what, why, and the fix
}

// String is the event for a log.
func (e Event) String() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("gnss/port: %s opened at %d baud", e.Device, e.Baud)
}

const busyFix = "stop the other program that has it (gpsd? a getty? ModemManager?)"

// openEvent tells why a device could not be opened.
func openEvent(device string, err error) Event {
	kind, why := Failed, "is it a serial port?"
	var pe *serial.PortError
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		kind, why = Missing, "check the cable, the device tree and gnss.device"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		kind, why = Denied, "add bragid's user to the device's group (dialout)"
	case errors.Is(err, unix.EBUSY):
		kind, why = Busy, busyFix
	case errors.As(err, &pe):
		switch pe.Code() {
		case serial.PermissionDenied:
			kind, why = Denied, "add bragid's user to the device's group (dialout)"
		case serial.PortBusy:
			kind, why = Busy, busyFix
		}
	}
	return Event{Kind: kind, Device: device, Err: fmt.Errorf("gnss/port: open %s: %w: %s; trying on", device, err, why)}
}

func lostEvent(device string, err error) Event {
	return Event{Kind: Lost, Device: device,
		Err: fmt.Errorf("gnss/port: %s is gone: %w: check its cable; trying on", device, err)}
}

var (
	errSilent  = errors.New("no bytes at any rate")
	errGarbled = errors.New("bytes, but no NMEA or UBX frame at any rate")
)

func noFramesEvent(device string, heard bool) Event {
	err, why := errSilent, "is the receiver powered, its TX wired to our RX?"
	if heard {
		err, why = errGarbled, "wrong device, or a rate that is not tried: set gnss.baud"
	}
	return Event{Kind: NoFrames, Device: device, Err: fmt.Errorf("gnss/port: %s: %w: %s; trying on", device, err, why)}
}
