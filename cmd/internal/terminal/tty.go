package terminal

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// TTY is the terminal of a session, in raw mode. One goroutine reads it; Run stops
// that one while another program has the terminal.
type TTY struct {
	in, out *os.File
	before  *term.State
	keys    chan []byte
	ended   chan struct{} // closed when nothing more comes
	closing chan struct{}
	wake    *os.File // a byte wakes the reader
	woken   *os.File
	parked  chan chan struct{} // the reader waits here until the channel in it is closed
	told    atomic.Pointer[Size]
	draws   chan drawing
	dropped chan struct{} // closed when nothing more is drawn
	drop    sync.Once
}

// drawing is what one Write draws.
type drawing struct {
	text  []byte
	drawn chan<- error
}

// errDropped is what a Write gets when nothing more is drawn.
var errDropped = errors.New("nothing more is drawn")

// Open takes the terminal that in and out are.
func Open(in, out *os.File) (*TTY, error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, term.Restore(int(in.Fd()), before))
	}
	t := &TTY{in: in, out: out, before: before, keys: make(chan []byte), ended: make(chan struct{}), closing: make(chan struct{}),
		wake: wake, woken: woken, parked: make(chan chan struct{}), draws: make(chan drawing), dropped: make(chan struct{})}
	go t.read()
	go t.draw()
	return t, nil
}

// Close gives the terminal back as it was.
func (t *TTY) Close() error {
	close(t.closing)
	_, err := t.wake.Write([]byte{0})
	<-t.ended
	t.wake.Close()
	t.woken.Close()
	return errors.Join(err, term.Restore(int(t.in.Fd()), t.before))
}

// Keys are what is typed, as the type Keys cuts it.
func (t *TTY) Keys() <-chan []byte { return t.keys }

// Ended is closed when the terminal is gone.
func (t *TTY) Ended() <-chan struct{} { return t.ended }

// Write draws. The terminal is raw: a line ends with a carriage return and a line feed.
// It waits for a line that is slow, until Drop.
func (t *TTY) Write(b []byte) (int, error) {
	drawn := make(chan error, 1)
	select {
	case t.draws <- drawing{bytes.Clone(b), drawn}:
	case <-t.dropped:
		return 0, errDropped
	case <-t.closing:
		return 0, errDropped
	}
	select {
	case err := <-drawn:
		if err != nil {
			return 0, err
		}
		return len(b), nil
	case <-t.dropped:
		return 0, errDropped
	}
}

// draw draws what is written. A line that takes nothing any more may keep it for ever.
func (t *TTY) draw() {
	for {
		select {
		case d := <-t.draws:
			_, err := t.out.Write(d.text)
			d.drawn <- err
		case <-t.closing:
			return
		}
	}
}

// Drop ends all drawing: nobody is there who looks.
func (t *TTY) Drop() {
	t.drop.Do(func() { close(t.dropped) })
	t.Discard()
}

// Discard drops what was drawn and did not leave yet: a serial line is slow.
func (t *TTY) Discard() {
	unix.IoctlSetInt(int(t.out.Fd()), unix.TCFLSH, unix.TCOFLUSH) //nolint:errcheck // a terminal that is gone has nothing
}

// Size is the terminal's: what the kernel knows, else what the terminal told, else
// what most terminals have. kernel is false unless it is the first: such a terminal
// is asked again by AskSize, because nobody tells when it changes.
func (t *TTY) Size() (size Size, kernel bool) {
	if columns, rows, err := term.GetSize(int(t.out.Fd())); err == nil && columns > 0 && rows > 0 {
		return Size{Columns: columns, Rows: rows}, true
	}
	if told := t.told.Load(); told != nil {
		return *told, false
	}
	return Size{Columns: 80, Rows: 24}, false
}

// Knows says whether the size is known, from the kernel or from the terminal.
func (t *TTY) Knows() bool {
	_, kernel := t.Size()
	return kernel || t.told.Load() != nil
}

// Run lends the terminal to a program, until that ends. Ctrl-C there is meant for the
// program: it gets a process group of its own, and the session does not hear of it.
func (t *TTY) Run(c *exec.Cmd) error {
	return t.lend(func() error {
		c.Stdin, c.Stdout, c.Stderr = t.in, t.out, t.out
		descriptor := int(t.in.Fd())
		own, err := unix.IoctlGetInt(descriptor, unix.TIOCGPGRP)
		if err != nil || own != unix.Getpgrp() { // not our controlling terminal: no key of it is a signal to us
			return c.Run()
		}
		c.SysProcAttr = &unix.SysProcAttr{Foreground: true, Ctty: descriptor}
		if err := c.Start(); err != nil {
			return err
		}
		err = c.Wait()
		signal.Ignore(unix.SIGTTOU) // who takes the terminal back from behind is stopped by it
		defer signal.Reset(unix.SIGTTOU)
		return errors.Join(err, unix.IoctlSetPointerInt(descriptor, unix.TIOCSPGRP, own))
	})
}

// lend gives the terminal to use, as it was before, until that returns. What was
// typed and not read yet is lost.
func (t *TTY) lend(use func() error) error {
	if _, err := t.wake.Write([]byte{0}); err != nil {
		return err
	}
	goOn := make(chan struct{})
	for waiting := true; waiting; {
		select {
		case t.parked <- goOn:
			waiting = false
		case <-t.keys:
		case <-t.ended:
			return errors.New("the terminal is gone")
		}
	}
	defer close(goOn)
	descriptor := int(t.in.Fd())
	if err := term.Restore(descriptor, t.before); err != nil {
		return err
	}
	err := use()
	_, rawErr := term.MakeRaw(descriptor)
	return errors.Join(err, rawErr)
}

// read hands on what is typed until the terminal is gone or closed.
func (t *TTY) read() {
	defer close(t.ended)
	keys := Keys{UTF8: SpeaksUTF8()}
	buffer := make([]byte, 256)
	for {
		wait := []unix.PollFd{{Fd: int32(t.in.Fd()), Events: unix.POLLIN}, {Fd: int32(t.woken.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(wait, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if wait[1].Revents != 0 {
			if _, err := t.woken.Read(buffer[:1]); err != nil {
				return
			}
			select {
			case goOn := <-t.parked:
				<-goOn
			case <-t.closing:
				return
			}
			continue
		}
		if wait[0].Revents == 0 {
			continue
		}
		n, err := t.in.Read(buffer)
		if n <= 0 || err != nil {
			return
		}
		typed := keys.Feed(time.Now(), buffer[:n])
		if told := keys.Told(); told != (Size{}) {
			t.told.Store(&told)
		}
		if len(typed) == 0 {
			continue
		}
		if bytes.IndexByte(typed, Interrupt) >= 0 {
			t.Discard() // as the kernel does it: who draws may wait for the line
		}
		select {
		case t.keys <- typed:
		case goOn := <-t.parked: // what was typed is lost
			t.woken.Read(buffer[:1]) //nolint:errcheck // the byte that came with it
			<-goOn
		case <-t.closing:
			return
		}
	}
}
