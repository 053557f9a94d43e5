package config

import "path/filepath"

// PositionFile is where the surveyed position of the antenna is kept: it must
// outlive a loss of power, but for the board of software.
func (c *Config) PositionFile() string {
	switch {
	case c.GNSS.PositionPath != "":
		return c.GNSS.PositionPath
	case c.Simulated():
		return filepath.Join(c.Control.RunDir, "position")
	}
	return "/var/lib/bragi/position"
}

// SetsReceiverUp tells whether anything may be written to the receiver.
func (c *Config) SetsReceiverUp() bool { return c.GNSS.Configure && c.GNSS.Protocol != "nmea" }

// judgeReceiver warns of keys that have no effect because the receiver is left
// as it is.
func (l *loader) judgeReceiver(set func(string) bool, warn func(key, what, fix string)) {
	if l.cfg.SetsReceiverUp() {
		return
	}
	for _, key := range []string{"gnss.survey", "gnss.survey_accuracy", "gnss.position_file"} {
		if set(key) {
			warn(key, key+" has no effect: the receiver is left as it is", `configure = true and protocol = "auto"`)
		}
	}
}

// receiverWords says what is done to the receiver.
func (c *Config) receiverWords() string {
	switch {
	case !c.SetsReceiverUp():
		return "the receiver is left as it is"
	case c.GNSS.Survey == 0:
		return "a u-blox is set up, its position is not surveyed"
	}
	return "a u-blox is set up, its position surveyed once"
}
