package metrics

import "bragi/cmd/internal/status"

var (
	connected = describe("gnss_connected", "1 while the receiver's serial port is open.")
	trusted   = describe("gnss_trusted", "1 while the receiver's time is trusted.")
	fix       = describe("gnss_fix", "1 for the kind of the last fix: none, 2d, 3d, time.", "fix")
	age       = describe("gnss_message_age_seconds", "Since the receiver last named a second.")
	satsUsed  = describe("gnss_satellites_used", "Satellites in the solution.")
	satsSeen  = describe("gnss_satellites_seen", "Satellites in view.")
	timeAcc   = describe("gnss_time_accuracy_seconds", "The receiver's own estimate of its time accuracy.")
	place     = describe("gnss_position_accuracy_meters", "The receiver's own estimate of its position's accuracy.")
	leap      = describe("gnss_leap_seconds", "GPS time less UTC, as the receiver tells it.")
	antenna   = describe("gnss_antenna", "1 for what the receiver says of its antenna: ok, open, short.", "state")
	jamming   = describe("gnss_jamming", "1 for what the receiver says of jamming: ok, warning, critical.", "state")
	jamLevel  = describe("gnss_jamming_level", "Continuous wave interference, 0 none to 255 strong.")
	spoofing  = describe("gnss_spoofing", "1 for what the receiver says of spoofing: none, indicated, affirmed.", "state")
	lineFill  = describe("gnss_line_fill_ratio", "Share of the serial line that messages take, 0 to 1.")
	noPulses  = describe("gnss_pulses_missed_total", "Seconds without their pulse, since the first one came.")
	glitches  = describe("gnss_pulse_glitches_total", "Pulses at a wrong moment.")
	frames    = describe("gnss_frames_total", "Messages of the receiver that were understood.")
	badSums   = describe("gnss_bad_checksums_total", "Messages of the receiver with a wrong checksum.")
	garbage   = describe("gnss_garbage_bytes_total", "Bytes of the receiver that are part of no message.")
)

func (t teller) gnss(s *status.Status) {
	g := &s.GNSS
	t.truth(connected, g.Connected)
	t.truth(trusted, g.Trusted)
	if g.Fix != "" && g.AgeS != nil {
		t.gauge(fix, 1, g.Fix)
	}
	t.known(age, g.AgeS, 1)
	whole(t, satsUsed, g.SatsUsed, 1)
	whole(t, satsSeen, g.SatsSeen, 1)
	whole(t, timeAcc, g.TAccNs, ns)
	t.known(place, g.AccuracyM, 1)
	whole(t, leap, g.LeapS, 1)
	t.word(antenna, g.Antenna)
	t.word(jamming, g.Jamming)
	whole(t, jamLevel, g.JamLevel, 1)
	t.word(spoofing, g.Spoofing)
	t.known(lineFill, g.LineFill, 1)
	t.count(noPulses, g.Missed)
	t.count(glitches, g.Glitches)
	t.count(frames, g.Frames)
	t.count(badSums, g.BadChecksum)
	t.count(garbage, g.Garbage)
}
