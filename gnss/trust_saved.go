package gnss

import (
	"encoding/json"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// savedSigns is what speaks against the pulses, between two processes of one boot: what the
// receiver said last, and what Trust made of it. A restart ends no suspicion: the receiver does.
type savedSigns struct {
	Antenna     aged[string]       `json:"antenna"`
	JamHW       aged[ubx.Jamming]  `json:"jam_hw"`
	JamSig      aged[ubx.Jamming]  `json:"jam_sig"`
	Indicator   aged[int]          `json:"jam_indicator"`
	SpoofStatus aged[ubx.Spoofing] `json:"spoof_status"`
	SpoofSig    aged[ubx.Spoofing] `json:"spoof_sig"`

	AntennaNow string  `json:"antenna_now"` // in the last epoch; "": it said nothing
	AntennaOK  bool    `json:"antenna_ok"`
	Fix        bool    `json:"fix"`
	Spoofing   sign    `json:"spoofing"`
	Spoofed    string  `json:"spoofed"`
	Jamming    sign    `json:"jamming"`
	Jammed     bool    `json:"jammed"`
	SigmaNs    float64 `json:"sigma_ns"`
	Moved      sign    `json:"moved"`
	Away       home    `json:"away"`
	DistanceM  float64 `json:"distance_m"`
	Surveyed   ecef    `json:"surveyed"`
	Fixed      bool    `json:"fixed"`
}

// saveSigns is nil where nothing was said yet.
func (r *Reference) saveSigns() *savedSigns {
	s, t := &r.decoder.signs, &r.trust
	saved := savedSigns{s.antenna, s.jamHW, s.jamSig, s.indicator, s.spoofStatus, s.spoofSig,
		t.antenna.Value, t.antennaOK, t.fix, t.spoofing, t.spoofed, t.jamming, t.jammed, t.sigmaNs, t.moved, t.away, t.distance, t.surveyed, t.fixed}
	if saved == (savedSigns{}) {
		return nil
	}
	return &saved
}

// resumeSigns goes on with what spoke against the pulses; nil: nothing is known.
func (r *Reference) resumeSigns(saved *savedSigns) {
	if saved == nil {
		return
	}
	s, t := &r.decoder.signs, &r.trust
	s.antenna, s.jamHW, s.jamSig, s.indicator, s.spoofStatus, s.spoofSig = saved.Antenna, saved.JamHW, saved.JamSig, saved.Indicator, saved.SpoofStatus, saved.SpoofSig
	if saved.AntennaNow != "" {
		t.antenna = Some(saved.AntennaNow)
	}
	t.antennaOK, t.fix, t.spoofing, t.spoofed, t.jamming, t.jammed = saved.AntennaOK, saved.Fix, saved.Spoofing, saved.Spoofed, saved.Jamming, saved.Jammed
	t.sigmaNs, t.moved, t.away, t.distance, t.surveyed, t.fixed = saved.SigmaNs, saved.Moved, saved.Away, saved.DistanceM, saved.Surveyed, saved.Fixed
}

// savedWord is an aged value; null: nothing was said.
type savedWord[T any] struct {
	Value T              `json:"value"`
	At    timescale.Mono `json:"at_ns"`
}

func (a aged[T]) MarshalJSON() ([]byte, error) {
	if !a.known {
		return []byte("null"), nil
	}
	return json.Marshal(savedWord[T]{a.value, a.at})
}

func (a *aged[T]) UnmarshalJSON(b []byte) error {
	var w *savedWord[T]
	if err := json.Unmarshal(b, &w); err != nil || w == nil {
		return err
	}
	a.set(w.Value, w.At)
	return nil
}
