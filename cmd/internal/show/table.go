package show

import (
	"fmt"
	"strings"
)

func itoa(n uint64) string { return fmt.Sprint(n) }

// column is one of a table. A narrow terminal leaves out columns, those with the
// highest drop first, never one with drop 0.
type column struct {
	title string
	drop  int
}

// table has a row of titles, and rows with a cell for each column.
type table struct {
	columns []column
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// gap is the space between two columns.
const gap = 2

// widths are those of the columns.
func (t *table) widths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = len(c.title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], len(row[i]))
		}
	}
	return widths
}

// kept tells which columns have room in a width; 0: any width.
func (t *table) kept(width int) []bool {
	widths, kept := t.widths(), make([]bool, len(t.columns))
	total := -gap
	for i := range kept {
		kept[i] = true
		total += widths[i] + gap
	}
	for width > 0 && total > width {
		worst := -1
		for i, c := range t.columns {
			if kept[i] && c.drop > 0 && (worst < 0 || c.drop > t.columns[worst].drop) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		kept[worst] = false
		total -= widths[worst] + gap
	}
	return kept
}

// draw is the table in at most width columns where columns may be left out; 0: any
// width. The last line names what was left out.
func (t *table) draw(width int) string {
	widths, kept := t.widths(), t.kept(width)
	var b strings.Builder
	line := func(cell func(i int) string) {
		start, blanks := b.Len(), 0
		for i := range t.columns {
			if !kept[i] {
				continue
			}
			if b.Len() > start {
				b.WriteString(strings.Repeat(" ", blanks+gap))
			}
			text := cell(i)
			b.WriteString(text)
			blanks = widths[i] - len(text)
		}
		b.WriteByte('\n')
	}
	line(func(i int) string { return t.columns[i].title })
	for _, row := range t.rows {
		line(func(i int) string { return row[i] })
	}
	var left []string
	for i, c := range t.columns {
		if !kept[i] {
			left = append(left, c.title)
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "(no room for %s)\n", strings.Join(left, ", "))
	}
	return b.String()
}
