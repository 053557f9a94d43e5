// Package status has the one snapshot that every face of bragi draws from:
// the control socket's GET /v1/status, the commands of `bragi show`, the live
// view. Its JSON names are a contract; fields are added, never renamed.
//
// A number that is not known is null in JSON (a nil pointer here), never zero.
package status

import "time"

// docs/status.schema.json is made from the types below.
//
//go:generate go test . -run TestTheSchemaIsThatOfTheTypes -update

// Schema is the version of what GET /v1/status answers: another number means that a
// field was removed or has another meaning. New fields do not change it.
const Schema = 1

// Status is the whole daemon at one moment.
type Status struct {
	Schema     int            `json:"schema"` // the version of these fields: 1. New fields do not change it
	Version    string         `json:"version"`
	Time       time.Time      `json:"time"` // of CLOCK_REALTIME, for the reader's eye only
	UptimeS    float64        `json:"uptime_s"`
	Profile    string         `json:"profile"`
	Clock      Clock          `json:"clock"`
	GNSS       GNSS           `json:"gnss"`
	References References     `json:"references"`
	Master     Master         `json:"master"`
	Clients    []Client       `json:"clients"`
	Twin       *Twin          `json:"twin"`   // the other grandmaster; null without twin.address
	Denied     []Denied       `json:"denied"` // senders that were refused, most recent first
	Alarms     []Alarm        `json:"alarms"`
	Walk       []Step         `json:"walk"` // the latest changes of state and class, oldest first
	Hardware   Hardware       `json:"hardware"`
	Holdover   Holdover       `json:"holdover"`
	Stability  *Stability     `json:"stability"`
	Restart    Restart        `json:"restart"`
	Syslog     []SyslogTarget `json:"syslog"` // the servers that get what happens
	Config     Config         `json:"config"`
}

// StateWords are Cisco's word and our own: Cisco's FREERUN is a free run as well as
// a holdover out of spec.
func StateWords(cisco, own string) string {
	if own == "" {
		return cisco
	}
	return cisco + " (" + own + ")"
}

// Clock is the served clock and what is announced of it.
type Clock struct {
	State              string    `json:"state"`      // Cisco's word: FREERUN, ACQUIRING, FREQ_LOCKED, PHASE_ALIGNED, HOLDOVER
	StateName          string    `json:"state_name"` // the state's own name: LOCKED, RELOCKING, ...
	StateSince         time.Time `json:"state_since"`
	Serving            bool      `json:"serving"`   // clients can get grants; never true while they are sent away
	Squelched          bool      `json:"squelched"` // master.squelch keeps clients away at this class
	Draining           bool      `json:"draining"`  // the operator sends clients away
	ClockClass         uint8     `json:"clock_class"`
	ClockAccuracy      string    `json:"clock_accuracy"` // "0x21"
	Variance           string    `json:"variance"`       // "0x4e5d"
	PTPTimescale       bool      `json:"ptp_timescale"`
	TimeTraceable      bool      `json:"time_traceable"`
	FrequencyTraceable bool      `json:"frequency_traceable"`
	TimeSource         string    `json:"time_source"` // "0x20"
	UTCOffset          int16     `json:"utc_offset"`
	UTCOffsetValid     bool      `json:"utc_offset_valid"`
	Leap59             bool      `json:"leap59"`
	Leap61             bool      `json:"leap61"`
	TimeErrorNs        *float64  `json:"time_error_ns"`       // estimate; positive: the served clock is ahead
	TimeErrorSigmaNs   *float64  `json:"time_error_sigma_ns"` // one standard deviation of that estimate
	BoundNs            *float64  `json:"bound_ns"`            // the true error is inside +- this
	ForecastS          *float64  `json:"forecast_s"`          // how long class 7 would last if holdover began now
	FreqPPB            float64   `json:"freq_ppb"`            // correction applied
	MeanFreqPPB        *float64  `json:"mean_freq_ppb"`       // what holdover would keep
	EtaS               *float64  `json:"eta_s"`               // until the next state, where it can be told
	BoundInsideS       *float64  `json:"bound_inside_s"`      // how long the bound has been inside holdover.spec again, while class 6 waits for that alone; null: it does not
	Reference          string    `json:"reference"`           // what the clock follows, by its name: "gnss", "internal", or that of [[reference]]
	Why                []string  `json:"why"`
	Time               string    `json:"tai"` // the served clock's reading, RFC 3339
	Pulses             uint64    `json:"pulses"`
	PulsesRejected     uint64    `json:"pulses_rejected"`
	PulseResiduals     Histogram `json:"pulse_residuals"` // the served clock less the pulse, of those believed in LOCKED
	Steps              int       `json:"steps"`           // of the clock, since its power came
	LastStepNs         *int64    `json:"last_step_ns"`    // null: there was none
}

// GNSS is the receiver and what its pulse was paired with.
type GNSS struct {
	Device      string    `json:"device"`
	Connected   bool      `json:"connected"`
	Receiver    Receiver  `json:"receiver"`
	Fix         string    `json:"fix"` // none, 2d, 3d, time
	Trusted     bool      `json:"trusted"`
	UTC         string    `json:"utc"` // of the last epoch, RFC 3339
	AgeS        *float64  `json:"age_s"`
	SatsUsed    *int      `json:"sats_used"`
	SatsSeen    *int      `json:"sats_seen"`
	Satellites  []Sat     `json:"satellites"`
	Latitude    *float64  `json:"latitude"`
	Longitude   *float64  `json:"longitude"`
	AltitudeM   *float64  `json:"altitude_m"`
	PositionAge *float64  `json:"position_age_s"`
	LeapS       *int      `json:"leap_s"`      // GPS - UTC
	LeapSource  string    `json:"leap_source"` // receiver, table, unknown
	LeapEvent   string    `json:"leap_event"`  // the leap second to come, "" for none: "+1 s before 2027-01-01T00:00:00Z"
	TAccNs      *int64    `json:"tacc_ns"`     // the receiver's estimate of its time accuracy
	QErrPs      *int64    `json:"qerr_ps"`     // sawtooth of the next pulse: true second = stamp + qerr
	Sawtooth    string    `json:"sawtooth"`    // "applied", "left out" (it makes the pulses worse), "" where none is told
	Opinions    []Opinion `json:"opinions"`    // of other sources of time, held against the receiver
	LineFill    *float64  `json:"line_fill"`   // share of what the serial line can carry, 0 to 1
	Edge        string    `json:"pulse_edge"`  // whether the stamped edge is known to begin the pulse, and how long that is
	NextPulse   bool      `json:"next_pulse"`  // the receiver names its next pulse, and the count agrees
	Antenna     *string   `json:"antenna"`     // ok, open, short
	Jamming     *string   `json:"jamming"`     // ok, warning, critical
	JamLevel    *int      `json:"jam_level"`   // continuous wave, 0 none to 255
	Spoofing    *string   `json:"spoofing"`    // none, indicated, affirmed
	Survey      *Survey   `json:"survey"`      // what the receiver tells of it
	AccuracyM   *float64  `json:"accuracy_m"`  // of the position
	HDOP        *float64  `json:"hdop"`
	CableNs     float64   `json:"antenna_delay_ns"`   // gnss.antenna_delay, taken off each pulse
	PPSNs       float64   `json:"pps_delay_ns"`       // how late the input stamps the pulse, taken off each
	PPSBoundNs  float64   `json:"pps_uncertainty_ns"` // what is left of it, in every bound
	Model       string    `json:"model"`              // as MON-VER tells it; "" where nothing does
	Missed      uint64    `json:"missed"`             // seconds without their pulse, since the first one came
	Protocol    string    `json:"protocol"`           // of the last epoch: "nmea", "ubx"
	Label       string    `json:"label"`              // how far the pulse is paired with its second
	Evidence    string    `json:"label_evidence"`     // what the label rests on; "": there is none
	MessageMs   *float64  `json:"message_delay_ms"`   // how long after the time that it names a message comes
	Frames      uint64    `json:"frames"`
	BadChecksum uint64    `json:"bad_checksums"`
	Garbage     uint64    `json:"garbage_bytes"`
	Glitches    uint64    `json:"glitches"`
	Why         []string  `json:"why"`
}

// Opinion is what another source of time says.
type Opinion struct {
	Source       string  `json:"source"`
	OffsetS      float64 `json:"offset_s"` // positive: it is ahead of the receiver
	UncertaintyS float64 `json:"uncertainty_s"`
	AgeS         float64 `json:"age_s"`
	Standing     string  `json:"standing"` // agrees, differs, ...
}

// Survey is the receiver's survey of its position.
type Survey struct {
	Active       bool     `json:"active"`
	Valid        bool     `json:"valid"`
	DurationS    uint32   `json:"duration_s"`
	Observations uint32   `json:"observations"`
	AccuracyM    *float64 `json:"accuracy_m"`
}

// Sat is a satellite in view.
type Sat struct {
	Constellation string `json:"constellation"`
	ID            int    `json:"id"`
	CN0           *int   `json:"cn0_dbhz"`
	Elevation     *int   `json:"elevation"` // degrees
	Azimuth       *int   `json:"azimuth"`   // degrees from north, eastward
	Used          bool   `json:"used"`
}

// Cleared is what the counters were when an operator cleared them. They count on: a
// screen shows what came since, and metrics never go back.
type Cleared struct {
	At       time.Time         `json:"at"`
	Sent     uint64            `json:"sent"`
	Received uint64            `json:"received"`
	Counters map[string]uint64 `json:"counters"`
}

// SinceCleared is the master with the counters of since an operator cleared them.
func (m Master) SinceCleared() Master {
	if c := m.Cleared; c != nil {
		m.Sent, m.Received = less(m.Sent, c.Sent), less(m.Received, c.Received)
		since := make(map[string]uint64, len(m.Counters))
		for name, n := range m.Counters {
			since[name] = less(n, c.Counters[name])
		}
		m.Counters = since
	}
	return m
}

func less(now, was uint64) uint64 { return now - min(now, was) }

// Master is the unicast master as a whole.
type Master struct {
	Interface   string            `json:"interface"`
	Address     string            `json:"address"`
	EventPort   int               `json:"event_port"`
	GeneralPort int               `json:"general_port"`
	Domain      uint8             `json:"domain"`
	Identity    string            `json:"identity"`
	PTPProfile  string            `json:"ptp_profile"` // default, g8275.2
	Clients     int               `json:"clients"`
	MaxClients  int               `json:"max_clients"`
	Sent        uint64            `json:"sent"`
	Received    uint64            `json:"received"`
	Counters    map[string]uint64 `json:"counters"`
	Cleared     *Cleared          `json:"cleared"` // null: never
	Schedule    Schedule          `json:"schedule"`
	AnnounceGap AnnounceGap       `json:"announce_gap_s"`
	// What is known only while the service runs.
	Priority1    *uint8         `json:"priority1"`
	Priority2    *uint8         `json:"priority2"`
	PromisedRate *float64       `json:"promised_rate"` // messages a second of all live grants
	Sessions     map[string]int `json:"sessions"`      // clients by kind
	Traffic      Traffic        `json:"traffic"`

	SendError string      `json:"send_error,omitempty"` // why, the last time
	Table     ClientTable `json:"client_table"`
	// Expected are the clients of master.expected.
	Expected []ExpectedClient `json:"expected"`
	Welcome  *Welcome         `json:"welcome"` // null: not known yet
}

// Welcome is who may be a client: the addresses of Allow that are not of Deny, as
// prefixes.
type Welcome struct {
	Allow []string `json:"allow"` // master.allow, or what it is by default
	Deny  []string `json:"deny"`  // master.deny
}

// ExpectedClient is a client that is to be there. Present: it has a grant for Sync.
type ExpectedClient struct {
	Address string   `json:"address"`
	Name    string   `json:"name"`
	Present bool     `json:"present"`
	GoneS   *float64 `json:"gone_s"`             // since its last grant ended, in s; null: it has one, or never had one
	GoneWhy string   `json:"gone_why,omitempty"` // how that grant ended
}

// ClientTable says who has the places in the table of clients.
type ClientTable struct {
	Max            int    `json:"max"`
	Clients        int    `json:"clients"`
	Lifeless       int    `json:"lifeless"` // they show no life: they give way when places are short
	Unproven       int    `json:"unproven"` // nor do these prove that they get what they are sent: they give way after the lifeless
	GaveWay        uint64 `json:"gave_way"` // since the start
	Address        string `json:"address"`  // that has most clients
	AddressClients int    `json:"address_clients"`
	Prefix         string `json:"prefix"` // of 24 bits, that has most
	PrefixClients  int    `json:"prefix_clients"`
	// UnprovenPrefix has most of those that give way.
	UnprovenPrefix        string `json:"unproven_prefix"`
	UnprovenPrefixClients int    `json:"unproven_prefix_clients"`
}

// Schedule is how punctual the packet path was since its start.
type Schedule struct {
	Ticks    uint64  `json:"ticks"`     // slots of the schedule that were served
	Late     uint64  `json:"late"`      // those more than 1 ms late
	Missed   uint64  `json:"missed"`    // slots skipped after a stop
	LatestMs float64 `json:"latest_ms"` // the latest of all, the skipped ones too
}

// Grant is one message type granted to a client.
type Grant struct {
	Interval int     `json:"interval"` // log2 of the interval in s
	ExpiresS float64 `json:"expires_s"`
	GivenS   float64 `json:"given_s"` // since it was given or renewed last
}

// Grants are a client's grants; nil where there is none.
type Grants struct {
	Sync      *Grant `json:"sync"`
	Announce  *Grant `json:"announce"`
	DelayResp *Grant `json:"delay_resp"`
}

// Client is one client with a live grant.
type Client struct {
	Address    string  `json:"address"`
	Name       string  `json:"name,omitempty"` // of master.expected
	Identity   string  `json:"identity"`
	Kind       string  `json:"kind"`
	Grants     Grants  `json:"grants"`
	DelayReq   uint64  `json:"delay_req"`
	LastDenial string  `json:"last_denial"`
	SinceS     float64 `json:"since_s"`
	Renewals   uint64  `json:"renewals"`
	Sent       uint64  `json:"sent"`     // messages under its live grants
	Received   uint64  `json:"received"` // Signaling and Delay_Req
	// The evidence for `show client`.
	Asked             string            `json:"asked"` // our address that it speaks to
	LastS             float64           `json:"last_s"`
	DSCP              uint8             `json:"dscp"`
	MinorVersion      uint8             `json:"minor_version"`
	Trusted           bool              `json:"trusted"`
	Signaling         uint64            `json:"signaling"`
	Denials           uint64            `json:"denials"`
	Standing          string            `json:"standing"` // lifeless, unproven, busy, proven: what it has shown of itself
	DelayReqIntervalS *float64          `json:"delay_req_interval_s"`
	Unanswered        map[string]uint64 `json:"unanswered"`            // Delay_Req without an answer, by reason
	Paused            uint64            `json:"paused"`                // messages held back: it sends too little and is not trusted
	OutOfCredit       bool              `json:"out_of_credit"`         // something is held back now: the rest of its grants comes to nothing
	Unsent            uint64            `json:"unsent"`                // messages that the system refused to send
	Undelivered       uint64            `json:"undelivered"`           // messages that count as sent and never left: its address does not answer ARP
	Unreachable       string            `json:"unreachable,omitempty"` // why what is sent to it does not arrive now
	Says              *Says             `json:"says"`                  // what it says itself; null: nobody listens to it
}

// Says is what a client of master.monitor says: it is asked by NetSync Monitor, or it
// tells by itself, by the slave event data of IEEE 1588-2019.
type Says struct {
	Asked    uint64 `json:"asked"`    // questions of NetSync Monitor
	Answered uint64 `json:"answered"` // and those with a whole answer
	Silent   bool   `json:"silent"`   // the last question had none
	Source   string `json:"source"`   // "NetSync Monitor" or "slave event data", which has no measurement from here; "": nothing is known
	// The last whole answer, or what it told since; null and "" before, and where the source does not tell it.
	AgeS           *float64 `json:"age_s"`
	OffsetNs       *float64 `json:"offset_ns"`     // the client's clock less the served clock, measured from here; positive: the client is ahead
	PathDelayNs    *float64 `json:"path_delay_ns"` // measured from here
	UTC            bool     `json:"utc"`           // its stamps are UTC: offset_ns is that of the TAI which it means
	OwnOffsetNs    *float64 `json:"own_offset_ns"` // its own offsetFromMaster; positive: it is ahead
	OwnPathDelayNs *float64 `json:"own_path_delay_ns"`
	NeighborPPB    *float64 `json:"neighbor_ppb"` // as it says, the rate of the clock at the other end of its link less its own; positive: that one is faster
	PortState      string   `json:"port_state"`   // SLAVE, UNCALIBRATED, LISTENING, ...
	Parent         string   `json:"parent"`       // the portIdentity that it follows
	FollowsUs      bool     `json:"follows_us"`   // that is ours
	Grandmaster    string   `json:"grandmaster"`  // the grandmaster that it knows, and its class
	ClockClass     uint8    `json:"clock_class"`
}

// The sources of what a client says.
const (
	SourceNetSync    = "NetSync Monitor"
	SourceSlaveEvent = "slave event data"
)

// Denied is a sender that was refused.
type Denied struct {
	Address  string  `json:"address"`
	Identity string  `json:"identity"`
	Domain   uint8   `json:"domain"` // of its last message
	Reason   string  `json:"reason"`
	Count    uint64  `json:"count"`
	AgoS     float64 `json:"ago_s"`
	Over     bool    `json:"over"` // it is past: what refused it does not any more, or it was served since
}

// Alarm is something that an operator should fix.
type Alarm struct {
	Code        string    `json:"code"`
	Severity    string    `json:"severity"`    // critical, major, minor, warning: those of ITU-T X.733
	Text        string    `json:"text"`        // what is wrong
	Cause       string    `json:"cause"`       // what may be behind it
	Consequence string    `json:"consequence"` // what it means for the clock and for clients
	Detail      string    `json:"detail"`      // what is wrong just now
	Fix         string    `json:"fix"`
	Since       time.Time `json:"since"`
}

// PastAlarm is an alarm that was raised: GET /v1/alarms/history.
type PastAlarm struct {
	Alarm
	Cleared *time.Time `json:"cleared"` // null: it stands
}

// Step is a change of state or class.
type Step struct {
	At         time.Time `json:"at"`
	State      string    `json:"state"`
	StateName  string    `json:"state_name"`
	ClockClass uint8     `json:"clock_class"`
	Serving    bool      `json:"serving"`
	Why        []string  `json:"why"`
}

// Residual is the distribution of transmit stamp minus what the Sync said.
type Residual struct {
	P1  int64 `json:"p1"`
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	N   int   `json:"n"`
}

// Sim is the board of software's truth, which nothing but `bragi sim status`
// and tests may read: GET /v1/sim.
type Sim struct {
	Antenna      string  `json:"antenna"`       // ok, cut
	TrueErrorNs  float64 `json:"true_error_ns"` // PHC minus the sky's TAI
	Oscillator   string  `json:"oscillator"`
	TemperatureC float64 `json:"temperature_c"`
}
