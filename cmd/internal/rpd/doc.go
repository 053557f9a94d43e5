// Package rpd reads the screens of a Remote PHY device (RPD): `show ptp clock 0
// state`, `statistics` and `config`, pasted with prompts, wrapped lines and whatever
// else a terminal leaves. It undoes what the RPD's counters get wrong, and tells the
// history as a story.
//
// Three things it knows of these screens:
//   - A time in a history (2@0-00:14:54.347) is the RPD's uptime then: days, hours,
//     minutes, seconds. The newest entry is first.
//   - "lost" is an unsigned number of 32 bits that the RPD lowers by 65536 each time
//     that the sequenceId wraps (trueLost).
//   - A packet stream of 4294967295 is -1: there is no master.
//
// Of AprState only 2 has a name on the RPD's own screens (PHASE_LOCK). What is
// inferred says so.
package rpd

// MaxBytes is the largest text that Decode reads.
const MaxBytes = 1 << 20

// Report is what the screens say.
type Report struct {
	State      *State      `json:"state,omitempty"`
	Statistics *Statistics `json:"statistics,omitempty"`
	Config     *Config     `json:"config,omitempty"`
	Story      []Event     `json:"story,omitempty"` // oldest first
	Findings   []Finding   `json:"findings"`
}

// Finding is one thing that an engineer should know. Severity is "note", "warning"
// or "error".
type Finding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
	Action   string `json:"action,omitempty"`
}

// State is the screen `show ptp clock N state`.
type State struct {
	Apr     string   `json:"apr_state,omitempty"`
	Clock   string   `json:"clock_state,omitempty"`
	TOD     string   `json:"current_tod,omitempty"`
	Active  *int64   `json:"active_stream,omitempty"`
	Streams []Stream `json:"streams,omitempty"`
}

// Stream is one master in the state screen. Offsets and delays are in ns as the RPD
// prints them; a value that is not on the screen is nil.
type Stream struct {
	Number        int64  `json:"stream"`
	Master        string `json:"master,omitempty"`
	State         string `json:"state,omitempty"`
	MasterOffset  *int64 `json:"master_offset_ns,omitempty"`
	PathDelay     *int64 `json:"path_delay_ns,omitempty"`
	ForwardDelay  *int64 `json:"forward_delay_ns,omitempty"`
	ReverseDelay  *int64 `json:"reverse_delay_ns,omitempty"`
	FreqOffset    *int64 `json:"freq_offset,omitempty"`     // the RPD names no unit
	FreqOffset1Hz *int64 `json:"freq_offset_1hz,omitempty"` // the RPD names no unit
}

// Statistics is the screen `show ptp clock N statistics`.
type Statistics struct {
	Histories []History `json:"histories,omitempty"`
	Messages  []Counter `json:"messages,omitempty"`
	Total     *Counter  `json:"total,omitempty"` // as printed
}

// History is one list of changes, newest first. Kept is how many the RPD says there
// are; the screen may show fewer.
type History struct {
	Name    string  `json:"name"`
	Kept    int64   `json:"kept"`
	Entries []Entry `json:"entries"`
}

// Entry is one value and the RPD's uptime when it came.
type Entry struct {
	Value   int64   `json:"value"`
	UptimeS float64 `json:"uptime_s"`
}

// Counter is one row of the table of messages. Lost is the true number; nil when the
// printed one fits no number of wraps.
type Counter struct {
	Stream      int64  `json:"stream"`
	Message     string `json:"message"`
	Received    int64  `json:"received"`
	Processed   int64  `json:"processed"`
	LostPrinted int64  `json:"lost_printed"`
	Lost        *int64 `json:"lost,omitempty"`
	Sent        int64  `json:"sent"`
}

// Config is the screen `show ptp clock N config`. Intervals are log2 of seconds.
type Config struct {
	Domain           *int64   `json:"domain,omitempty"`
	Mode             string   `json:"mode,omitempty"`
	Profile          string   `json:"profile,omitempty"`
	LocalAddress     string   `json:"local_address,omitempty"`
	Masters          []string `json:"masters,omitempty"`
	UnicastDurationS *int64   `json:"unicast_duration_s,omitempty"`
	SyncInterval     *int64   `json:"sync_interval,omitempty"`
	AnnounceInterval *int64   `json:"announce_interval,omitempty"`
	AnnounceTimeout  *int64   `json:"announce_timeout,omitempty"`
	DelayReqInterval *int64   `json:"delay_req_interval,omitempty"`
	DSCP             *int64   `json:"dscp,omitempty"`
	COS              *int64   `json:"cos,omitempty"`
}

// Event is one line of the story. LastedS is how long the state lasted that it
// began, where another event ended it.
type Event struct {
	UptimeS float64  `json:"uptime_s"`
	Text    string   `json:"text"`
	LastedS *float64 `json:"lasted_s,omitempty"`
}
