// Package console is a person's session at a terminal: a line editor over the tree of
// commands that the shell has too, with help at any place, pages and live views.
//
//	terminal --> terminal.TTY (keys) --> x/term's line editor --> words (the tree) --> command
//	command's output --> filters --> pages --> terminal
//	events of the daemon --> above the prompt
//
// The session's goroutine alone draws, but for the editor, which takes events between
// two keys. It computes nothing of its own: what it shows comes from the Status.
package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/operator"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/terminal"
)

// Config is what a session is told.
type Config struct {
	Socket string // the control socket of the daemon
	File   string // the daemon's configuration, where there is no daemon yet
	// Elsewhere: the socket is none of the system's bragid, and nobody told where that
	// other one has its configuration.
	Elsewhere bool
	Idle      time.Duration // a session without a key ends after this; negative: never; 0: as the configuration says
	Stays     bool          // a session in which nobody has typed yet does not end
	Host      string        // the name in the prompt
}

// Why a session ends.
var (
	errIdle   = errors.New("nobody typed anything for too long")
	errHangUp = errors.New("the terminal is gone")
	errExit   = errors.New("exit")
)

// session is one of them.
type session struct {
	cfg    Config
	ctx    context.Context
	tty    *terminal.TTY
	client *control.Client
	editor atomic.Pointer[term.Terminal]
	past   *past

	pending []byte // typed, not read yet
	inject  []byte // read before them: what the session types for its user
	asked   *asked // help that was asked for in the line
	typed   bool   // somebody was here
	suspend bool   // Ctrl-Z was typed
	refused bool   // letters of the line
	length  int    // of a page, -1: the terminal's

	configuring *edit // `configure terminal`; nil: not

	zone *time.Location // of the times that are shown
	idle time.Duration  // a session without a key ends after this; 0: never

	at      place     // of the builtin that runs
	filters []*filter // that its output goes through
	monitor monitor

	question *question // that is asked; nil: a command is read
}

// asked is help for a line that is not complete.
type asked struct {
	line string
	pos  int
	list []choice // TAB: the words that it may be
}

// run is a session on a terminal, until it ends.
func run(ctx context.Context, cfg Config, in, out *os.File) error {
	asked := ctx
	ctx, hangUp := context.WithCancelCause(ctx)
	defer hangUp(nil)
	hung := make(chan os.Signal, 1)
	signal.Notify(hung, syscall.SIGHUP)
	defer signal.Stop(hung)
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	tty, err := terminal.Open(in, out)
	if err != nil {
		return fmt.Errorf("console: %w (fix: run it on a terminal)", err)
	}
	defer tty.Close() //nolint:errcheck // a terminal that is gone is given back by nobody
	s := &session{cfg: cfg, ctx: ctx, tty: tty, client: control.NewClient(cfg.Socket), past: &past{}, length: -1}
	s.edit()
	go func() {
		for {
			select {
			case <-hung:
				hangUp(errHangUp)
				tty.Drop() // or a line that takes nothing keeps the session
				return
			case <-tty.Ended():
				hangUp(errHangUp)
				return
			case <-resized:
				s.fit()
			case <-asked.Done():
				tty.Drop()
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	defer s.monitor.stop()
	err = s.loop()
	s.leave()
	switch {
	case errors.Is(err, errHangUp), errors.Is(err, io.ErrClosedPipe), ctx.Err() != nil:
		return nil // nobody is there to be told
	case errors.Is(err, errIdle):
		s.say(fmt.Sprintf("\nThe session ends: %v.\n", errIdle))
		return nil
	case errors.Is(err, errExit):
		return nil
	}
	return err
}

// edit makes the editor.
func (s *session) edit() {
	editor := term.NewTerminal(editorIO{s}, "")
	editor.History = s.past
	editor.AutoCompleteCallback = s.key
	s.editor.Store(editor)
	s.fit()
}

// size is the terminal's.
func (s *session) size() terminal.Size {
	size, _ := s.tty.Size()
	return size
}

// fit tells the editor how large the terminal is.
func (s *session) fit() {
	size := s.size()
	s.editor.Load().SetSize(max(size.Columns, show.Narrowest), size.Rows) //nolint:errcheck // a terminal that is gone is noticed by its reader
}

// loop reads and does lines until the session ends.
func (s *session) loop() error {
	s.settle()
	s.learnSize()
	s.say(s.banner())
	if err := s.firstRun(); err != nil {
		return err
	}
	for {
		line, err := s.readLine(s.prompt())
		switch {
		case errors.Is(err, io.EOF): // Ctrl-D
			line = "exit"
		case err != nil:
			return err
		}
		if a := s.asked; a != nil {
			s.asked = nil
			if err := s.answer(a); err != nil {
				return err
			}
			continue
		}
		if s.suspend {
			if s.suspend = false; s.configuring != nil {
				line = "end"
			}
		}
		if err := s.do(line); err != nil {
			return err
		}
	}
}

// askSize asks a terminal whose size the kernel does not know, which is one on a
// serial line. The answer comes as a key.
func (s *session) askSize() {
	if _, kernel := s.tty.Size(); !kernel {
		io.WriteString(s.tty, terminal.AskSize) //nolint:errcheck // a terminal that is gone is noticed by its reader
	}
}

// sizePatience is how long a terminal on a serial line may take to tell its size.
const sizePatience = 500 * time.Millisecond

// learnSize waits a moment for the answer, before anything is drawn.
func (s *session) learnSize() {
	s.askSize()
	for end := time.Now().Add(sizePatience); time.Now().Before(end) && !s.tty.Knows(); {
		time.Sleep(20 * time.Millisecond)
	}
}

// readLine reads a line behind a prompt. A line of which letters were refused is not
// done as it is: it stands there again.
func (s *session) readLine(prompt string) (string, error) {
	for {
		s.refused = false
		line, err := s.readOnce(prompt)
		if err != nil || !s.refused || s.asked != nil {
			return line, err
		}
		s.say("% This terminal is not set to UTF-8, so letters beyond ASCII were left out, and the line was not done\n" +
			"  (fix: Enter takes it as it is now; or set LANG=C.UTF-8 before `bragi console`).\n")
		s.inject = append(s.inject, line...)
	}
}

// readOnce reads a line. Events come above it.
func (s *session) readOnce(prompt string) (string, error) {
	s.askSize()
	s.fit()
	editor := s.editor.Load()
	editor.SetPrompt(prompt)
	s.monitor.prompting(editor)
	line, err := editor.ReadLine()
	s.monitor.prompting(nil)
	if errors.Is(err, io.EOF) { // Ctrl-D: the editor takes its prompt to stand there still
		s.say("\n")
		s.edit()
	}
	return line, err
}

// say draws text that is no command's output.
func (s *session) say(text string) {
	io.WriteString(s.tty, strings.ReplaceAll(show.Fit(text, s.size().Columns), "\n", "\r\n")) //nolint:errcheck // a terminal that is gone is noticed by its reader
}

// sayError draws an error as a Cisco does.
func (s *session) sayError(err error) {
	s.say(s.errorText(err))
}

// errorText is an error, and what helps here when no daemon answers.
func (s *session) errorText(err error) string {
	if !withoutDaemon(err) {
		return "% " + err.Error() + "\n"
	}
	text, _, _ := strings.Cut(err.Error(), " (fix: ")
	switch {
	case s.cfg.Elsewhere:
		text += "\n  It is another than that of systemd: start it as you did before."
	case s.unconfigured():
		text += "\n  Nothing is configured yet: `setup` asks what it needs, and starts it."
	case s.configuring != nil:
		text += "\n  `do show log` tells its last words, `do restart` starts it."
	default:
		text += "\n  `show log` tells its last words, `restart` starts it."
	}
	return "% " + text + "\n"
}

// next is the next key, of which there is at most one for each byte.
func (s *session) next(idle time.Duration) (byte, error) {
	if len(s.pending) == 0 {
		if s.cfg.Stays && !s.typed {
			idle = 0
		}
		typed, err := s.wait(idle)
		if err != nil {
			return 0, err
		}
		s.pending, s.typed = typed, true
	}
	key := s.pending[0]
	s.pending = s.pending[1:]
	return key, nil
}

// wait is for keys.
func (s *session) wait(idle time.Duration) ([]byte, error) {
	var over <-chan time.Time
	if idle > 0 {
		timer := time.NewTimer(idle)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case typed := <-s.tty.Keys():
		return typed, nil
	case <-over:
		return nil, errIdle
	case <-s.ctx.Done():
		return nil, cmp.Or(context.Cause(s.ctx), errHangUp)
	}
}

// editorIO is the editor's side of the terminal.
type editorIO struct{ s *session }

func (e editorIO) Write(b []byte) (int, error) { return e.s.tty.Write(b) }

// cancelLine goes to the line's end, takes all of it away and ends it.
const cancelLine = "\x05\x15\r"

// Read hands the editor what the session types, else one key at a time: what comes
// behind an Enter stays for whatever the line does.
func (e editorIO) Read(b []byte) (int, error) {
	s := e.s
	if len(s.inject) > 0 {
		n := copy(b, s.inject)
		s.inject = s.inject[n:]
		return n, nil
	}
	key, err := s.next(s.idle)
	if err != nil {
		return 0, err
	}
	switch key {
	case terminal.Refused:
		s.refused = true
		if _, err := io.WriteString(s.tty, "\a"); err != nil {
			return 0, err
		}
		return e.Read(b)
	case terminal.Interrupt:
		s.refused = false
		return copy(b, cancelLine), nil
	case terminal.Suspend:
		s.suspend = true
		return copy(b, cancelLine), nil
	}
	b[0] = key
	return 1, nil
}

// key is called by the editor for each key that it does not know itself. `?` and TAB
// end the line as if by Enter; the session answers and types the line again.
func (s *session) key(line string, pos int, key rune) (string, int, bool) {
	before := line[:pos]
	switch key {
	case '?':
		if parse(before).quoted {
			return "", 0, false
		}
		s.asked = &asked{line: line, pos: pos}
	case terminal.Tab:
		if s.question != nil {
			return "", 0, false
		}
		more, list := complete(s.tree(), before)
		if list == nil {
			return more + line[pos:], len(more), true
		}
		s.asked = &asked{line: line, pos: pos, list: list}
	default:
		return "", 0, false
	}
	s.inject = append(s.inject, "\x05\r"...)
	return line, pos, true
}

// answer tells help, and types the line again.
func (s *session) answer(a *asked) error {
	text := ""
	switch {
	case s.question != nil:
		text = s.question.help + "\n"
	case a.list != nil:
		text = table(a.list)
	default:
		text = help(s.tree(), a.line[:a.pos])
	}
	s.inject = append(s.inject, a.line...)
	for range utf8.RuneCountInString(a.line[a.pos:]) {
		s.inject = append(s.inject, "\x1b[D"...)
	}
	return s.pages(text)
}

// past is the lines that were done. Help that was asked for is none of them.
type past struct{ lines []string }

const pastKept = 200

// Add is called by the editor for every line; keep says which ones stay.
func (p *past) Add(string) {}

// Len is how many there are.
func (p *past) Len() int { return len(p.lines) }

// At is the line of n Enters ago, from 0.
func (p *past) At(n int) string { return p.lines[len(p.lines)-1-n] }

// keep takes a line that is done, but not twice in a row.
func (p *past) keep(line string) {
	if line == "" || len(p.lines) > 0 && p.lines[len(p.lines)-1] == line {
		return
	}
	if p.lines = append(p.lines, line); len(p.lines) > pastKept {
		p.lines = p.lines[1:]
	}
}

// tree is the commands of the moment.
func (s *session) tree() *cobra.Command {
	return s.treeOn(operator.Face{Size: s.size, Zone: s.zone})
}

// treeOn is the same, drawing on a face.
func (s *session) treeOn(face operator.Face) *cobra.Command {
	if s.configuring != nil {
		return s.configureTree(face)
	}
	return s.commands(face)
}

// do does a line. An error ends the session.
func (s *session) do(line string) error {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "!") { // a comment, as in a Cisco's configuration
		return nil
	}
	s.past.keep(line)
	p := parse(line)
	if p.quoted {
		s.sayError(errQuote)
		return nil
	}
	filters, err := newFilters(p.filters)
	if err != nil {
		s.sayError(err)
		return nil
	}
	return s.command(p.words, filters)
}

// command does a command. What only a session can do is a builtin.
func (s *session) command(words []string, filters []*filter) error {
	frame := terminal.NewFrame(s.tty)
	face := operator.Face{Size: s.size, Zone: s.zone, Whole: true, Draw: func(text string, kept terminal.End) error {
		for _, f := range filters {
			f.begun, f.count = false, 0
		}
		size := s.size()
		return frame.Draw(show.Fit(filtered(filters, text), size.Columns), kept, size)
	}}
	tree := s.treeOn(face)
	at, err := whole(tree, words)
	if err != nil {
		s.sayError(err)
		return nil
	}
	if builtin := builtins[at.command.Annotations["builtin"]]; builtin != nil {
		return s.builtin(builtin, at, filters)
	}
	if err := at.mayUse(); err != nil {
		s.sayError(err)
		return nil
	}
	live := false
	for _, w := range at.words {
		live = live || w == "--watch"
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	out := pipe{ctx, make(chan []byte)}
	tree.SetArgs(at.words)
	tree.SetOut(out)
	tree.SetErr(out)
	tree.SetIn(strings.NewReader(""))
	tree.SilenceErrors, tree.SilenceUsage = true, true
	tree.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.UsageError{Err: err} })
	done := make(chan error, 1)
	go func() { done <- tree.ExecuteContext(ctx) }()
	left, err := s.show(out.text, done, filters, cancel, live)
	if live {
		s.say("\n")
	}
	switch {
	case s.ctx.Err() != nil:
		return cmp.Or(context.Cause(s.ctx), errHangUp)
	case errors.Is(err, errIdle), errors.Is(err, errHangUp):
		return err
	case err != nil && (!left || errors.As(err, new(operator.GoesOn))):
		s.sayError(err)
	}
	return nil
}
