// Package config reads bragi's configuration: one TOML file, overridden key by
// key from the command line.
//
//	file --> TOML tree with the line of each key \
//	                                              > table (key, what it may be, its field) --> Config --> cross checks
//	--set section.key=value ---------------------/
//
// The table (options.go) has all there is to know of a key, once: what may be
// written, the default, whether a reload takes it, and what it is for.
// docs/CONFIG.md and the list in docs/RESTART.md are made from it.
//
// What is wrong is told with file, line, excerpt and fix, all of it at once. A
// key whose feature this version lacks is refused, so that a file which loads
// does what it says.
package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"bragi/board"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// Config is a configuration that was read and found good.
type Config struct {
	File       string // where it was read from
	Board      Board
	GNSS       GNSS
	Holdover   Holdover
	Master     Master
	Selection  Selection
	Twin       Twin
	References []Reference
	Control    Control
	Syslog     Syslog
	NTP        NTP
	Console    Console
	Sim        Sim

	where map[string]place // of the keys that were set
}

// Board is the section [board].
type Board struct {
	Profile   string // "sim", "beaglebone-black", "imx6ul", "imx8mp", "generic"
	Interface string // the network device whose clock and stamps are used and whose MAC names the clock; "": none
	PHC       string // "auto" or a device
	// IngressLatency and EgressLatency are the times between the connector and
	// the hardware's stamp; Asymmetry is how much longer the way to the clients is
	// than the way back, halved.
	IngressLatency, EgressLatency, Asymmetry time.Duration
	LED                                      string // the light that shows the state: AnyLED, NoLED, or its name
	Twins                                    string // how calibration twins leave: "ethernet", "udp" (to 224.0.1.130)
}

// The words of board.led that are no light's name.
const (
	AnyLED = "auto"
	NoLED  = "none"
)

// GNSS is the section [gnss].
type GNSS struct {
	Device       string // the receiver's serial port
	Baud         int    // 0: found out by listening
	Protocol     string // "auto", "nmea", "ubx"
	PPS          string // "auto", "extts:N", a device
	AntennaDelay time.Duration
	// PPSDelay is how late the input stamps the pulse, PPSUncertainty bounds what is
	// left; where the file does not say, see PulseDelay.
	PPSDelay, PPSUncertainty time.Duration
	// MessageDelay is how long after its pulse a message comes; 0: within the second.
	MessageDelay time.Duration
	// SecondOpinion is OpinionAuto, OpinionOff, or NTP servers.
	SecondOpinion []string
	Configure     bool // a u-blox is set up; false: not a byte is written to any receiver

	Survey         time.Duration // how long a position is averaged at least; 0: never
	SurveyAccuracy float64       // m, how good the mean must be
	PositionPath   string        // "": see PositionFile
	LeapFile       string        // in the format of leap-seconds.list; empty: the built-in table
}

// Holdover is the section [holdover].
type Holdover struct {
	Oscillator  holdover.Oscillator
	Spec        time.Duration
	Learning    time.Duration
	MaxHoldover time.Duration
	Settle      time.Duration
	WarmUp      time.Duration
	OnAcquire   holdover.OnAcquire
	// Thermometer is "auto", NoThermometer, the name of a chip, or a path.
	Thermometer string
	OnReturn    holdover.OnReturn
	MaxSlew     float64 // ppb, out of spec
	Restore     time.Duration
	// DrillEvery is how often a holdover drill begins by itself, 0: never; DrillFor is
	// how long a drill runs.
	DrillEvery, DrillFor time.Duration
	// StateFile is where what was learned of the oscillator is kept, in two files
	// beside each other; "": /var/lib/bragi/oscillator where that can be written,
	// nowhere for the board of software.
	StateFile string
}

// NoThermometer is the operator's word that there is none.
const NoThermometer = "none"

// Master is the section [master].
type Master struct {
	Address          string // to serve at; "": every address of the machine
	ClockIdentity    string // the clock's, of a board that this one replaces; "": made of the MAC address
	Domain           uint8
	Priority1        uint8
	Priority2        uint8
	Profile          string // "default", "g8275.2"
	ClassAlternative string // "A", "B": the pair of classes 52/58 or 187/193
	FreeRunClass     int    // 58 or 248; 0: the profile's
	MaxClients       int
	Allow            []netip.Prefix // nil: see AllowList
	Trusted          []netip.Prefix // nil: nobody
	Deny             []netip.Prefix
	Expected         []Expected     // clients that are to be there
	Monitor          []netip.Prefix // clients whose word on their own time is shown
	Open             bool
	EventPort        uint16
	GeneralPort      uint16
	Squelch          quality.Squelch
	SyncMode         string // "auto", "one-step", "two-step"
	TwoStepFor       []netip.Prefix
	// KernelSync lets a program in the kernel write the time into a predicted Sync.
	KernelSync bool
	// ResidualLimit is the bound of what a predicted Sync says wrong, beyond which
	// OnResidual is done: "alarm", or "two-step" for everyone too. Negative: never.
	ResidualLimit time.Duration
	OnResidual    string
	Management    string // "off", "get", "set"
	Pdelay        bool   // Pdelay_Req is answered
	MinorVersion  uint8  // minorVersionPTP that is sent
	PacketBudget  int    // packets a second promised to all clients together; 0: no limit
	DSCP          uint8
	FreeRunAfter  time.Duration // negative: never
}

// Expected is a client that is to be there: where it is, and its name for people.
type Expected struct {
	Address netip.Addr
	Name    string
}

// String is the client as `master.expected` has it.
func (e Expected) String() string { return e.Address.String() + " " + e.Name }

// Reference is an entry of [[reference]].
type Reference struct {
	Name     string
	Kind     string // one of the Kind words
	Priority int    // the smallest is preferred
	Lockout  bool   // it is never selected, and never compared

	// Of a receiver beside that of [gnss], and of a pulse alone.
	Device                                 string
	Baud                                   int    // 0: found out by listening
	PPS                                    string // "extts:N", a device
	Second                                 string // one of the Second words
	AntennaDelay, PPSDelay, PPSUncertainty time.Duration

	delaySet, uncertaintySet bool // the file says so
}

// The kinds of reference.
const (
	KindGNSS     = "gnss"
	KindPPS      = "pps"
	KindInternal = "internal"
)

// How a pulse alone gets its second.
const (
	SecondGNSS    = "gnss"
	SecondNetwork = "network"
	SecondClock   = "clock"
)

// Selection is the section [selection].
type Selection struct {
	HoldOff   time.Duration
	Revertive bool
	Limit     time.Duration // how far two references may differ
}

// Twin is the section [twin].
type Twin struct {
	Address string        // another grandmaster; "": none
	Limit   time.Duration // how far the two may differ
}

// Addr is the twin's address; the zero Addr: there is none.
func (t Twin) Addr() netip.Addr {
	a, _ := netip.ParseAddr(t.Address) // the zero Addr for ""
	return a
}

// Control is the section [control].
type Control struct {
	RunDir string
	Socket string   // "": control.sock in RunDir
	Admins []string // names or numbers of users who may change something, beside root
	// HTTP is a TCP address, "": none; the others are files, "": none.
	HTTP, HTTPCertificate, HTTPKey, HTTPTokenFile, HTTPClientCA string
}

// Console is the section [console]. The daemon does not use it: `bragi console` does.
type Console struct {
	TimeZone string        // of the times that are shown: as time.LoadLocation takes it
	Idle     time.Duration // a session without a key ends after this; negative: never
}

// Syslog is the section [syslog].
type Syslog struct {
	Targets  []string
	Format   string // "rfc5424", "rfc3164"
	Facility string // one of syslog.Facilities
	Severity string // one of syslog.Severities: what is less severe is not sent
	// RateLimit is how many lines of one event leave in a minute; 0: all.
	RateLimit int
	// CA, Certificate and Key are files of TLS, "": none.
	CA, Certificate, Key string
}

// NTP is the section [ntp].
type NTP struct {
	Refclock string // chrony's socket; "": none
	// SetSystemClock: the system clock is set once in each boot if nobody keeps it.
	SetSystemClock bool
}

// Sim is the section [sim], the board of software.
type Sim struct {
	Oscillator  string // "xo", "tcxo", "tcxo-hi", "ocxo", "rb"
	Receiver    string // "nmea", "timing", "timing-ubx", "m8t", "f9t"
	Seed        uint64
	StartOffset time.Duration // of the clock from the sky's TAI, at the start
	TimeToFix   time.Duration
	FixHold     time.Duration // how long a cut receiver still claims a fix, its pulse running away
	AntennaCut  bool
	Capture     string  // a recorded receiver to play; "": the modelled one
	QuantumPPB  float64 // smallest change of frequency; 0: none
	SurveySpeed int     // seconds of survey-in that a second counts for
}

// defaults is what an empty file says, and the table with its fields.
func defaults() (*Config, table) {
	c := &Config{where: map[string]place{}}
	t := c.table()
	for _, s := range t {
		for _, o := range s.options {
			o.reset()
		}
	}
	return c, t
}

// Simulated tells whether the board of software runs.
func (c *Config) Simulated() bool { return c.Board.Profile == "sim" }

// SocketPath is the control socket.
func (c *Config) SocketPath() string {
	if c.Control.Socket != "" {
		return c.Control.Socket
	}
	return filepath.Join(c.Control.RunDir, "control.sock")
}

// positionFile outlives a loss of power.
const positionFile = "/var/lib/bragi/position"

// PositionFile is where the surveyed position of the antenna is kept: it must
// outlive a loss of power, but for the board of software.
func (c *Config) PositionFile() string {
	switch {
	case c.GNSS.PositionPath != "":
		return c.GNSS.PositionPath
	case c.Simulated():
		return filepath.Join(c.Control.RunDir, "position")
	}
	return positionFile
}

// SetsReceiverUp tells whether anything may be written to the receiver.
func (c *Config) SetsReceiverUp() bool { return c.GNSS.Configure && c.GNSS.Protocol != "nmea" }

// The words of gnss.second_opinion that are no servers.
const (
	OpinionAuto = "auto"
	OpinionOff  = "off"
)

// AsksSystemClock tells whether the system clock is held against the receiver. A
// recording that is played has its own date; a system clock that this clock sets is no
// witness of its own.
func (c *Config) AsksSystemClock() bool {
	return c.NTP.Refclock == "" && !slices.Equal(c.GNSS.SecondOpinion, []string{OpinionOff}) && c.Sim.Capture == ""
}

// AsksRTC tells whether the board's real-time clock is held against the receiver.
func (c *Config) AsksRTC() bool {
	return !c.Simulated() && !slices.Equal(c.GNSS.SecondOpinion, []string{OpinionOff})
}

// OpinionServers are the NTP servers that are asked for a second opinion.
func (c *Config) OpinionServers() []string {
	if s := c.GNSS.SecondOpinion; len(s) == 1 && (s[0] == OpinionAuto || s[0] == OpinionOff) {
		return nil
	}
	return c.GNSS.SecondOpinion
}

// PulseInput is where the pulse comes in: what the file says, else what the board
// is known for; "auto": it is looked for at the start.
func (c *Config) PulseInput() string {
	if profile, _ := board.ProfileOf(c.Board.Profile); c.GNSS.PPS == "auto" && profile.Pulse != "" {
		return profile.Pulse
	}
	return c.GNSS.PPS
}

// PulseDelay is how late the pulse is stamped at an input, "extts:N" or a device:
// what the file says, else what is known of the board. The board of software stamps
// without a delay.
func (c *Config) PulseDelay(input string) board.PulseDelay {
	if c.Simulated() {
		return board.PulseDelay{}
	}
	profile, _ := board.ProfileOf(c.Board.Profile)
	d := profile.PulseDelay(input)
	if _, set := c.where["gnss.pps_delay"]; set {
		d.Delay = c.GNSS.PPSDelay
	}
	if _, set := c.where["gnss.pps_uncertainty"]; set {
		d.Uncertainty = c.GNSS.PPSUncertainty
	}
	return d
}

// InputDelay is how late the pulse of a reference beside that of [gnss] is stamped.
func (c *Config) InputDelay(r Reference) board.PulseDelay {
	if c.Simulated() {
		return board.PulseDelay{}
	}
	profile, _ := board.ProfileOf(c.Board.Profile)
	d := profile.PulseDelay(r.PPS)
	if r.delaySet {
		d.Delay = r.PPSDelay
	}
	if r.uncertaintySet {
		d.Uncertainty = r.PPSUncertainty
	}
	return d
}

// The priorities of a file without [[reference]], and of an oscillator that it does not
// name: those of an ASR900.
const (
	gnssPriority     = 1
	internalPriority = 251
)

// ReferenceList is every reference of the clock: those of the file, or the receiver of
// [gnss]; the oscillator is always one of them.
func (c *Config) ReferenceList() []Reference {
	list := slices.Clone(c.References)
	if len(list) == 0 {
		list = []Reference{{Name: KindGNSS, Kind: KindGNSS, Priority: gnssPriority}}
	}
	if !slices.ContainsFunc(list, func(r Reference) bool { return r.Kind == KindInternal }) {
		list = append(list, Reference{Name: KindInternal, Kind: KindInternal, Priority: internalPriority})
	}
	return list
}

// Servo is what the clock is told. Quantum and limit of the hardware are the
// caller's to add.
func (c *Config) Servo() holdover.Config {
	s := holdover.DefaultConfig()
	h := c.Holdover
	s.Oscillator, s.Spec, s.Learning, s.MaxHoldover = h.Oscillator, h.Spec, h.Learning, h.MaxHoldover
	s.Settle, s.WarmUp, s.OnAcquire = h.Settle, h.WarmUp, h.OnAcquire
	s.OnReturn, s.MaxSlewPPB, s.WaitToRestore = h.OnReturn, h.MaxSlew, h.Restore
	s.FreeRunAfter = c.Master.FreeRunAfter
	return s
}

// QualityProfile picks the numbers of clockClass.
func (m Master) QualityProfile() quality.Profile {
	switch {
	case m.Profile == "g8275.2":
		return quality.G82752
	case m.ClassAlternative == "B":
		return quality.AlternativeB
	case m.FreeRunClass == 248:
		return quality.Default248
	}
	return quality.AlternativeA
}

// ProfileIdentity is what CLOCK_DESCRIPTION says of the profile: that of G.8275.2, or
// zero for the default one.
func (m Master) ProfileIdentity() [6]byte {
	if m.Profile == "g8275.2" {
		return [6]byte{0x00, 0x19, 0xA7, 0x02, 0x01, 0x02}
	}
	return [6]byte{}
}

// Addr is the address to serve at; the zero Addr for every one.
func (m Master) Addr() netip.Addr {
	a, err := netip.ParseAddr(m.Address)
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// PrivateRanges are the prefixes from which clients are welcome by default: RFC
// 1918, carrier-grade NAT, link-local, loopback.
var PrivateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"),
}

// AllowList is who may be a client: `allow`, or the private ranges and the
// given prefixes of our own interfaces and address.
func (m Master) AllowList(own []netip.Prefix) []netip.Prefix {
	if m.Allow != nil {
		return m.Allow
	}
	return append(append([]netip.Prefix{}, PrivateRanges...), own...)
}

// TrustedList is who is served without proof that the address is its own: whom the
// operator names, nobody else. An address is not trusted for being private: a sender
// forges that as easily.
func (m Master) TrustedList() []netip.Prefix {
	if m.Trusted != nil {
		return m.Trusted
	}
	return []netip.Prefix{}
}

// Monitors tells whether a client at an address has its word on its time shown.
func (m Master) Monitors(a netip.Addr) bool {
	return slices.ContainsFunc(m.Monitor, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Sender is what is sent to the syslog servers.
func (s Syslog) Sender() syslog.Config {
	c := syslog.Config{Format: syslog.Format(s.Format), Facility: slices.Index(syslog.Facilities, s.Facility), PerMinute: s.RateLimit,
		Severity: status.Alert + status.Severity(slices.Index(syslog.Severities, s.Severity)),
		Files:    syslog.Files{CA: s.CA, Certificate: s.Certificate, Key: s.Key}}
	for _, t := range s.Targets {
		if target, err := syslog.ParseTarget(t); err == nil {
			c.Targets = append(c.Targets, target)
		}
	}
	return c
}

// cover is a set of prefixes, which may be many.
type cover map[netip.Prefix]bool

func coverOf(list []netip.Prefix) cover {
	c := make(cover, len(list))
	for _, p := range list {
		c[p.Masked()] = true
	}
	return c
}

// has tells whether all of p lies within one of the prefixes.
func (c cover) has(p netip.Prefix) bool {
	for bits := range p.Bits() + 1 {
		if c[netip.PrefixFrom(p.Addr(), bits).Masked()] {
			return true
		}
	}
	return false
}
