package rpd

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	historyHead  = regexp.MustCompile(`^(AprState|ClockState|BstPktStrm|StepTime|AdjustTime)\s+(\d+)\s*:?\s*(.*)$`)
	historyPart  = regexp.MustCompile(`^[-\d@:. ]+$`)
	historyEntry = regexp.MustCompile(`^(-?\d+)@(\d+)-(\d\d):(\d\d):(\d\d\.\d{3})`)
	tableHead    = regexp.MustCompile(`(?i)^streamId\s+msgType\b`)
)

func readStatistics(lines []string, findings *[]Finding) *Statistics {
	var s *Statistics
	garbled := func(line int, what string) {
		*findings = append(*findings, Finding{Code: "GARBLED", Severity: "warning",
			Text: fmt.Sprintf("Line %d cannot be read: %.60q.", line+1, what), Action: "Paste this screen again, from a wider terminal."})
	}
	for i := 0; i < len(lines); i++ {
		if m := historyHead.FindStringSubmatch(lines[i]); m != nil {
			if s == nil || m[1] == "AprState" {
				s = &Statistics{}
			}
			first, parts := i, []string{m[3]}
			for i+1 < len(lines) && historyPart.MatchString(lines[i+1]) {
				i++
				parts = append(parts, lines[i])
			}
			kept, _ := strconv.ParseInt(m[2], 10, 64)
			entries, rest := readEntries(parts)
			if rest != "" {
				garbled(first, m[1]+" ... "+rest)
			}
			s.Histories = append(s.Histories, History{Name: m[1], Kept: kept, Entries: entries})
			continue
		}
		if tableHead.MatchString(lines[i]) {
			if s == nil || len(s.Messages) > 0 {
				s = &Statistics{}
			}
			i = s.readTable(lines, i+1, garbled) - 1
		}
	}
	return s
}

// readEntries reads the entries of a history whose lines the terminal may have cut
// anywhere. rest is what cannot be read.
func readEntries(parts []string) (entries []Entry, rest string) {
	text := ""
	for _, part := range parts {
		// A line that ends in a whole entry was not cut inside one.
		if words := strings.Fields(text); len(words) > 0 && whole(words[len(words)-1]) {
			text += " "
		}
		text += part
	}
	for _, word := range strings.Fields(text) {
		m := historyEntry.FindStringSubmatch(word)
		if m == nil || len(m[0]) != len(word) {
			return entries, word
		}
		value, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return entries, word
		}
		if value == 1<<32-1 {
			value = -1
		}
		days, _ := strconv.ParseFloat(m[2], 64)
		hours, _ := strconv.ParseFloat(m[3], 64)
		minutes, _ := strconv.ParseFloat(m[4], 64)
		seconds, _ := strconv.ParseFloat(m[5], 64)
		entries = append(entries, Entry{Value: value, UptimeS: days*86400 + hours*3600 + minutes*60 + seconds})
	}
	return entries, ""
}

func whole(word string) bool { return len(word) > 0 && len(historyEntry.FindString(word)) == len(word) }

// readTable reads the rows of messages from line i on, and returns the line behind
// them.
func (s *Statistics) readTable(lines []string, i int, garbled func(int, string)) int {
	if i < len(lines) && headRest.MatchString(lines[i]) {
		i++ // the terminal cut the head
	}
	for i < len(lines) && s.Total == nil {
		first := i
		if lines[i] == "" {
			i++
			continue
		}
		if !rowStart.MatchString(lines[i]) {
			break
		}
		for i++; i < len(lines) && i-first <= 3 && rowRest.MatchString(lines[i]) && !rowStart.MatchString(lines[i]); i++ {
		}
		row := readRow(lines[first:i])
		switch {
		case row == nil:
			garbled(first, lines[first])
		case row.Message == total:
			s.Total = row
		default:
			s.Messages = append(s.Messages, *row)
		}
	}
	for j := range s.Messages {
		s.Messages[j].Lost = s.trueLost(s.Messages[j])
	}
	return i
}

// readRow reads a row that the terminal may have cut anywhere, at a space too. nil
// when it is none.
func readRow(parts []string) *Counter {
	for spaces := range 1 << (len(parts) - 1) { // bit k: a space stood before part k+1
		text := parts[0]
		for k, part := range parts[1:] {
			if spaces>>k&1 == 1 {
				text += " "
			}
			text += part
		}
		if row := oneRow(text); row != nil {
			return row
		}
	}
	return nil
}

const total = "TOTAL"

var (
	rowStart = regexp.MustCompile(`^(?:\d+ +[A-Z]|TOTAL\b)`)
	headRest = regexp.MustCompile(`^[A-Za-z ]*\b(?:lost|tx|x)$`)
	rowRest  = regexp.MustCompile(`^[A-Z\d -]+$`)
	oneLine  = regexp.MustCompile(`^(?:(\d+) +)?([A-Z][A-Z -]*[A-Z]) +(\d+) +(\d+) +(\d+) +(\d+)$`)
	messages = []string{"SYNC", "DELAY REQUEST", "P-DELAY REQUEST", "P-DELAY RESPONSE", "FOLLOW UP", "DELAY RESPONSE", "P-DELAY FOLLOWUP",
		"ANNOUNCE", "SIGNALING", "MANAGEMENT"}
)

func oneRow(text string) *Counter {
	m := oneLine.FindStringSubmatch(text)
	if m == nil || (m[1] == "") != (m[2] == total) || m[2] != total && !slices.Contains(messages, m[2]) {
		return nil
	}
	row := Counter{Message: m[2]}
	for i, into := range []*int64{&row.Stream, nil, &row.Received, &row.Processed, &row.LostPrinted, &row.Sent} {
		if into == nil || m[i+1] == "" {
			continue
		}
		v, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil {
			return nil
		}
		*into = v
	}
	return &row
}

const (
	wrap      = 1 << 16 // how many sequenceIds there are
	wordWraps = 1 << 32
)

// trueLost undoes the RPD's counting: at each wrap of the sequenceId its number of 32
// bits falls by 65536. The true number is the one that is not negative, differs by a
// whole number of wraps, and goes with as many wraps as that many messages make; of
// several the smallest. Where the RPD's own requests tell how many answers there
// should be, that counts. nil when no number goes.
func (s *Statistics) trueLost(c Counter) *int64 {
	signed := c.LostPrinted
	if signed >= wordWraps || signed < 0 {
		return nil
	}
	if signed >= wordWraps/2 {
		signed -= wordWraps
	}
	if c.Message == "DELAY RESPONSE" {
		for _, r := range s.Messages {
			if r.Stream == c.Stream && r.Message == "DELAY REQUEST" && r.Sent >= c.Received && (r.Sent-c.Received-signed)%wrap == 0 {
				lost := r.Sent - c.Received
				return &lost
			}
		}
	}
	wraps := int64(0)
	if signed < 0 {
		wraps = (-signed + wrap - 1) / wrap
	}
	lost := signed + wraps*wrap
	// Where the sequence began is not known: that many messages make one wrap more or less.
	if made := (c.Received + lost) / wrap; wraps > made+1 {
		return nil
	}
	return &lost
}
