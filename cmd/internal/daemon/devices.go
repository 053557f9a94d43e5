package daemon

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

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

// recording is what the board of software plays in the place of its receiver; nil without
// a file.
func recording(path string) (*sim.Recording, error) {
	if path == "" {
		return nil, nil
	}
	bytes, err := file.Read(path, captureLimit)
	if err != nil {
		return nil, fmt.Errorf("sim.capture: %w (fix: name a recording of a receiver's bytes)", err)
	}
	r, err := sim.NewRecording(bytes)
	if err != nil {
		return nil, fmt.Errorf("sim.capture: %s: %w", path, err)
	}
	return r, nil
}

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
	if simulated.Recording, err = recording(cfg.Sim.Capture); err != nil {
		return nil, err
	}
	b, err := keep.startSim(ctx, simulated)
	if err != nil {
		return nil, err
	}
	others, err := openSimInputs(ctx, cfg, simulated, b, keep)
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
	name  string
	pulse bool // there is no receiver that could tell anything
	named map[string]simKnobs
}

// knobsOf are the knobs of the receiver of [gnss], which is the first reference with a
// receiver, and of those beside it.
func knobsOf(cfg *config.Config, first *live.Board, others []*input) simKnobs {
	k := simKnobs{Board: first, named: map[string]simKnobs{}}
	for _, r := range cfg.ReferenceList() {
		if r.Kind == config.KindGNSS {
			k.named[r.Name] = simKnobs{Board: first, name: r.Name}
			break
		}
	}
	for _, in := range others {
		k.named[in.Name] = simKnobs{Board: in.sim, name: in.Name, pulse: in.Kind == config.KindPPS}
	}
	return k
}

// Of is the receiver of a reference.
func (k simKnobs) Of(reference string) (control.Sim, error) {
	if one, found := k.named[reference]; found {
		return one, nil
	}
	return nil, fmt.Errorf("the board of software has no receiver %q (fix: one of %s)", reference, strings.Join(slices.Sorted(maps.Keys(k.named)), ", "))
}

// TellLie lets the receiver tell what is not so.
func (k simKnobs) TellLie(l control.Lie) error {
	if k.pulse && l.AheadS != 0 {
		return k.noReceiver()
	}
	k.Lie(sim.Lie{LateNs: l.LateNs, DriftNs: l.DriftNs, AheadS: l.AheadS})
	return nil
}

func (k simKnobs) noReceiver() error {
	return fmt.Errorf("the reference %s is a pulse alone, without a receiver that tells anything (fix: name a reference of kind gnss)", k.name)
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
