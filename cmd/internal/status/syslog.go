package status

import (
	"fmt"
	"time"
)

// TimeQuality is how well the time of an event is known.
type TimeQuality struct {
	Synced     bool   `json:"synced"`      // to the receiver, or it was until a holdover in spec
	AccuracyUs *int64 `json:"accuracy_us"` // it is wrong by this at most; null: not known
}

// SyslogTarget is how it stands with a syslog server.
type SyslogTarget struct {
	Target       string     `json:"target"`
	Sent         uint64     `json:"sent"`        // lines that arrived, as far as the network tells; it never falls
	Lost         uint64     `json:"lost"`        // lines, since the start
	LostUntold   uint64     `json:"lost_untold"` // of them, those that the server was not told of yet
	Waiting      int        `json:"waiting"`     // lines that have not left
	Unconfirmed  int        `json:"unconfirmed"` // lines that have left, and of which it is not known yet whether they arrived
	Trouble      string     `json:"trouble"`     // why it cannot be reached now; "": it can
	TroubleSince *time.Time `json:"trouble_since"`
}

// LinesLost says to a syslog server how many lines it did not get.
type LinesLost struct {
	Target string
	Lines  uint64
}

func (e LinesLost) Words() Words {
	return Words{TopicProgram, "SYSLOG_LOST", Warning, fmt.Sprintf("lines before this one are lost: %d, because this server was away or slow", e.Lines),
		Fields{{"target", e.Target}, {"lines", e.Lines}}}
}

// LinesLeftOut says how many lines of one event the rate limit kept from the syslog
// servers.
type LinesLeftOut struct {
	Of        string
	Lines     int
	PerMinute int
}

func (e LinesLeftOut) Words() Words {
	return Words{TopicProgram, "SYSLOG_LIMIT", Warning, fmt.Sprintf("lines of %s were left out: %d, because syslog.rate_limit is %d a minute", e.Of, e.Lines, e.PerMinute),
		Fields{{"of", e.Of}, {"lines", e.Lines}}}
}
