package console

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The language of the console: the words are those of a tree of commands, and each may
// be cut short while it is clear which one is meant. A command's flags are words too:
// `show clients sort kind watch` is `show clients --sort kind --watch`.

// errQuote is a line that ends within quotes.
var errQuote = errors.New("a quote is not closed (fix: write it at both ends)")

// parsed is a line cut into words.
type parsed struct {
	words   []string
	filters []string // what stands behind each |
	partial bool     // the last word goes up to the cursor
	quoted  bool     // the cursor stands within quotes
}

// parse cuts a line into words. Quotes keep spaces and bars.
func parse(line string) parsed {
	var p parsed
	var word strings.Builder
	open, quote := false, byte(0)
	end := func() {
		if open {
			p.words = append(p.words, word.String())
			word.Reset()
			open = false
		}
	}
	for i := range len(line) {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t':
			end()
		case c == '|' && !open:
			p.filters = bars(line[i+1:])
			return p
		default:
			word.WriteByte(c)
			open = true
		}
	}
	p.partial, p.quoted = open, quote != 0
	end()
	return p
}

// bars cuts what stands behind a bar at the other ones; quotes keep them.
func bars(text string) []string {
	var list []string
	begin, quoted := 0, false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '|' && !quoted:
			list = append(list, strings.TrimSpace(text[begin:i]))
			begin = i + 1
		}
	}
	return append(list, strings.TrimLeft(text[begin:], " "))
}

// place is where a line's words lead in the tree.
type place struct {
	command *cobra.Command
	words   []string    // in full, as the command line of the tree takes them
	args    int         // how many of them are arguments
	flag    *pflag.Flag // whose value comes next
}

// begin is the place where no word has been said yet.
func begin(root *cobra.Command) place { return place{command: root} }

// children are the words that may follow, as commands.
func (p place) children() []*cobra.Command {
	if p.args > 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.command.Commands()), func(c *cobra.Command) bool {
		return c.Hidden || c.Name() == "help" || c.Name() == "completion"
	})
}

// wanted are the arguments that the command's own line names: ADDR, FILE, a|b.
func wanted(c *cobra.Command) []string {
	var names []string
	for _, w := range strings.Fields(c.Use)[1:] {
		if strings.HasPrefix(w, "-") || strings.HasPrefix(w, "[") {
			break
		}
		names = append(names, w)
	}
	return names
}

// allowed are the names of the arguments that a command may have behind those.
func allowed(c *cobra.Command) []string {
	var names []string
	for _, w := range strings.Fields(c.Use)[1:] {
		if name, bracketed := strings.CutPrefix(w, "["); bracketed && !strings.HasPrefix(name, "-") {
			names = append(names, strings.TrimSuffix(name, "]"))
		}
	}
	return names
}

// flags are those of the command itself that may still be said.
func (p place) flags() []*pflag.Flag {
	var list []*pflag.Flag
	if p.command.HasSubCommands() && !runs(p.command) {
		return nil
	}
	p.command.LocalFlags().VisitAll(func(f *pflag.Flag) {
		said := slices.ContainsFunc(p.words, func(w string) bool { return w == "--"+f.Name || strings.HasPrefix(w, "--"+f.Name+"=") })
		if !f.Hidden && f.Name != "help" && f.Name != "version" && f.Name != "socket" && !said && !writesFile(f) {
			list = append(list, f)
		}
	})
	return list
}

// meant is the one of the list that a word begins, or is.
func meant[T any](word string, list []T, name func(T) string) (found T, err error) {
	var hits []string
	for _, x := range list {
		if name(x) == word {
			return x, nil
		}
		if strings.HasPrefix(name(x), word) {
			found = x
			hits = append(hits, name(x))
		}
	}
	switch len(hits) {
	case 1:
		return found, nil
	case 0:
		return found, errNone
	}
	return found, fmt.Errorf("%q may be %s (fix: write more of the word)", word, strings.Join(hits, ", "))
}

var errNone = errors.New("no such word")

func commandName(c *cobra.Command) string { return c.Name() }
func flagName(f *pflag.Flag) string       { return f.Name }

// follow goes on by one word.
func (p place) follow(word string) (place, error) {
	p.words = slices.Clip(p.words)
	if p.flag != nil {
		word, err := oneOf(word, p.values())
		if err != nil {
			return p, err
		}
		p.words = append(p.words, "--"+p.flag.Name+"="+word)
		p.flag = nil
		return p, nil
	}
	if children := p.children(); len(children) > 0 {
		child, err := meant(word, children, commandName)
		for _, c := range children {
			if slices.Contains(c.Aliases, word) { // a short form that would have two meanings
				child, err = c, nil
			}
		}
		switch {
		case errors.Is(err, errNone) && runs(p.command):
		case errors.Is(err, errNone):
			return p, p.hasNo(word)
		case err != nil:
			return p, err
		default:
			p.command, p.words = child, append(p.words, child.Name())
			return p, nil
		}
	}
	dashed := strings.HasPrefix(word, "--")
	if dashed || p.args >= len(wanted(p.command)) {
		name, value, assigned := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		f, err := meant(name, p.flags(), flagName)
		switch {
		case err == nil && assigned && dashed:
			p.words = append(p.words, "--"+f.Name+"="+value)
			return p, nil
		case err == nil && !assigned && f.NoOptDefVal != "":
			p.words = append(p.words, "--"+f.Name)
			return p, nil
		case err == nil && !assigned:
			p.flag = f
			return p, nil
		case !errors.Is(err, errNone) && err != nil:
			return p, err
		case dashed:
			p.words = append(p.words, word) // the command says what is wrong with it
			return p, nil
		}
	}
	if p.command.HasSubCommands() {
		return p, p.hasNo(word)
	}
	if p.args < len(wanted(p.command)) && strings.Contains(wanted(p.command)[p.args], "|") {
		var err error
		if word, err = oneOf(word, p.arguments()); err != nil {
			return p, err
		}
	}
	p.words, p.args = append(p.words, word), p.args+1
	return p, nil
}

// hasNo says that a word is none of those that may come.
func (p place) hasNo(word string) error {
	return fmt.Errorf("%s has no %q (fix: %s lists the words)", p.name(), word, strings.TrimSpace(p.said()+" ?"))
}

// oneOf is the one of a list that a word begins. A word that is none of them stays:
// the command says what is wrong with it.
func oneOf(word string, list []string) (string, error) {
	found, err := meant(word, list, func(s string) string { return s })
	if errors.Is(err, errNone) {
		return word, nil
	}
	return found, err
}

func (p place) said() string { return strings.Join(p.words, " ") }

// name is the place as a message calls it.
func (p place) name() string {
	if len(p.words) == 0 {
		return "the console"
	}
	return p.said()
}

// program is the name of the program in a shell. A line may begin with it, so that what a
// message tells to do can be typed as it stands.
const program = "bragi"

// asInAShell leaves the program's name out; while the configuration is changed, the command
// is one from outside of it.
func asInAShell(root *cobra.Command, words []string) []string {
	if len(words) == 0 || words[0] != program {
		return words
	}
	if child(root, "do").Name() != "" {
		return append([]string{"do"}, words[1:]...)
	}
	return words[1:]
}

// walk follows all words.
func walk(root *cobra.Command, words []string) (p place, err error) {
	p = begin(root)
	words = asInAShell(root, words)
	for _, w := range words {
		if p, err = p.follow(w); err != nil {
			return p, err
		}
	}
	return p, nil
}

// whole is the place of a line that is complete: all that must be said was said.
func whole(root *cobra.Command, words []string) (place, error) {
	p, err := walk(root, words)
	switch {
	case err != nil:
		return p, err
	case p.flag != nil:
		return p, fmt.Errorf("%s %s needs a value (fix: %s %s ?)", p.said(), p.flag.Name, p.said(), p.flag.Name)
	case len(p.children()) > 0 && !runs(p.command):
		return p, fmt.Errorf("%s needs one more word (fix: %s lists them)", p.name(), strings.TrimSpace(p.said()+" ?"))
	}
	if names := wanted(p.command); p.args < len(names) {
		return p, fmt.Errorf("%s needs %s (fix: %s ?)", p.said(), strings.Join(names[p.args:], " "), p.said())
	}
	return p, p.tooMuch()
}

// tooMuch is about words behind a command that is complete without them. The commands
// of the shell say so themselves, those that only a session has are asked here.
func (p place) tooMuch() error {
	name := p.command.Annotations["builtin"]
	if name == "" || listed[name] {
		return nil
	}
	whole := len(wanted(p.command))
	for c := p.command; c.HasParent(); c = c.Parent() {
		whole++
	}
	if whole < len(p.words) {
		return fmt.Errorf("%s takes no %q (fix: leave it out)", strings.Join(p.words[:whole], " "), p.words[whole])
	}
	return nil
}

// listed are the builtins whose last argument may be several words.
var listed = map[string]bool{"set": true, "listed": true}

// runs says whether a command that holds others does something itself.
func runs(c *cobra.Command) bool { return c.Annotations["runs"] != "" }

// choice is a word that may come next, and what it means.
type choice struct{ word, text string }

// next are the words that may come next, in order.
func (p place) next() []choice {
	var list []choice
	if p.flag != nil {
		for _, v := range p.values() {
			list = append(list, choice{v, ""})
		}
		return list
	}
	if children := p.children(); len(children) > 0 {
		for _, c := range children {
			list = append(list, choice{c.Name(), c.Short})
		}
		if !runs(p.command) {
			return list
		}
	}
	if p.args < len(wanted(p.command)) {
		for _, v := range p.arguments() {
			word, text, _ := strings.Cut(v, "\t")
			list = append(list, choice{word, text})
		}
		return list
	}
	for _, f := range p.flags() {
		list = append(list, choice{f.Name, f.Usage})
	}
	return list
}

// values are those that the flag is known to take.
func (p place) values() []string {
	complete, known := p.command.GetFlagCompletionFunc(p.flag.Name)
	if !known {
		return nil
	}
	list, _ := complete(p.command, nil, "")
	return list
}

// arguments are those that the command is known to take.
func (p place) arguments() []string {
	if name := wanted(p.command)[p.args]; strings.Contains(name, "|") {
		return strings.Split(name, "|")
	}
	if p.command.ValidArgsFunction == nil {
		return p.command.ValidArgs
	}
	list, _ := p.command.ValidArgsFunction(p.command, nil, "")
	return list
}

// split cuts off the word that the cursor is at the end of.
func split(line string) (p parsed, partial string) {
	p = parse(line)
	if p.partial {
		partial = p.words[len(p.words)-1]
		p.words = p.words[:len(p.words)-1]
	}
	return p, partial
}

// complete is the line with its last word in full, as far as it is clear which one
// is meant; list has those that it may be, where it is not.
func complete(root *cobra.Command, line string) (more string, list []choice) {
	p, partial := split(line)
	choices := filterChoices(p, &partial)
	if p.filters == nil {
		at, err := walk(root, p.words)
		if err != nil || p.quoted {
			return line, nil
		}
		choices = at.next()
		if dashes, found := strings.CutPrefix(partial, "--"); found && len(at.children()) == 0 {
			partial = dashes
		}
	}
	var hits []choice
	for _, c := range choices {
		if strings.HasPrefix(c.word, partial) {
			hits = append(hits, c)
		}
	}
	switch len(hits) {
	case 0:
		return line, nil
	case 1:
		return line + strings.TrimPrefix(hits[0].word, partial) + " ", nil
	}
	common := hits[0].word
	for _, c := range hits[1:] {
		for !strings.HasPrefix(c.word, common) {
			common = common[:len(common)-1]
		}
	}
	if common == partial {
		return line, hits
	}
	return line + strings.TrimPrefix(common, partial), nil
}

// filterChoices are the words behind a bar.
func filterChoices(p parsed, partial *string) []choice {
	if p.filters == nil {
		return nil
	}
	last := p.filters[len(p.filters)-1]
	if strings.Contains(last, " ") {
		return nil
	}
	*partial = last
	return filterWords
}

// help is what may come next, each with what it means; or what is wrong with the line.
func help(root *cobra.Command, line string) string {
	p, partial := split(line)
	var choices []choice
	end := false
	if p.filters != nil {
		if choices = filterChoices(p, &partial); choices == nil {
			choices = []choice{{"WORD", "a text, or a regular expression, in any capitals"}}
			partial = ""
		}
	} else {
		at, err := walk(root, p.words)
		if err != nil {
			return "% " + err.Error() + "\n"
		}
		choices = at.next()
		switch {
		case at.flag != nil && len(choices) == 0:
			choices, partial = []choice{{"VALUE", at.flag.Usage}}, ""
		case at.flag == nil && len(at.children()) == 0 && at.args < len(wanted(at.command)):
			if len(choices) == 0 || partial == "" {
				choices = append([]choice{{wanted(at.command)[at.args], at.command.Short}}, choices...)
			}
			if at.command.Long != "" && partial == "" {
				choices[0].text = at.command.Long
			}
		case at.flag == nil && (len(at.children()) == 0 || runs(at.command)):
			end = true
			if more := allowed(at.command); at.args < len(wanted(at.command))+len(more) {
				choices = append([]choice{{more[at.args-len(wanted(at.command))], at.command.Short}}, choices...)
			}
		}
	}
	var list []choice
	for _, c := range choices {
		if strings.HasPrefix(c.word, partial) || partial == "" {
			list = append(list, c)
		}
	}
	if end && partial == "" {
		list = append(list, choice{"|", "filter what comes: include, exclude, begin, count"}, choice{"<cr>", "do it"})
	}
	if len(list) == 0 {
		return fmt.Sprintf("%% no word begins with %q here\n", partial)
	}
	return table(list)
}

// table is a list of words and their meanings.
func table(list []choice) string {
	width := 0
	for _, c := range list {
		width = max(width, len(c.word))
	}
	var b strings.Builder
	for _, c := range list {
		text := strings.ReplaceAll(c.text, "\n", "\n"+strings.Repeat(" ", width+4))
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, c.word, text), " ") + "\n")
	}
	return b.String()
}
