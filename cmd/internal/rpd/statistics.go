package rpd

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	historyHead  = regexp.MustCompile(`^(AprState|ClockState|BstPktStrm|StepTime|AdjustTime)\s+(\d+)\s*:?\s*(.*)$`)
	historyPart  = regexp.MustCompile(`^[-\d@:. ]+$`)
	historyEntry = regexp.MustCompile(`^(-?\d+)@(\d{1,6})-(\d\d):(\d\d):(\d\d\.\d{3})`)
	tableRow     = regexp.MustCompile(`^\d+ +SYNC\b`) // the first, where the head is cut
	tableHead    = regexp.MustCompile(`(?i)^streamId\s+msgType\b`)
)

func readStatistics(lines []line, unread unread) *Statistics {
	var s *Statistics
	for i := 0; i < len(lines); i++ {
		if m := historyHead.FindStringSubmatch(lines[i].text); m != nil {
			if s == nil || m[1] == "AprState" {
				s = &Statistics{}
			}
			first, parts := i, []string{m[3]}
			for i+1 < len(lines) && historyPart.MatchString(lines[i+1].text) {
				i++
				parts = append(parts, lines[i].text)
			}
			kept, fits := parseNumber(m[2])
			if !fits {
				unread.add(first, lines[first].text)
			}
			entries, rest := readEntries(parts)
			if rest != "" {
				unread.add(first, m[1]+" ... "+rest)
			}
			slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(b.UptimeS, a.UptimeS) }) // newest first
			s.Histories = append(s.Histories, History{Name: m[1], Kept: kept, Entries: entries})
			continue
		}
		if head := tableHead.MatchString(lines[i].text); head || tableRow.MatchString(lines[i].text) {
			if s == nil || len(s.Messages) > 0 {
				s = &Statistics{}
			}
			if head {
				i++
			}
			i = s.readTable(lines, i, unread.add) - 1
		}
	}
	return s
}

// readEntries reads the entries of a history whose lines the terminal may have cut
// anywhere. rest is what cannot be read.
func readEntries(parts []string) (entries []Entry, rest string) {
	var text strings.Builder
	last := "" // the word at the end of the text
	for _, part := range parts {
		// A line that ends in a whole entry was not cut inside one.
		if whole(last) {
			text.WriteByte(' ')
			last = ""
		}
		text.WriteString(part)
		if at := strings.LastIndexByte(part, ' '); at >= 0 {
			last = part[at+1:]
		} else if last += part; len(last) > longestWord {
			return nil, last
		}
	}
	for word := range strings.FieldsSeq(text.String()) {
		m := historyEntry.FindStringSubmatch(word)
		if m == nil || len(m[0]) != len(word) {
			return entries, word
		}
		value, fits := parseNumber(m[1])
		if !fits {
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

const longestWord = 100 // of a history

func whole(word string) bool { return len(word) > 0 && len(historyEntry.FindString(word)) == len(word) }

// readTable reads the rows of messages from line i on, and returns the line behind
// them.
func (s *Statistics) readTable(lines []line, i int, garbled func(int, string)) int {
	for i < len(lines) && headRest.MatchString(lines[i].text) && !rowStart.MatchString(lines[i].text) {
		i++ // the terminal cut the head
	}
	for i < len(lines) && s.Total == nil {
		first := i
		if lines[i].text == "" {
			i++
			continue
		}
		if !rowStart.MatchString(lines[i].text) {
			break
		}
		for i++; i < len(lines) && rowRest.MatchString(lines[i].text) && !rowStart.MatchString(lines[i].text); i++ {
		}
		row := readRow(lines[first:i])
		switch {
		case row == nil:
			garbled(first, lines[first].text)
		case row.Message == total:
			s.Total = row
		default:
			s.Messages = append(s.Messages, *row)
		}
	}
	asked := s.requests()
	for j := range s.Messages {
		s.Messages[j].Lost = trueLost(s.Messages[j], asked)
	}
	return i
}

// readRow reads a row that the terminal may have cut anywhere, at a space too: by the
// spaces that are there, else in the one way in which it is a row. nil when it is none,
// or one in several ways.
func readRow(parts []line) *Counter {
	const most = 8 // of parts
	if len(parts) > most {
		return nil
	}
	exact := 0
	for k := 1; k < len(parts); k++ {
		if parts[k-1].ended || parts[k].begun {
			exact |= 1 << (k - 1)
		}
	}
	if row := oneRow(join(parts, exact)); row != nil {
		return row
	}
	var only *Counter
	for spaces := range 1 << (len(parts) - 1) {
		if row := oneRow(join(parts, spaces)); row != nil {
			if only != nil && *only != *row {
				return nil
			}
			only = row
		}
	}
	return only
}

// join joins the parts of a row. Bit k of spaces: a space stood before part k+1.
func join(parts []line, spaces int) string {
	text := parts[0].text
	for k, part := range parts[1:] {
		if spaces>>k&1 == 1 {
			text += " "
		}
		text += part.text
	}
	return text
}

const total = "TOTAL"

var (
	rowStart = regexp.MustCompile(`^(?:\d+ +[A-Z]|TOTAL\b)`)
	headRest = regexp.MustCompile(`^[A-Za-z ]+$`)
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
		v, fits := parseNumber(m[i+1])
		if !fits {
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

// requests is how many Delay_Req were sent in each stream.
func (s *Statistics) requests() map[int64]int64 {
	asked := map[int64]int64{}
	for _, r := range s.Messages {
		if _, found := asked[r.Stream]; !found && r.Message == "DELAY REQUEST" {
			asked[r.Stream] = r.Sent
		}
	}
	return asked
}

// trueLost undoes the RPD's counting: at each wrap of the sequenceId its number of 32
// bits falls by 65536. The true number is the one that is not negative, differs by a
// whole number of wraps, and goes with as many wraps as that many messages make; of
// several the smallest. Where the RPD's own requests tell how many answers there
// should be, that counts. nil when no number goes.
func trueLost(c Counter, asked map[int64]int64) *int64 {
	signed := c.LostPrinted
	if signed >= wordWraps || signed < 0 {
		return nil
	}
	if signed >= wordWraps/2 {
		signed -= wordWraps
	}
	if c.Message == "DELAY RESPONSE" {
		if sent, found := asked[c.Stream]; found && sent >= c.Received && (sent-c.Received-signed)%wrap == 0 {
			lost := sent - c.Received
			return &lost
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
