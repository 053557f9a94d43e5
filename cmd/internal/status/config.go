package status

import "time"

// Config is what of the configuration waits.
type Config struct {
	// Waiting are the keys whose new value is in the file and waits for a restart.
	Waiting []string `json:"needs_restart"`
	// Unconfirmed is a commit that is taken back unless it is confirmed; nil: none.
	Unconfirmed *Unconfirmed `json:"unconfirmed"`
}

// Unconfirmed is a commit that waits for its confirmation.
type Unconfirmed struct {
	LeftS float64   `json:"left_s"` // until it is taken back
	Until time.Time `json:"until"`  // the same as a time of day
}
