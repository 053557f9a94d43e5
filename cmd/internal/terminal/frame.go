// Package terminal is a person's terminal: which bytes of it are keys, what fits
// on it, and how a screen that changes is drawn on it again and again, also over a
// slow serial line.
package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Frame draws one screen after another in the same place. It writes only the lines
// that changed, so that a line of 9600 baud keeps up.
type Frame struct {
	out   io.Writer
	shown []string // what stands there; nil: not known
	size  Size
}

// Size is that of a terminal, in characters. Columns 0: there is no limit.
type Size struct{ Columns, Rows int }

// NewFrame returns a frame that draws to out, which is a terminal.
func NewFrame(out io.Writer) *Frame { return &Frame{out: out} }

// End is the end of a text that a frame keeps when not all of it fits.
type End bool

// The two ends of a text.
const (
	Beginning End = false
	Newest    End = true // of a text whose newest line is its last one
)

// Draw shows text in place of what was shown. What does not fit is left out at the
// other end than kept, and a row in its place says how much. The text has no line longer than
// the terminal.
func (f *Frame) Draw(text string, kept End, size Size) error {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if room := max(1, size.Rows-1); size.Rows > 0 && len(lines) > room {
		left := len(lines) - room + 1
		if kept == Newest {
			lines = append([]string{leftOut(left, "older", size.Columns)}, lines[left:]...)
		} else {
			lines = append(lines[:room-1:room-1], leftOut(left, "more", size.Columns))
		}
	}
	var b strings.Builder
	if f.shown == nil || size != f.size {
		b.WriteString("\x1b[H\x1b[2J")
		f.shown = []string{}
	}
	for i, line := range lines {
		if size.Columns > 0 && len(line) > size.Columns {
			line = line[:size.Columns]
			lines[i] = line
		}
		if i >= len(f.shown) || f.shown[i] != line {
			fmt.Fprintf(&b, "\x1b[%d;1H\x1b[K%s", i+1, line)
		}
	}
	for i := len(lines); i < len(f.shown); i++ {
		fmt.Fprintf(&b, "\x1b[%d;1H\x1b[K", i+1)
	}
	if b.Len() > 0 {
		fmt.Fprintf(&b, "\x1b[%d;1H", len(lines)+1)
	}
	f.shown, f.size = lines, size
	_, err := io.WriteString(f.out, b.String())
	return err
}

// leftOut says how many lines are left out, in at most columns where that can be.
func leftOut(n int, which string, columns int) string {
	short := fmt.Sprintf("(%d %s lines)", n, which)
	if n == 1 {
		short = fmt.Sprintf("(1 %s line)", which)
	}
	for _, help := range []string{"; a larger terminal shows them)", ": enlarge the terminal)"} {
		if text := strings.TrimSuffix(short, ")") + help; columns == 0 || len(text) <= columns {
			return text
		}
	}
	return short
}
