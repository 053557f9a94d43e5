package show

import (
	"fmt"
	"strings"
)

// canvas is a plot in characters: rows of columns.
type canvas [][]byte

func newCanvas(columns, rows int) canvas {
	c := make(canvas, rows)
	for i := range c {
		c[i] = []byte(strings.Repeat(" ", columns))
	}
	return c
}

// put draws a mark, nothing where there is no such place.
func (c canvas) put(column, row int, mark byte) {
	if row >= 0 && row < len(c) && column >= 0 && column < len(c[row]) {
		c[row][column] = mark
	}
}

// draw writes the rows, with a label left of some.
func (c canvas) draw(b *strings.Builder, label func(row int) string) {
	for i, line := range c {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%*s %s", plotMargin-1, label(i), line), " ") + "\n")
	}
}
