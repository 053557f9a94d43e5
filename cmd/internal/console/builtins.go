package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/operator"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
)

// builtin is a command that only a session can do. args are the words behind its name;
// an error ends the session, unless it is a complaint.
type builtin func(s *session, args []string) error

// complaint is an error that the session goes on after.
type complaint struct{ error }

// builtins are found by an annotation of their command in the tree.
var builtins map[string]builtin

func init() {
	builtins = map[string]builtin{
		"exit": func(s *session, _ []string) error {
			if s.configuring != nil {
				return s.up()
			}
			return errExit
		},
		"shell": (*session).shell, "setup": (*session).setup, "configure": (*session).configure, "section": (*session).enter, "listed": (*session).listedSection, "set": (*session).set, "unset": (*session).unset,
		"diff": (*session).diff, "show config": (*session).showConfig, "previous": (*session).previous, "commit": (*session).commit,
		"commit confirmed": (*session).commitConfirmed, "confirm": (*session).confirm, "rollback": (*session).rollback, "refresh": (*session).refresh,
		"discard": (*session).discard, "recover": (*session).recover, "end": (*session).end,
		"monitor": (*session).monitorOn, "no monitor": (*session).monitorOff, "length": (*session).setLength,
		"history": func(s *session, _ []string) error { return s.pages(strings.Join(s.past.lines, "\n") + "\n") },
	}
}

// own makes a command that is a builtin.
func own(name, use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Annotations: map[string]string{"builtin": name}, RunE: func(*cobra.Command, []string) error { return nil }}
}

// group makes a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short}
	c.AddCommand(children...)
	return c
}

// commands is the tree of the shell, with what only a session has.
func (s *session) commands(face operator.Face) *cobra.Command {
	configure := group("configure", "Change the configuration",
		own("configure", "terminal", "Change it here, word by word"),
		own("confirm", "confirm", "What was committed stays"))
	configure.Aliases = []string{"conf"} // not config
	root := operator.Command(face, configure,
		group("terminal", "How this session looks",
			own("monitor", "monitor", "Tell events as they happen, above the prompt"),
			own("length", "length LINES", "How many lines a page has; 0: no pages"),
			group("no", "End something", own("no monitor", "monitor", "Tell no events"))),
		own("setup", "setup", "Answer some questions, and have a configuration"),
		own("shell", "shell", "A shell of Linux, behind a login"),
		own("exit", "exit", "End the session"))
	root.PersistentFlags().Set("socket", s.cfg.Socket) //nolint:errcheck // the flag is there
	for _, c := range root.Commands() {
		switch c.Name() {
		case "stability": // of the shell: it reads a file, and the first help is to fit a screen
			root.RemoveCommand(c)
		case "show":
			c.Aliases = []string{"s", "sh"} // not shell
			c.AddCommand(own("history", "history", "The lines that were typed"))
		}
	}
	return root
}

// builtin does one, and draws what it says behind filters.
func (s *session) builtin(do builtin, at place, filters []*filter) error {
	s.at, s.filters = at, filters
	err := do(s, at.words[len(at.words)-at.args:])
	s.filters = nil
	if c, is := err.(complaint); is {
		s.sayError(c.error)
		return nil
	}
	return err
}

func (s *session) monitorOn([]string) error {
	s.monitor.start(s.client, s.eventLine)
	return nil
}

func (s *session) monitorOff([]string) error {
	s.monitor.stop()
	return nil
}

// takenBackLine is eventLine of a commit that nobody confirmed; other events are not told.
func (s *session) takenBackLine(r status.Record) string {
	if r.Name != "CONFIG_TAKEN_BACK" {
		return ""
	}
	return s.eventLine(r)
}

// eventLine is an event as a row above the prompt.
func (s *session) eventLine(r status.Record) string {
	return show.Fit(r.At.In(s.zone).Format("Jan _2 15:04:05")+" "+r.Line()+"\n", s.size().Columns)
}

func (s *session) setLength(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 || n > 512 {
		return complaint{fmt.Errorf("%q is no number of lines (fix: 0 to 512)", args[0])}
	}
	s.length = n
	return nil
}

// statusPatience is how long the prompt and the banner wait for the daemon.
const statusPatience = 2 * time.Second

// banner is what a session begins with: state, and the most severe alarm.
func (s *session) banner() string {
	ctx, cancel := context.WithTimeout(s.ctx, statusPatience)
	defer cancel()
	var now status.Status
	if err := s.client.Get(ctx, "/v1/status", &now); err != nil {
		return show.Banner(nil, s.cfg.Host) + s.errorText(err)
	}
	return show.Banner(&now, s.cfg.Host)
}

// prompt is that of a Cisco.
func (s *session) prompt() string {
	host := s.cfg.Host
	if host, _, _ = strings.Cut(host, "."); len(host) > 16 {
		host = host[:16]
	}
	switch {
	case s.configuring == nil:
		return host + "#"
	case s.configuring.section != "":
		return host + "(config-" + s.configuring.section + ")#"
	}
	return host + "(config)#"
}
