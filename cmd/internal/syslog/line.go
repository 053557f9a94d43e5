package syslog

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"bragi/cmd/internal/status"
)

// Format is the form of a line.
type Format string

// The two forms.
const (
	RFC5424 Format = "rfc5424"
	RFC3164 Format = "rfc3164"
)

// Facilities are their names, by number (RFC 5424, table 1).
var Facilities = []string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// Severities are the words for the least severity that is sent, by number from
// status.Alert on.
var Severities = []string{"alert", "critical", "error", "warning", "notice", "info"}

// The longest lines, in bytes: of RFC 3164 (4.1), of RFC 5424 in a datagram and on a
// connection (RFC 5426, 3.2; RFC 5425, 4.3.1: every receiver takes that much).
const (
	limitRFC3164 = 1024
	limitUDP     = 2048
	limitStream  = 8192
)

// sdID is our structured data's name. bragi has no number of its own: 32473 is that
// of examples (RFC 5612).
const sdID = "bragi@32473"

// from is who sends: the part of each line that is always the same.
type from struct {
	host, app string
	pid       int
}

// appendLine writes an event as a line of at most limit bytes. What is too long loses
// its fields first, and then the end of its text.
func appendLine(b []byte, r status.Record, form Format, facility int, by from, limit int) []byte {
	pri, text := facility*8+int(r.Severity), clean(r.Line())
	begin := len(b)
	if form == RFC3164 {
		b = fmt.Appendf(b, "<%d>%s %s %s[%d]: %s", pri, r.At.Local().Format(time.Stamp), by.host, by.app, by.pid, text)
		return b[:begin+whole(b[begin:], min(limit, limitRFC3164))]
	}
	at := r.At.UTC().Format("2006-01-02T15:04:05.000000Z")
	if r.Undated {
		at = "-" // RFC 5424, 6.2.3: the sender cannot tell the time
	}
	head := fmt.Sprintf("<%d>1 %s %s %s %d %s ", pri, at, by.host, by.app, by.pid, r.Name)
	quality := timeQuality(r.TimeQuality)
	fields := fieldsOf(r)
	if len(head)+len(quality)+len(fields)+1+len(text) > limit {
		fields = ""
	}
	b = append(append(append(append(append(b, head...), quality...), fields...), ' '), text...)
	return b[:begin+whole(b[begin:], limit)]
}

// whole is how much of a text of UTF-8 is left when it is cut at a limit.
func whole(b []byte, limit int) int {
	if len(b) <= limit {
		return len(b)
	}
	for limit > 0 && !utf8.RuneStart(b[limit]) {
		limit--
	}
	return limit
}

// timeQuality is the element of RFC 5424, 7.1: how well the line's time is known.
// The time is in UTC, so that its zone is. An accuracy that nobody knows is left out: 0 would
// say that the time is perfect.
func timeQuality(q status.TimeQuality) string {
	switch {
	case !q.Synced:
		return `[timeQuality tzKnown="1" isSynced="0"]`
	case q.AccuracyUs == nil:
		return `[timeQuality tzKnown="1" isSynced="1"]`
	}
	return fmt.Sprintf(`[timeQuality tzKnown="1" isSynced="1" syncAccuracy="%d"]`, *q.AccuracyUs)
}

// fieldsOf are the event's fields as an element (RFC 5424, 6.3).
func fieldsOf(r status.Record) string {
	if len(r.Fields) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("[" + sdID)
	for _, f := range r.Fields {
		fmt.Fprintf(&b, ` %s="%s"`, f.Name, quote.Replace(clean(fmt.Sprint(f.Value))))
	}
	b.WriteString("]")
	return b.String()
}

// quote escapes what RFC 5424, 6.3.3 wants escaped in a value, and nothing else.
var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// clean is a text that begins no other line: without control characters, and UTF-8.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// hostOf is a host's name as a line may have it: printable ASCII, or "-".
func hostOf(name string) string {
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "-"
	}
	return name
}
