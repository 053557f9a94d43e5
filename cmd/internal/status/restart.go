package status

// Restart is what this process took over from the one before it.
type Restart struct {
	Clock     bool    `json:"clock_resumed"`
	Why       string  `json:"why"`        // why the clock was not: "" when it was, or when nothing was left
	AgeS      float64 `json:"age_s"`      // of the state at the start
	OffNs     int64   `json:"off_ns"`     // how far the clock was from where it was expected
	Clients   int     `json:"clients"`    // that went on with their grants
	GrantsWhy string  `json:"grants_why"` // why none could
	ServingMs float64 `json:"serving_ms"` // from the start of the process to the first packet that could leave
}

// AnnounceGap is how long a client waited for an Announce, of those that get four
// a second or more; a restart's silence is in it. A cBR8 gives its master up after
// 1.25 s, an RPD after 1.375 s.
type AnnounceGap struct {
	Max  float64 `json:"max"`  // since the start
	Last float64 `json:"last"` // in the last 10 to 20 s
	Long uint64  `json:"long"` // gaps of more than a second
}
