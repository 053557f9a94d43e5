package daemon

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"

	"bragi/board"
	"bragi/board/sim"
	"bragi/board/sim/live"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/file"
	"bragi/cmd/internal/status"
	"bragi/gnss/port"
	"bragi/master/wire"
)

// devices are a board's, real or of software.
type devices struct {
	clock       board.Clock
	port        *port.Port
	device      string // the receiver's serial port
	receiver    *receiver
	pulse       string // where the pulse comes in: "extts:N", a device, "auto" on the board of software
	openPulses  func() (board.Pulses, error)
	others      []*input // of the references beside that of [gnss]
	thermometer *thermometer
	sim         *live.Board // nil: a real board
	profile     board.Profile
	nic         *board.NIC // nil: none was named, or the board is of software
	close       func()
}

func openDevices(ctx context.Context, cfg *config.Config, keep *keeper) (*devices, error) {
	if cfg.Simulated() {
		return openSim(ctx, cfg, keep)
	}
	return openBoard(cfg, keep)
}

// captureLimit bounds a recording that is played: days of a receiver's bytes.
const captureLimit = 256 << 20

// openSim starts the board of software, or goes on with the one that was left.
func openSim(ctx context.Context, cfg *config.Config, keep *keeper) (*devices, error) {
	kind, err := sim.ParseKind(cfg.Sim.Oscillator)
	if err != nil {
		return nil, err
	}
	receiver, err := sim.ParseReceiver(cfg.Sim.Receiver)
	if err != nil {
		return nil, err
	}
	simulated := sim.Config{
		Oscillator: kind, Receiver: receiver, Seed: cfg.Sim.Seed, StartOffset: cfg.Sim.StartOffset, QuantumPPB: cfg.Sim.QuantumPPB,
		TimeToFix: cfg.Sim.TimeToFix, FixHold: cfg.Sim.FixHold, AntennaCut: cfg.Sim.AntennaCut, AntennaDelay: cfg.GNSS.AntennaDelay,
		SurveySpeed: cfg.Sim.SurveySpeed,
	}
	if cfg.Sim.Capture != "" {
		bytes, err := file.Read(cfg.Sim.Capture, captureLimit)
		if err != nil {
			return nil, fmt.Errorf("sim.capture: %w (fix: name a recording of a receiver's bytes)", err)
		}
		if simulated.Recording, err = sim.NewRecording(bytes); err != nil {
			return nil, fmt.Errorf("sim.capture: %s: %w", cfg.Sim.Capture, err)
		}
	}
	b, err := keep.startSim(ctx, live.Config{Sim: simulated, Keep: keep.keepSim})
	if err != nil {
		return nil, err
	}
	others, err := openSimInputs(ctx, cfg, simulated, b)
	if err != nil {
		return nil, err
	}
	r := newReceiver(cfg)
	profile, _ := board.ProfileOf(cfg.Board.Profile)
	return &devices{
		clock: b, port: r.port(b.Device(), 0, keep.baud), receiver: r, device: b.Device(), sim: b,
		thermometer: &thermometer{want: cfg.Holdover.Thermometer, sim: b.TemperatureC},
		openPulses:  func() (board.Pulses, error) { return unclosed{b}, nil },
		profile:     profile, pulse: cfg.PulseInput(), others: others,
		close: func() {
			for _, in := range others {
				in.sim.Close() //nolint:errcheck // it only waits
			}
			b.Close() //nolint:errcheck // likewise
		},
	}, nil
}

// unclosed is the board of software's pulse, which outlives its reader.
type unclosed struct{ board.Pulses }

func (unclosed) Close() error { return nil }

// simKnobs are the board of software's, for the control socket.
type simKnobs struct {
	*live.Board
	beside map[string]*live.Board // the receivers of other references
}

// Of is the receiver of a reference.
func (k simKnobs) Of(reference string) (control.Sim, error) {
	if b, found := k.beside[reference]; found {
		return simKnobs{b, k.beside}, nil
	}
	return nil, fmt.Errorf("the board of software has no other receiver %q (fix: bragi show references)", reference)
}

// TellLie lets the receiver tell what is not so.
func (k simKnobs) TellLie(l control.Lie) {
	k.Lie(sim.Lie{LateNs: l.LateNs, DriftNs: l.DriftNs, AheadS: l.AheadS})
}

// SimStatus is the truth; zero numbers when it cannot be read.
func (k simKnobs) SimStatus() status.Sim {
	truth, err := k.Truth()
	if err != nil {
		return status.Sim{Antenna: "unknown"}
	}
	return status.Sim{Antenna: truth.Antenna, TrueErrorNs: truth.TrueErrorNs, Oscillator: truth.Oscillator, TemperatureC: truth.TemperatureC}
}

// identityOf is the clock's identity: the operator's, or that of the hardware.
func identityOf(cfg *config.Config) (wire.ClockIdentity, error) {
	if cfg.Master.ClockIdentity != "" {
		return wire.ParseClockIdentity(cfg.Master.ClockIdentity)
	}
	return clockIdentity(cfg.Board.Interface)
}

// clockIdentity is the EUI-64 of the interface's MAC address (IEEE 1588-2019,
// 7.5.2.2). Without an interface, or with one that has no address, such as lo,
// it is locally administered and made of the host's name.
func clockIdentity(interfaceName string) (wire.ClockIdentity, error) {
	if interfaceName != "" {
		device, err := net.InterfaceByName(interfaceName)
		if err != nil {
			return wire.ClockIdentity{}, fmt.Errorf("interface %q: %w (fix: set board.interface to one of 'ip link')", interfaceName, err)
		}
		if len(device.HardwareAddr) == 6 && [6]byte(device.HardwareAddr) != [6]byte{} {
			return wire.IdentityFromMAC([6]byte(device.HardwareAddr)), nil
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return wire.ClockIdentity{}, fmt.Errorf("no clock identity: %w (fix: give the machine a host name, or set board.interface)", err)
	}
	hash := fnv.New64a()
	hash.Write([]byte(host))
	var id wire.ClockIdentity
	binary.BigEndian.PutUint64(id[:], hash.Sum64())
	id[0] = id[0]&^0x01 | 0x02 // locally administered, individual
	return id, nil
}

// ownPrefixes are the networks of our own interfaces, and the address served.
func ownPrefixes(address netip.Addr) []netip.Prefix {
	var own []netip.Prefix
	if address.Is4() {
		own = append(own, netip.PrefixFrom(address, 32))
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return own
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			own = append(own, p.Masked())
		}
	}
	return own
}
