package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/operator"
	"bragi/cmd/internal/show"
)

// `configure terminal`: the words are the sections and keys of the one table of keys.
// Each value is checked when it is typed; nothing is changed before `commit`, which the
// daemon judges, writes and applies.

// edit is a configuration that somebody is changing.
type edit struct {
	was     control.Config // as it was read
	text    []byte         // with the changes
	changes []change       // in the order that they were typed
	section string         // whose keys are words; "": all sections
}

// change is a key that was typed.
type change struct {
	key   string
	value string
	unset bool
}

func (e *edit) changed() bool { return !bytes.Equal(e.text, []byte(e.was.Text)) }

// apply makes a change in a text.
func (c change) apply(text []byte) ([]byte, error) {
	if c.unset {
		return config.Unset(text, c.key)
	}
	return config.Set(text, c.key, c.value)
}

// do makes a change and remembers it.
func (e *edit) do(c change) error {
	text, err := c.apply(e.text)
	if err != nil {
		return err
	}
	e.text, e.changes = text, append(e.changes, c)
	return nil
}

// read reads the configuration and makes the changes in it again.
func (s *session) read(changes []change, section string) (*edit, error) {
	now, err := s.client.Config(s.ctx)
	if err != nil {
		return nil, err
	}
	if strings.ContainsRune(now.Text, utf8.RuneError) {
		return nil, fmt.Errorf("%s has a character that is not UTF-8, which would be lost here (fix: put that file right by hand)", now.File)
	}
	e := &edit{was: now, text: []byte(now.Text), section: section}
	for _, c := range changes {
		if err := e.do(c); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// configure is `configure terminal`.
func (s *session) configure([]string) error {
	e, err := s.read(nil, "")
	if err != nil {
		return complaint{err}
	}
	s.configuring = e
	s.say("Nothing changes before `commit`. ? lists the sections.\n")
	if e.was.Edited {
		s.say("% The file was edited past the daemon: what runs is another text. The next commit applies the whole file.\n")
	}
	if l := e.was.Left; l != nil {
		s.say(fmt.Sprintf("%% A session was cut off at %s before its changes were committed: %s. `recover` makes them here.\n", l.At.In(s.zone).Format("2006-01-02 15:04:05"), strings.Join(l.Keys(), ", ")))
	}
	if u := e.was.Unconfirmed; u != nil {
		s.say(fmt.Sprintf("%% A commit waits: it is taken back in %s, to what was confirmed last, unless you `confirm` it.\n", show.Seconds(&u.LeftS)))
	}
	return nil
}

// tree is the words of `configure terminal`.
func (s *session) configureTree(face operator.Face) *cobra.Command {
	e := s.configuring
	root := &cobra.Command{Use: "configure"}
	exec, again := s.commands(face), s.commands(face)
	showing := child(again, "show")
	again.RemoveCommand(showing)
	exec.RemoveCommand(child(exec, "configure"), child(exec, "setup"), child(exec, "exit"))
	showing.RemoveCommand(child(showing, "config"))
	showing.AddCommand(
		own("diff", "diff", "What `commit` would change"),
		own("show config", "config", "The configuration with your changes"),
		own("previous", "previous", "The previous configurations, for `rollback`"))
	do := group("do", "A command from outside of the configuration", exec.Commands()...)
	commit := own("commit", "commit", "Write your changes and apply them")
	commit.Annotations["runs"] = "yes"
	confirmed := own("commit confirmed", "confirmed TIME", "The same, but taken back after TIME unless you confirm")
	confirmed.ValidArgs = []string{"5m\ta time such as 90s or 5m, from 10s to 24h"}
	commit.AddCommand(confirmed)
	root.AddCommand(showing, do, commit,
		own("confirm", "confirm", "What was committed stays"),
		own("rollback", "rollback NUMBER", "Go back to a previous configuration, 1 is the latest"),
		own("refresh", "refresh", "Read the configuration anew, and make your changes in it again"),
		own("discard", "discard", "Forget your changes"),
		own("recover", "recover", "Make the changes of a session that was cut off"),
		own("exit", "exit", "Go up; from the top: leave the configuration"),
		own("end", "end", "Leave the configuration"))
	no := &cobra.Command{Use: "no", Short: "Take a key away: its default holds"}
	root.AddCommand(no)
	for _, section := range config.Sections() {
		switch {
		case section.Listed && e.section == "":
			root.AddCommand(own("listed", section.Name, firstSentence(section.Text)))
		case section.Listed:
		case e.section == section.Name:
			root.AddCommand(keys(section, false)...)
			no.AddCommand(keys(section, true)...)
		case e.section == "":
			c := own("section", section.Name, firstSentence(section.Text))
			c.Annotations["runs"] = "yes"
			c.AddCommand(keys(section, false)...)
			root.AddCommand(c)
			no.AddCommand(group(section.Name, section.Text, keys(section, true)...))
		}
	}
	return root
}

// firstSentence is what of a text stands beside a word.
func firstSentence(text string) string {
	first, _, more := strings.Cut(text, ". ")
	if more {
		first += "."
	}
	return first
}

func child(c *cobra.Command, name string) *cobra.Command {
	for _, x := range c.Commands() {
		if x.Name() == name {
			return x
		}
	}
	return &cobra.Command{}
}

// keys are the commands that set keys of a section, or take them away.
func keys(section config.Section, unset bool) []*cobra.Command {
	var list []*cobra.Command
	for _, k := range section.Keys {
		c := own("unset", k.Name, k.Text)
		if !unset {
			c = own("set", k.Name+" VALUE", k.Text)
			c.Long = fmt.Sprintf("%s\n%s\nwithout the key: %s; changes %s", k.Text, k.Allowed, k.Default, k.Changes)
			c.ValidArgs = k.Words
		}
		c.Annotations["key"] = section.Name + "." + k.Name
		list = append(list, c)
	}
	return list
}

// set is a key and its value. Several values are a list.
func (s *session) set(args []string) error {
	if err := s.configuring.do(change{key: s.at.command.Annotations["key"], value: listOf(args)}); err != nil {
		return complaint{err}
	}
	return nil
}

// listOf is the value of the words behind a key. Several are a list, with commas between
// them or without, and a list may stand in brackets, as in the file.
func listOf(words []string) string {
	text := strings.Join(words, ",")
	inside, closed := strings.CutSuffix(text, "]")
	inside, opened := strings.CutPrefix(inside, "[")
	switch {
	case opened && closed:
		text = inside
	case len(words) < 2:
		return text
	}
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
	if len(list) == 0 {
		return strings.Join(words, ",")
	}
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return strings.Join(list, ",")
}

// unset is `no` and a key.
func (s *session) unset([]string) error {
	if err := s.configuring.do(change{key: s.at.command.Annotations["key"], unset: true}); err != nil {
		return complaint{err}
	}
	return nil
}

// listedSection says where a section is changed that stands once for each entry.
func (s *session) listedSection([]string) error {
	name := s.at.command.Name()
	return complaint{fmt.Errorf("%s cannot be set here: it stands once for each entry (fix: write [[%s]] in %s, then `do reload`)", name, name, cmp.Or(s.configuring.was.File, "the file"))}
}

// enter is a section alone: its keys are words from here on.
func (s *session) enter([]string) error {
	s.configuring.section = s.at.command.Name()
	return nil
}

// up leaves the section, or the configuration.
func (s *session) up() error {
	if s.configuring.section != "" {
		s.configuring.section = ""
		return nil
	}
	return s.end(nil)
}

// end leaves the configuration. Changes are not lost without a word.
func (s *session) end([]string) error {
	if s.configuring.changed() {
		answer, err := s.ask(question{prompt: "Your changes are not committed. Commit them? [yes/no/cancel] ", help: "yes: commit and leave; no: forget the changes and leave; cancel: stay",
			check: oneOfWords("yes", "no", "cancel")})
		if err != nil {
			return err
		}
		switch answer {
		case "cancel":
			return nil
		case "yes":
			if err := s.commit(nil); err != nil {
				return err
			}
		}
	}
	s.configuring = nil
	return nil
}

func (s *session) discard([]string) error {
	e, err := s.read(nil, s.configuring.section)
	if err != nil {
		return complaint{err}
	}
	s.configuring = e
	return nil
}

// recover makes the changes that a session had not committed when it was cut off.
func (s *session) recover([]string) error {
	now, err := s.client.Config(s.ctx)
	if err != nil {
		return complaint{err}
	}
	if now.Left == nil {
		return complaint{errors.New("no session was cut off with changes since the last commit")}
	}
	said := map[string]string{} // of each key
	for _, c := range now.Left.Changes {
		was, twice := said[c.Key]
		said[c.Key] = cmp.Or(c.Value, "nothing")
		if twice && was != said[c.Key] {
			s.say(fmt.Sprintf("%% %s was left with two values, %s and then %s: the later one is taken.\n", c.Key, was, said[c.Key]))
		}
		if err := s.configuring.do(change{c.Key, c.Value, c.Unset}); err != nil {
			return complaint{err}
		}
	}
	return s.diff(nil)
}

// leavePatience is how long the end of a session waits for the daemon.
const leavePatience = 2 * time.Second

// leave tells the daemon what is not committed when the session is cut off: the cable was
// pulled, nobody typed for too long, or the program was ended.
func (s *session) leave() {
	if s.configuring == nil || !s.configuring.changed() {
		return
	}
	var l control.Leave
	for _, c := range s.configuring.changes {
		l.Changes = append(l.Changes, control.Change{Key: c.key, Value: c.value, Unset: c.unset})
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.ctx), leavePatience)
	defer stop()
	s.client.LeaveConfig(ctx, l) //nolint:errcheck // nobody is there to be told
}

// refresh reads what somebody else has committed meanwhile.
func (s *session) refresh([]string) error {
	e, err := s.read(s.configuring.changes, s.configuring.section)
	if err != nil {
		return complaint{err}
	}
	s.configuring = e
	return nil
}

// diff is what a commit would change, line by line, and when.
func (s *session) diff([]string) error {
	e, meanwhile := s.configuring, ""
	if s.stale() {
		meanwhile = "% " + errStale.Error() + "\n"
	}
	if !e.changed() {
		return s.pages(meanwhile + "No changes.\n")
	}
	text := meanwhile + difference(e.was.Text, string(e.text))
	would, err := s.client.CheckConfig(s.ctx, string(e.text))
	if err != nil {
		text += "% " + err.Error() + "\n"
	} else {
		text += reloaded(would.Reloaded, "Changes at once", "Waits for a restart")
	}
	return s.pages(text)
}

// errStale is about a configuration that was read before somebody else changed it.
var errStale = errors.New("somebody else has changed the configuration since you read it\n" + retake)

// retake is what helps then.
const retake = "`refresh` takes the new text and makes your changes in it again; `discard` forgets them"

// stale tells whether the daemon has another text than the one that was read.
func (s *session) stale() bool {
	now, err := s.client.Config(s.ctx)
	return err == nil && now.Hash != s.configuring.was.Hash
}

// difference is what changed in lines, each with - or +, and some lines around.
func difference(was, now string) string {
	out := string(operator.Diff("was", was, "now", now))
	for range 2 { // the names
		_, out, _ = strings.Cut(out, "\n")
	}
	return config.Public(out)
}

// reloaded is what a commit has done or would do.
func reloaded(r control.Reloaded, atOnce, waits string) string {
	var b strings.Builder
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "Warning: %s\n", w)
	}
	if len(r.Applied) > 0 {
		fmt.Fprintf(&b, "%s: %s.\n", atOnce, strings.Join(r.Applied, ", "))
	}
	if len(r.Waiting) > 0 {
		fmt.Fprintf(&b, "%s: %s.\n", waits, strings.Join(r.Waiting, ", "))
	}
	return b.String()
}

func (s *session) showConfig([]string) error {
	return s.pages(config.Public(string(s.configuring.text)))
}

// previous lists what `rollback` can go back to.
func (s *session) previous([]string) error {
	now, err := s.client.Config(s.ctx)
	if err != nil {
		return complaint{err}
	}
	if len(now.Previous) == 0 {
		return s.pages("There is no previous configuration.\n")
	}
	var b strings.Builder
	for _, p := range now.Previous {
		fmt.Fprintf(&b, "%3d  until %s, %s\n", p.Number, p.ReplacedAt.In(s.zone).Format("2006-01-02 15:04:05"), show.Count(p.Bytes, "byte"))
	}
	return s.pages(b.String())
}

// commit writes and applies the changes. Without changes it confirms what waits.
func (s *session) commit([]string) error { return s.commitWithin(0) }

func (s *session) commitConfirmed(args []string) error {
	within, err := span(args[0])
	if err != nil {
		return complaint{err}
	}
	return s.commitWithin(within)
}

// span is a time as somebody types it: 5m, or a number of minutes.
func span(text string) (time.Duration, error) {
	if minutes, err := strconv.ParseUint(text, 10, 16); err == nil {
		text = fmt.Sprintf("%dm", minutes)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no time (fix: for example 5m, or 90s)", text)
	}
	return d, nil
}

func (s *session) commitWithin(within time.Duration) error {
	e := s.configuring
	if !e.changed() {
		if s.stale() {
			return complaint{errStale}
		}
		if within == 0 && e.was.Unconfirmed != nil {
			return s.confirm(nil)
		}
		return complaint{errors.New("there is nothing to commit (fix: change a key first)")}
	}
	done, err := s.client.CommitConfig(s.ctx, control.Commit{Text: string(e.text), Base: e.was.Hash, ConfirmS: within.Seconds()})
	if err != nil {
		if strings.Contains(err.Error(), "somebody else") {
			err = fmt.Errorf("%w\n%s", err, retake)
		}
		return complaint{err}
	}
	return s.committed(done)
}

// committed tells what was done, and goes on from there.
func (s *session) committed(done control.Committed) error {
	text := "Committed.\n" + reloaded(done.Reloaded, "Changed at once", "Waits for `do restart`")
	if u := done.Unconfirmed; u != nil {
		text += fmt.Sprintf("It is taken back in %s, to what was confirmed last, unless you `confirm` it.\n", show.Seconds(&u.LeftS))
		if !s.monitor.on() {
			s.monitor.start(s.client, s.takenBackLine)
		}
	}
	s.say(text)
	s.settle()
	return s.discard(nil)
}

func (s *session) confirm([]string) error {
	if _, err := s.client.ConfirmConfig(s.ctx); err != nil {
		return complaint{err}
	}
	s.say("Confirmed: it stays.\n")
	if s.configuring == nil {
		return nil
	}
	return s.refresh(nil)
}

func (s *session) rollback(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return complaint{fmt.Errorf("%q is no number of a previous configuration (fix: show previous)", args[0])}
	}
	if s.configuring.changed() {
		return complaint{errors.New("your changes are not committed, and a rollback would lose them (fix: commit, or discard)")}
	}
	done, err := s.client.RollbackConfig(s.ctx, control.Rollback{Number: n, Base: s.configuring.was.Hash})
	if err != nil {
		return complaint{err}
	}
	return s.committed(done)
}

// oneOfWords takes a word that begins one of a few.
func oneOfWords(words ...string) func(string) (string, error) {
	return func(answer string) (string, error) {
		word, err := meant(strings.ToLower(answer), words, func(s string) string { return s })
		if err != nil || answer == "" {
			return "", fmt.Errorf("say %s", strings.Join(words, " or "))
		}
		return word, nil
	}
}

// withoutDaemon says whether an error is that no daemon answers.
func withoutDaemon(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "no daemon answers") && !errors.Is(err, context.Canceled)
}
