package rpd

import (
	"fmt"
	"strings"

	"bragi/cmd/internal/fold"
)

// Text is the report for people: findings, story, counters, in width columns; 0: any
// terminal's.
func (r *Report) Text(width int) string {
	var b strings.Builder
	section := func(title string) {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(title + "\n")
	}
	if len(r.Findings) > 0 {
		section("What the screens show")
	}
	for _, f := range r.Findings {
		fold.Write(&b, width, fmt.Sprintf("  %-7s  ", f.Severity), f.Text)
		if f.Action != "" {
			fold.Write(&b, width, "           fix: ", f.Action)
		}
	}
	if len(r.Story) > 0 {
		section("The story (the RPD's uptime: days-hours:minutes:seconds)")
	}
	for _, e := range r.Story {
		text := e.Text
		if e.LastedS != nil {
			text += ", for " + lasted(*e.LastedS)
		}
		fold.Write(&b, width, "  "+clockTime(e.UptimeS)+"  ", text)
	}
	if r.Statistics != nil && len(r.Statistics.Messages) > 0 {
		section("Messages            received       lost       sent")
		for _, c := range r.Statistics.Messages {
			if c.Received == 0 && c.Sent == 0 && c.LostPrinted == 0 {
				continue
			}
			lost := "unknown"
			if c.Lost != nil {
				lost = fmt.Sprint(*c.Lost)
			}
			fmt.Fprintf(&b, "  %-16s %10d %10s %10d\n", c.Message, c.Received, lost, c.Sent)
		}
	}
	return b.String()
}
