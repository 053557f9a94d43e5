package show

import (
	"strings"

	"bragi/cmd/internal/status"
)

// Fit makes a screen's text safe and narrow: printable ASCII only, and no line
// longer than width columns. A longer line goes on below, under its value: behind
// the first gap of two spaces, or under its own beginning. width 0: any length.
// A width below Narrowest is taken as Narrowest.
func Fit(text string, width int) string {
	if width > 0 {
		width = max(width, Narrowest)
	}
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(plain(text)) {
		line = strings.TrimRight(line, " \n")
		indent := hang(line, width)
		for width > 0 && len(line) > width {
			cut := strings.LastIndexByte(line[:width+1], ' ')
			if cut <= indent {
				cut = width
				// A word that has room only under the line's label goes there whole.
				if first := line[:indent]; indent > under && strings.TrimSpace(first) != "" && lengthOfWord(line[indent:]) <= width-under {
					cut, indent = indent, under
				}
			}
			b.WriteString(strings.TrimRight(line[:cut], " ") + "\n")
			line = strings.Repeat(" ", indent) + strings.TrimLeft(line[cut:], " ")
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Narrowest is the fewest columns that a screen is drawn for. A narrower terminal
// wraps or cuts the lines itself.
const Narrowest = 10

// under is where a line goes on whose value has no room beside its label.
const under = 2

func lengthOfWord(text string) int {
	if end := strings.IndexByte(text, ' '); end >= 0 {
		return end
	}
	return len(text)
}

// hang is the column at which a line that is too long goes on.
func hang(line string, width int) int {
	start := len(line) - len(strings.TrimLeft(line, " "))
	at := start
	if gap := strings.Index(line[start:], "  "); gap > 0 {
		value := strings.TrimLeft(line[start+gap:], " ")
		at = len(line) - len(value)
	}
	if at > width/2 {
		return under
	}
	return at
}

// plain is text with nothing in it that a terminal takes for an order, and
// nothing that a terminal without other letters cannot draw.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r >= ' ' && r < 0x7f:
			return r
		case r == 'µ' || r == 'μ':
			return 'u'
		}
		return '?'
	}, text)
}

// Count is a number of things: "1 client", "2 clients".
func Count[N int | uint64](n N, thing string) string { return status.Count(n, thing) }
