package status

// Twin is the other grandmaster of [twin], as a client of both would see it.
type Twin struct {
	Address string `json:"address"`
	// Answer is what a change to it would mean for clients now: ready, differs, worse,
	// better, measuring, no-answer. Text says why.
	Answer  string  `json:"answer"`
	Text    string  `json:"text"`
	LimitNs float64 `json:"limit_ns"` // twin.limit
	SilentS float64 `json:"silent_s"` // since its last message
	// OffsetNs is the twin's clock less ours: what a client that changes is moved by.
	OffsetNs      *float64 `json:"offset_ns"`
	PathDelayNs   *float64 `json:"path_delay_ns"`
	Samples       int      `json:"samples"` // of the offset
	Identity      string   `json:"identity"`
	Grandmaster   string   `json:"grandmaster"` // what follows is what it announces
	ClockClass    *uint8   `json:"clock_class"`
	ClockAccuracy string   `json:"clock_accuracy"`
	TimeSource    string   `json:"time_source"`
	PTPTimescale  *bool    `json:"ptp_timescale"`
	UTCOffset     *int16   `json:"utc_offset"`
	Priority1     *uint8   `json:"priority1"`
	Priority2     *uint8   `json:"priority2"`
}
