package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"bragi/cmd/internal/show"
	"bragi/cmd/internal/terminal"
)

// errLeft is what a command that writes gets when its reader has left.
var errLeft = errors.New("the reader has left")

// pipe carries a command's output to the session, which takes it when the reader has
// seen what came before.
type pipe struct {
	ctx  context.Context
	text chan []byte
}

func (p pipe) Write(b []byte) (int, error) {
	select {
	case p.text <- append([]byte(nil), b...):
		return len(b), nil
	case <-p.ctx.Done():
		return 0, errLeft
	}
}

// pager draws lines, and stops when the screen is full.
type pager struct {
	out     io.Writer
	size    func() terminal.Size
	length  int       // of a page, 0: no pages
	filters []*filter //
	room    int       // lines until the page is full
	partial string    // of a line
	waiting []string  // rows that have no room yet
}

const more = " --More-- "

// newPage makes room for a page, or for some lines of one.
func (p *pager) newPage(lines int) { p.room = lines }

// page is how many lines there are in one.
func (p *pager) page() int { return max(1, p.length-1) }

// take takes text and draws the lines that have room. full is true when some have none.
func (p *pager) take(text string) (full bool, err error) {
	p.partial += text
	for {
		line, rest, found := strings.Cut(p.partial, "\n")
		if !found {
			break
		}
		p.partial = rest
		p.line(line)
	}
	return p.draw()
}

// end takes what is left when no more text comes.
func (p *pager) end() (full bool, err error) {
	if p.partial != "" {
		p.line(p.partial)
		p.partial = ""
	}
	if text := counted(p.filters); text != "" {
		p.waiting = append(p.waiting, strings.TrimSuffix(text, "\n"))
		p.filters = nil
	}
	return p.draw()
}

// line takes a line into the rows that wait.
func (p *pager) line(line string) {
	if !passes(p.filters, line) {
		return
	}
	for row := range strings.Lines(show.Fit(line+"\n", p.size().Columns)) {
		p.waiting = append(p.waiting, strings.TrimSuffix(row, "\n"))
	}
}

// portion is how many rows are drawn before the keys are looked at again: on a serial
// line they take a second or two.
const portion = 24

// busy says that rows wait that have room.
func (p *pager) busy() bool { return len(p.waiting) > 0 && (p.length == 0 || p.room > 0) }

// forget drops the rows that wait.
func (p *pager) forget() { p.waiting, p.partial, p.filters = nil, "", nil }

// draw draws a portion of the rows that have room.
func (p *pager) draw() (full bool, err error) {
	var b strings.Builder
	for range portion {
		if len(p.waiting) == 0 {
			break
		}
		if p.length > 0 && p.room <= 0 {
			b.WriteString(more)
			full = true
			break
		}
		b.WriteString(p.waiting[0] + "\r\n")
		p.waiting = p.waiting[1:]
		p.room--
	}
	if len(p.waiting) > 0 && !full && p.length > 0 && p.room <= 0 {
		b.WriteString(more)
		full = true
	}
	_, err = io.WriteString(p.out, b.String())
	return full, err
}

// unmore takes the word of a full page away.
func (p *pager) unmore() error {
	_, err := fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", len(more)))
	return err
}
