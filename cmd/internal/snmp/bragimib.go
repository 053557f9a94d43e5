package snmp

import (
	"math"

	"bragi/cmd/internal/status"
)

// BRAGI-MIB, configs/snmp/BRAGI-MIB.txt: what RFC 8173 has no object for. Its names
// are in the comments.

// bragiMIB is in net-snmp's playground, where everybody may define objects: bragi has
// no number of its own among the enterprises.
var bragiMIB = mustOID("1.3.6.1.4.1.8072.9999.9999.319")

var (
	bragiNotifications = bragiMIB.add(0)
	bragiSystem        = bragiMIB.add(1, 1)
	bragiClock         = bragiMIB.add(1, 2)
	bragiService       = bragiMIB.add(1, 3)
	bragiAlarms        = bragiMIB.add(1, 4)
	bragiAlarmEntry    = bragiMIB.add(1, 4, 3, 1)
)

// The columns of bragiAlarmTable.
const (
	alarmCode = iota + 2 // the first is the index
	alarmSeverity
	alarmText
	alarmDetail
	alarmFix
	alarmSince
	alarmCause
	alarmEffect
)

// The notifications.
const (
	notifyRaised  = iota + 1 // bragiAlarmRaised
	notifyCleared            // bragiAlarmCleared
	notifySilent             // bragiSilent
	notifyAnswers            // bragiAnswersAgain
)

const (
	longestText = 1024 // BragiText
	longestCode = 64   // of an alarm
)

// severities are BragiSeverity, by the words of the Status; what is not here is
// indeterminate.
var severities = map[string]int64{"cleared": 1, "critical": 3, "major": 4, "minor": 5, "warning": 6}

const severityUnknown = 2

func severityOf(word string) int64 {
	if n, ok := severities[word]; ok {
		return n
	}
	return severityUnknown
}

// ours tells BRAGI-MIB. Without an answer of bragid it tells that alone.
func (t *tree) ours(s *status.Status, answers bool) {
	e := t.entry(bragiSystem, 0)
	e.truth(1, answers) // bragiAnswers
	if !answers {
		return
	}
	e.words(2, s.Version, longestText) // bragiVersion
	e.words(3, s.Profile, longestText) // bragiBoard
	e.ticks(4, s.UptimeS)              // bragiUptime

	c := &s.Clock
	e = t.entry(bragiClock, 0)
	e.words(1, c.StateName, longestText) // bragiClockState
	e.truth(2, c.Serving)                // bragiClockServing
	e.unsigned(3, uint64(c.ClockClass))  // bragiClockClass
	if v := c.TimeErrorNs; v != nil && math.Abs(*v) <= math.MaxInt32 {
		e.integer(4, int64(math.Round(*v))) // bragiTimeError
	}
	gauge := func(column uint32, v *float64) {
		if v != nil && *v >= 0 {
			e.unsigned(column, uint64(min(math.Ceil(*v), math.MaxUint32)))
		}
	}
	gauge(5, c.BoundNs)   // bragiTimeErrorBound
	gauge(6, c.ForecastS) // bragiForecast

	e = t.entry(bragiService, 0)
	e.unsigned(1, uint64(s.Master.Clients))    // bragiClients
	e.unsigned(2, uint64(s.Master.MaxClients)) // bragiClientsLimit

	worst := severities["cleared"]
	e = t.entry(bragiAlarms, 0)
	e.unsigned(1, uint64(len(s.Alarms))) // bragiAlarmCount
	if len(s.Alarms) > 0 {
		worst = severityOf(s.Alarms[0].Severity) // the gravest is the first
	}
	e.integer(2, worst) // bragiAlarmWorst
	for i := range s.Alarms {
		a := &s.Alarms[i]
		e = t.entry(bragiAlarmEntry, codeIndex(a.Code)...)
		e.words(alarmCode, a.Code, longestCode)
		e.integer(alarmSeverity, severityOf(a.Severity))
		e.words(alarmText, a.Text, longestText)
		e.words(alarmDetail, a.Detail, longestText)
		e.words(alarmFix, a.Fix, longestText)
		e.date(alarmSince, a.Since)
		e.words(alarmCause, a.Cause, longestText)
		e.words(alarmEffect, a.Consequence, longestText)
	}
}

// codeIndex is an alarm's code as the index of its row: IMPLIED, without its length.
func codeIndex(code string) []uint32 {
	index := make([]uint32, min(len(code), longestCode))
	for i := range index {
		index[i] = uint32(code[i])
	}
	return index
}
