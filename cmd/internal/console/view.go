package console

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"bragi/cmd/internal/terminal"
)

// show draws a command's output in pages until it is done. A key leaves a live view;
// Ctrl-C ends any command; left says that the reader did so. Other keys are typed ahead.
func (s *session) show(text <-chan []byte, done <-chan error, filters []*filter, cancel func(), live bool) (left bool, err error) {
	p := &pager{out: s.tty, size: s.size, length: s.pageLength(), filters: filters}
	p.newPage(p.page())
	if live {
		p.length = 0
	}
	full, ended := false, false // the page; the command
	var failed error            // what became of it
	var keys []byte             // typed while the page was full
	for {
		if p.busy() && !full {
			select {
			case typed := <-s.tty.Keys():
				if typed[0] == terminal.Interrupt {
					typed, left = typed[1:], true
					cancel()
					p.forget()
					s.tty.Discard()
				}
				s.pending = append(s.pending, typed...)
			case <-s.ctx.Done():
				return true, cmp.Or(context.Cause(s.ctx), errHangUp)
			default:
			}
			if full, err = p.draw(); err != nil {
				return left, err
			}
			continue
		}
		if !full {
			s.pending, keys = append(s.pending, keys...), nil
			if ended {
				return left, failed
			}
		}
		if len(keys) == 0 {
			come, err := s.happens(text, done, full, ended)
			switch {
			case err != nil:
				cancel()
				if !ended {
					<-done
				}
				return true, err
			case come.done:
				ended, failed = true, come.err
				if !left && !full {
					full, err = p.end()
				}
			case come.text != nil && !left:
				full, err = p.take(string(come.text))
			case len(come.typed) > 0 && full:
				keys = come.typed
			case len(come.typed) > 0 && (live || come.typed[0] == terminal.Interrupt):
				s.pending = append(s.pending, come.typed[keyLength(come.typed):]...)
				left = true
				cancel()
			case len(come.typed) > 0:
				s.pending = append(s.pending, come.typed...)
			}
			if err != nil {
				return left, err
			}
			continue
		}
		key := keys[0]
		keys = keys[keyLength(keys):]
		if err := p.unmore(); err != nil {
			return left, err
		}
		switch key {
		case ' ', 'f', 0x06:
			p.newPage(p.page())
		case terminal.Enter, 'j':
			p.newPage(1)
		default:
			left, full = true, false
			cancel()
			continue
		}
		if full, err = p.draw(); err == nil && !full && ended {
			full, err = p.end()
		}
		if err != nil {
			return left, err
		}
	}
}

// happening is what a command's session waits for: one of the three.
type happening struct {
	typed []byte
	text  []byte
	done  bool
	err   error // of the command that is done
}

// happens is what comes first: text, the command's end, or keys. While a page is full
// no text is taken; then a reader who is away ends the session.
func (s *session) happens(text <-chan []byte, done <-chan error, full, ended bool) (happening, error) {
	var over <-chan time.Time
	if full {
		text = nil
		if s.idle > 0 {
			timer := time.NewTimer(s.idle)
			defer timer.Stop()
			over = timer.C
		}
	}
	if ended {
		text, done = nil, nil
	}
	select {
	case b := <-text:
		return happening{text: b}, nil
	case err := <-done:
		return happening{done: true, err: err}, nil
	case typed := <-s.tty.Keys():
		return happening{typed: typed}, nil
	case <-over:
		return happening{}, errIdle
	case <-s.ctx.Done():
		return happening{}, cmp.Or(context.Cause(s.ctx), errHangUp)
	}
}

// pageLength is how many rows a page has, 0 for no pages.
func (s *session) pageLength() int {
	if s.length >= 0 {
		return s.length
	}
	return s.size().Rows
}

// pages draws a text of the session's own in pages.
func (s *session) pages(text string) error {
	come, done := make(chan []byte), make(chan error, 1)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	go func() {
		_, err := io.WriteString(pipe{ctx, come}, text)
		done <- err
	}()
	_, err := s.show(come, done, s.filters, cancel, false)
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

// keyLength is how many bytes the first key has.
func keyLength(typed []byte) int {
	if typed[0] == 0x1b {
		for i := 2; i < len(typed); i++ {
			if typed[i] >= 0x40 && typed[i] < 0x7f {
				return i + 1
			}
		}
		return len(typed)
	}
	return 1
}
