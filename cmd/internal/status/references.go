package status

// References are what the clock may follow, and how it chooses.
type References struct {
	Followed       string      `json:"followed"` // the name of the reference whose pulse the clock follows now; of the oscillator, when it follows none
	Order          string      `json:"order"`    // automatic, manual, forced: whose choice it is
	QL             string      `json:"ql"`       // quality level of what is served: QL-PRC with the class of a locked clock alone
	QLClass        uint8       `json:"ql_class"` // the clockClass of G.8265.1 for it
	Revertive      bool        `json:"revertive"`
	HoldOffS       float64     `json:"hold_off_s"`
	WaitToRestoreS float64     `json:"wait_to_restore_s"`
	LimitNs        float64     `json:"limit_ns"`    // by how much two references may differ
	Dispute        string      `json:"dispute"`     // references that differ, where nothing tells who is right; "": there are none
	ComparedTo     string      `json:"compared_to"` // the reference whose time the others' is compared with: the one that is followed, or was last; "": there is one alone
	List           []Reference `json:"list"`
}

// Reference is one of them.
type Reference struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // gnss, pps, internal
	Priority int    `json:"priority"`
	Followed bool   `json:"followed"` // its pulse is followed now
	Selected bool   `json:"selected"` // by the choice; the clock may still settle on it
	Mark     string `json:"mark"`     // Cisco's: * followed, # forced, & manually switched; "": none
	State    string `json:"state"`    // followed, awaited, selected, good, restoring, refused, disputed, odd, failed, locked out
	Good     bool   `json:"good"`     // it is followed, or could be at once: its level says so too
	Why      string `json:"why"`      // it is not good; "": it is
	QL       string `json:"ql"`
	QLClass  uint8  `json:"ql_class"`

	RestoreS  *float64 `json:"restore_s"` // until it counts again; null: it does, or is not good
	Fails     int      `json:"fails"`     // how often it has failed
	PulseAgeS *float64 `json:"pulse_age_s"`

	// What its time is against that of the reference that is followed; positive: ahead.
	AheadNs   *float64 `json:"ahead_ns"`      // now
	MeanNs    *float64 `json:"mean_ahead_ns"` // while both were good
	TDEVNs    Spread   `json:"tdev_ns"`       // of the difference
	MTIENs    Spread   `json:"mtie_ns"`
	ComparedS int      `json:"compared_s"` // seconds that TDEV and MTIE are of, at most 1000

	Device string `json:"device"` // its serial port; "": it has none
	Fix    string `json:"fix"`    // of a receiver: none, 2d, 3d, time
	Label  string `json:"label"`  // of a receiver: how far its pulse is paired with a second
}

// Spread is a measure over 1 s, 10 s and 100 s.
type Spread struct {
	S1   *float64 `json:"1s"`
	S10  *float64 `json:"10s"`
	S100 *float64 `json:"100s"`
}
