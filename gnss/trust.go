package gnss

import (
	"fmt"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// Trust weighs the signs that the pulses are not to be believed although the
// receiver still gives time: its antenna, spoofing, jamming, another place. Each
// is a trouble with what was seen; those that distrust hold the clock over.
//
// The zero value is ready.
type Trust struct {
	antennaOK bool // the supervisor said ok at least once: it works
	antenna   Maybe[string]
	fix       bool
	spoofing  sign
	jamming   sign
	jammed    bool
	moved     sign

	sigmaNs  float64 // usual tAcc while nothing jams; 0: not known
	sigmaNow Maybe[int64]
	spoofed  string

	home     home
	away     home // where the receiver says that it is instead
	surveyed ecef // the survey's mean that home was taken from
	fixed    bool // the receiver solves for time at a fixed place
	distance float64
}

// sign is a suspicion: it counts when it has lasted, and is held for a while, so
// that one message does not throw the clock into holdover, nor two in turn.
type sign struct {
	Times  int            `json:"times"`
	Raised bool           `json:"raised"`
	Last   timescale.Mono `json:"last_ns"`
}

func (s *sign) see(now timescale.Mono, seen bool, enough int) {
	if seen {
		s.Times, s.Last = s.Times+1, now
		s.Raised = s.Raised || s.Times >= enough
		return
	}
	s.Times = 0
	if s.Raised && now.Sub(s.Last) >= signHeld {
		s.Raised = false
	}
}

const (
	signHeld     = 10 * time.Second // that a suspicion is kept after the last sign of it
	spoofEnough  = 2                // epochs
	jamEnough    = 3
	movedEnough  = 5
	movedFixedM  = 100      // in fixed mode
	movedFreeM   = 1000     // a navigation receiver's place wanders, indoors by a hundred metres
	sigmaGrown   = 2        // times its usual value
	sigmaLeastNs = 20       // growth below this is none
	sigmaShare   = 1.0 / 64 // of the usual value that an epoch makes
)

// Epoch takes an epoch, the receiver's latest position and its survey.
func (t *Trust) Epoch(e Epoch, p Position, s Maybe[ubx.Survey]) {
	now := e.Received
	t.antenna, t.fix = e.Antenna, e.Fix != FixNone
	t.antennaOK = t.antennaOK || e.Antenna == Some(AntennaOK)
	t.spoofed = e.Spoofing.Value
	t.spoofing.see(now, e.Spoofing.Known && e.Spoofing.Value != SpoofingNone, spoofEnough)
	t.jam(e)
	t.place(e, p, s)
}

// jam: a jammed receiver that keeps its time is only told; when its own estimate
// of the time's error grows, or it gives none, its pulse is not believed.
func (t *Trust) jam(e Epoch) {
	critical := e.Jamming == Some(JammingCritical)
	t.jammed = e.Jamming.Known && e.Jamming.Value != JammingOK
	t.sigmaNow = e.TAccNs
	grown := !e.TAccNs.Known
	if e.TAccNs.Known {
		sigma := float64(e.TAccNs.Value)
		switch {
		case t.jammed:
			grown = t.sigmaNs == 0 || sigma > sigmaGrown*t.sigmaNs && sigma > sigmaLeastNs
		case !e.Trusted:
		case t.sigmaNs == 0:
			t.sigmaNs = sigma
		default:
			t.sigmaNs += sigmaShare * (sigma - t.sigmaNs)
		}
	}
	t.jamming.see(e.Received, critical && grown, jamEnough)
}

// place compares where the receiver is with where it was.
func (t *Trust) place(e Epoch, p Position, s Maybe[ubx.Survey]) {
	surveyDone := s.Known && s.Value.Valid && !s.Value.Active && s.Value.HasMean
	t.fixed = surveyDone || e.Fix == FixTime
	if surveyDone {
		if at := (ecef{s.Value.X, s.Value.Y, s.Value.Z}); at.onEarth() && at != t.surveyed {
			latitude, longitude, _ := at.geodetic()
			t.surveyed, t.home = at, standing(toECEF(latitude, longitude, 0))
		}
	}
	accuracy := fixAccuracyM(e, p)
	if !e.Trusted || !p.Latitude.Known || !p.Longitude.Known || e.Received.Sub(p.At).Abs() > ubxRulesFor || accuracy > homeDoubtM {
		return
	}
	here := toECEF(p.Latitude.Value, p.Longitude.Value, 0)
	if t.home.Fixes < homeFixes {
		t.home.add(here, accuracy)
		return
	}
	t.distance = here.distance(t.home.At)
	limit := float64(movedFreeM)
	if t.fixed {
		limit = movedFixedM
	}
	moved := t.distance > limit
	t.moved.see(e.Received, moved, movedEnough)
	switch {
	case !moved:
		t.home.add(here, accuracy)
		t.away = home{}
	case t.away.Fixes > 0 && here.distance(t.away.At) > limit:
		t.away = home{} // it wanders
	default:
		if t.away.add(here, accuracy); t.away.outweighs(t.home) {
			t.home, t.away, t.moved = t.away, home{}, sign{}
		}
	}
}

// leaveHome forgets the place.
func (t *Trust) leaveHome() { t.home, t.away, t.moved = home{}, home{}, sign{} }

// Reasons are the signs that hold, and how many of them, the first ones, forbid
// to believe the pulses.
func (t *Trust) Reasons() (list []Trouble, distrusted int) {
	if t.antenna == Some(AntennaShort) {
		list = append(list, Trouble{ReasonAntennaShort, "the receiver's supervisor says so"})
	}
	// An antenna that was never said to be anything but open, and brings a fix, is
	// there: its supply is fed elsewhere, or its supervisor is not wired.
	doubted := !t.antennaOK && t.fix
	if t.antenna == Some(AntennaOpen) && !doubted {
		list = append(list, Trouble{ReasonAntennaOpen, "the receiver's supervisor says so"})
	}
	if t.spoofing.Raised {
		list = append(list, Trouble{ReasonSpoofing, t.spoofed})
	}
	if t.jamming.Raised {
		list = append(list, Trouble{ReasonJamming, t.sigma()})
	}
	if t.moved.Raised {
		list = append(list, Trouble{ReasonMoved, fmt.Sprintf("%.0f m from where it was", t.distance)})
	}
	distrusted = len(list)
	if t.antenna == Some(AntennaOpen) && doubted {
		list = append(list, Trouble{ReasonAntennaDoubted, "since the start"})
	}
	if t.jammed && !t.jamming.Raised {
		list = append(list, Trouble{ReasonJammed, t.sigma()})
	}
	return list, distrusted
}

func (t *Trust) sigma() string {
	if !t.sigmaNow.Known {
		return "the receiver gives no accuracy of its time"
	}
	return fmt.Sprintf("time accuracy %d ns, usually %.0f ns", t.sigmaNow.Value, t.sigmaNs)
}
