// Package fold breaks text at words, so that it fits a terminal.
package fold

import "strings"

// Columns is the width that every terminal has.
const Columns = 80

// Write writes text behind lead and ends the line. What passes Columns goes on in
// the next line, set in as far as lead is wide.
func Write(b *strings.Builder, lead, text string) {
	b.WriteString(lead)
	column := len(lead)
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > Columns:
			b.WriteString("\n" + strings.Repeat(" ", len(lead)))
			column = len(lead)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
}
