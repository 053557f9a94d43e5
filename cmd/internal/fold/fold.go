// Package fold breaks text at words, so that it fits a terminal.
package fold

import "strings"

// Columns is the width that most terminals have.
const Columns = 80

// Write writes text behind lead and ends the line. What passes width goes on in the
// next line, set in as far as lead is wide (by two columns where lead takes more than
// half of the width). width is in columns; more than Columns, or 0, is Columns.
func Write(b *strings.Builder, width int, lead, text string) {
	if width <= 0 || width > Columns {
		width = Columns
	}
	indent := len(lead)
	if indent > width/2 {
		indent = 2
	}
	b.WriteString(lead)
	column := len(lead)
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
}
