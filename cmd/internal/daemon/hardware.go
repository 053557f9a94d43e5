package daemon

import (
	"errors"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"bragi/board"
	"bragi/cmd/internal/config"
)

// hardware is the board's network device, and how the time gets into a Sync.
type hardware struct {
	profile   board.Profile
	nic       *board.NIC // nil: none was named, or the board is of software
	abilities board.Abilities
	mode      board.SyncMode
	why       string
	granted   board.Stamping // what the driver says it does since arm
	writing   string         // whether the kernel writes the time into a predicted Sync, and why not
}

// openBoard opens a real board's clock and network device. The pulse and the
// serial port are opened later, again and again until they work.
func openBoard(cfg *config.Config, keep *keeper) (*devices, error) {
	h, err := openHardware(cfg)
	if err != nil {
		return nil, err
	}
	clock, closeClock, err := openClock(cfg, h)
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	h.choose(cfg, clock)
	r := newReceiver(cfg)
	d := &devices{
		clock: clock, port: r.port(cfg.GNSS.Device, cfg.GNSS.Baud, keep.baud), receiver: r, device: cfg.GNSS.Device, hardware: h,
		openPulses: func() (board.Pulses, error) { return openPulses(pulseInput(cfg, h.profile), clock) },
		close: func() {
			h.close()    //nolint:errcheck // the driver that refuses its old setting has told so before
			closeClock() //nolint:errcheck // nothing was written that could be lost
		},
	}
	if thermometer, err := board.OpenThermometer(""); err == nil {
		d.temperature = func() float64 {
			c, err := thermometer.ReadC()
			if err != nil {
				return math.NaN()
			}
			return c
		}
	}
	return d, nil
}

func openHardware(cfg *config.Config) (h hardware, err error) {
	var found bool
	if h.profile, found = board.ProfileOf(cfg.Board.Profile); !found {
		return h, fmt.Errorf("board.profile %q is not known (fix: one of %s)", cfg.Board.Profile, strings.Join(board.ProfileNames(), ", "))
	}
	if cfg.Board.Interface != "" {
		h.nic, err = board.OpenNIC(cfg.Board.Interface)
	}
	return h, err
}

func (h hardware) close() error {
	if h.nic == nil {
		return nil
	}
	return h.nic.Close()
}

// simHardware is the board of software's: its clock stamps no packet.
func simHardware(cfg *config.Config) hardware {
	var h hardware
	h.profile, _ = board.ProfileOf(cfg.Board.Profile)
	h.abilities = board.Abilities{PHC: -1, SoftwareTx: true, SoftwareRx: true}
	h.mode, h.why = board.ChooseSyncMode(h.abilities, h.profile, board.Wanted(cfg.Master.SyncMode))
	return h
}

// index is that of the device by which Syncs leave; 0 where none was named.
func (h hardware) index(cfg *config.Config) (int, error) {
	if h.nic != nil {
		return h.nic.PhysicalIndex()
	}
	if cfg.Board.Interface == "" {
		return 0, nil
	}
	device, err := net.InterfaceByName(cfg.Board.Interface)
	if err != nil {
		return 0, fmt.Errorf("interface %q: %w", cfg.Board.Interface, err)
	}
	return device.Index, nil
}

// choose decides how the time gets into a Sync.
func (h *hardware) choose(cfg *config.Config, clock board.Clock) {
	if h.nic != nil {
		h.abilities, _ = h.nic.Abilities() // a device that cannot be asked has none
	} else {
		h.abilities = board.Abilities{PHC: -1, SoftwareTx: true, SoftwareRx: true}
	}
	note := ""
	if clock.Info().Name != fmt.Sprintf("/dev/ptp%d", h.abilities.PHC) && h.abilities.HardwareTx {
		note = "; the interface's hardware stamps are of another clock than the one that is served"
		h.abilities = h.abilities.Foreign()
	}
	if len(cfg.Master.TwoStepFor) > 0 && h.abilities.Offers(board.TxOneStepSync) {
		note += "; hardware one-step has no stamps for the two-step clients of master.two_step_for"
		h.abilities.TxModes &^= 1 << uint(board.TxOneStepSync)
	}
	h.mode, h.why = board.ChooseSyncMode(h.abilities, h.profile, board.Wanted(cfg.Master.SyncMode))
	h.why += note
}

// openClock opens the clock that is served: the configured one, the interface's,
// or, where the interface has none, one of software.
func openClock(cfg *config.Config, h hardware) (board.Clock, func() error, error) {
	find := func() (string, error) { return cfg.Board.PHC, nil }
	if cfg.Board.PHC == "auto" {
		find = func() (string, error) { return "", board.ErrNoPHC }
		if h.nic != nil {
			find = h.nic.PHC
		}
		switch _, err := find(); {
		case errors.Is(err, board.ErrNoPHC) && cfg.Board.Profile == "generic":
			clock, err := board.NewSoftwareClock()
			return clock, func() error { return nil }, err
		case err != nil:
			return nil, nil, fmt.Errorf("%w (fix: set board.interface to the port with the clock, board.phc = \"/dev/ptp0\", or board.profile = \"generic\" for a clock of software)", err)
		}
	}
	phc, err := board.FindPHC(find, h.profile.CounterNs)
	if err != nil {
		return nil, nil, err
	}
	return phc, phc.Close, nil
}

// pulseInput is where the pulse comes in: what the configuration says, else
// what the board is known for.
func pulseInput(cfg *config.Config, p board.Profile) string {
	if cfg.GNSS.PPS == "auto" && p.Pulse != "" {
		return p.Pulse
	}
	return cfg.GNSS.PPS
}

// openPulses opens the pulse's device: "extts:N", a /dev/ppsN, or, for "auto",
// the clock's first external time stamp input, else /dev/pps0.
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
	if pps != "auto" {
		return board.OpenPPS(pps, clock)
	}
	var first error
	if hardware {
		extts, err := board.OpenEXTTS(phc, 0)
		if err == nil {
			return extts, nil
		}
		first = err
	}
	devices, _ := filepath.Glob("/dev/pps*") // the pattern is good
	if len(devices) == 0 {
		devices = []string{"/dev/pps0"}
	}
	kernel, second := board.OpenPPS(devices[0], clock)
	if second != nil {
		return nil, errors.Join(first, second)
	}
	return kernel, nil
}
