package daemon

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"bragi/board"
	"bragi/cmd/internal/config"
)

// openBoard opens a real board's clock and network device. The pulse and the
// serial port are opened later, again and again until they work.
func openBoard(cfg *config.Config, keep *keeper) (*devices, error) {
	profile, found := board.ProfileOf(cfg.Board.Profile)
	if !found {
		return nil, fmt.Errorf("board.profile %q is not known (fix: one of %s)", cfg.Board.Profile, strings.Join(board.ProfileNames(), ", "))
	}
	nic, closeNIC, err := openNIC(cfg)
	if err != nil {
		return nil, err
	}
	clock, closeClock, err := openClock(cfg, nic, profile)
	if err != nil {
		return nil, errors.Join(err, closeNIC())
	}
	r, pulse := newReceiver(cfg), findPulse(cfg.PulseInput(), clock)
	d := &devices{
		clock: clock, port: r.port(cfg.GNSS.Device, cfg.GNSS.Baud, keep.baud), receiver: r, device: cfg.GNSS.Device, profile: profile, nic: nic,
		thermometer: newThermometer(cfg.Holdover.Thermometer, board.OpenThermometer),
		others:      openInputs(cfg, clock),
		pulse:       pulse, openPulses: func() (board.Pulses, error) { return openPulses(pulse, clock) },
		close: func() {
			closeNIC()   //nolint:errcheck // the driver that refuses its old setting has told so before
			closeClock() //nolint:errcheck // nothing was written that could be lost
		},
	}
	return d, nil
}

// openNIC opens the network device that the configuration names; nil: none.
func openNIC(cfg *config.Config) (nic *board.NIC, closeIt func() error, err error) {
	if cfg.Board.Interface == "" {
		return nil, func() error { return nil }, nil
	}
	if nic, err = board.OpenNIC(cfg.Board.Interface); err != nil {
		return nil, nil, err
	}
	return nic, nic.Close, nil
}

// openClock opens the clock that is served: the configured one, the interface's,
// or, where the interface has none, one of software.
func openClock(cfg *config.Config, nic *board.NIC, profile board.Profile) (board.Clock, func() error, error) {
	find := func() (string, error) { return cfg.Board.PHC, nil }
	if cfg.Board.PHC == "auto" {
		find = func() (string, error) { return "", board.ErrNoPHC }
		if nic != nil {
			find = nic.PHC
		}
		switch _, err := find(); {
		case errors.Is(err, board.ErrNoPHC) && cfg.Board.Profile == "generic":
			clock, err := board.NewSoftwareClock()
			return clock, func() error { return nil }, err
		case err != nil:
			return nil, nil, fmt.Errorf("%w (fix: set board.interface to the port with the clock, board.phc = \"/dev/ptp0\", or board.profile = \"generic\" for a clock of software)", err)
		}
	}
	phc, err := board.FindPHC(find, profile.CounterNs)
	if err != nil {
		return nil, nil, err
	}
	return phc, phc.Close, nil
}

// findPulse is what "auto" means on this board: the clock's first external time
// stamp input if it works, else the kernel's first device. It is found once, so
// that the delay of the input is known.
func findPulse(pps string, clock board.Clock) string {
	if pps != "auto" {
		return pps
	}
	devices, _ := filepath.Glob("/dev/pps*") // the pattern is good
	if phc, hardware := clock.(*board.PHC); hardware && phc.Capabilities().ExtTS > 0 {
		extts, err := board.OpenEXTTS(phc, 0)
		if err == nil {
			extts.Close() //nolint:errcheck // it is opened again, and tells then
		}
		if err == nil || len(devices) == 0 {
			return "extts:0"
		}
	}
	if len(devices) == 0 {
		return "/dev/pps0"
	}
	return devices[0]
}

// openPulses opens the pulse's device: "extts:N" or a /dev/ppsN.
func openPulses(pps string, clock board.Clock) (board.Pulses, error) {
	phc, hardware := clock.(*board.PHC)
	if channel, found := strings.CutPrefix(pps, "extts:"); found {
		n, err := strconv.Atoi(channel)
		if err != nil {
			return nil, fmt.Errorf("gnss.pps %q names no channel (fix: extts:0)", pps)
		}
		if !hardware {
			return nil, fmt.Errorf("gnss.pps %q: a clock of software has no inputs (fix: gnss.pps = \"/dev/pps0\")", pps)
		}
		return board.OpenEXTTS(phc, n)
	}
	return board.OpenPPS(pps, clock)
}
