package rpd

import (
	"cmp"
	"fmt"
	"slices"
)

// story puts the histories into one line of time.
func story(r *Report) []Event {
	if r.Statistics == nil {
		return nil
	}
	var events []Event
	for _, h := range r.Statistics.Histories {
		if h.Name == "AdjustTime" {
			continue // one each minute: no story, a spread (judge)
		}
		for i, e := range h.Entries { // newest first
			event := Event{UptimeS: e.UptimeS, Text: words(r, h, i)}
			if i > 0 && h.Name != "StepTime" && h.Name != "ClockState" {
				lasted := h.Entries[i-1].UptimeS - e.UptimeS
				event.LastedS = &lasted
			}
			events = append(events, event)
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.UptimeS, b.UptimeS) })
	return events
}

const phaseLock = 2

func words(r *Report, h History, i int) string {
	e := h.Entries[i]
	switch h.Name {
	case "AprState":
		switch e.Value {
		case phaseLock:
			return "PHASE_LOCK: the RPD follows the master (AprState 2)"
		case 3:
			return "holdover, as far as can be inferred (AprState 3)"
		}
		return fmt.Sprintf("AprState %d%s", e.Value, shown(r, h, i, func(s *State) string { return s.Apr }))
	case "ClockState":
		return fmt.Sprintf("ClockState %d%s", e.Value, shown(r, h, i, func(s *State) string { return s.Clock }))
	case "BstPktStrm":
		switch {
		case e.Value < 0 && i == len(h.Entries)-1:
			return "no master's packets yet"
		case e.Value < 0:
			return "the master's packets are lost"
		case i < len(h.Entries)-1 && h.Entries[i+1].Value < 0:
			return fmt.Sprintf("the master's packets are back (stream %d)", e.Value)
		}
		return fmt.Sprintf("the master's packets arrive (stream %d)", e.Value)
	case "StepTime":
		return fmt.Sprintf("the RPD stepped its time by %d ns (the unit is inferred)", e.Value)
	}
	return fmt.Sprintf("%s %d", h.Name, e.Value)
}

// shown is the word for the newest entry of a history, when the state screen was
// pasted with it.
func shown(r *Report, h History, i int, word func(*State) string) string {
	if i == 0 && r.State != nil && word(r.State) != "" {
		return " (" + word(r.State) + ")"
	}
	return ""
}

func (s *Statistics) history(name string) (History, bool) {
	for _, h := range s.Histories {
		if h.Name == name {
			return h, true
		}
	}
	return History{}, false
}
