package console

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/operator"
	"bragi/cmd/internal/terminal"
)

func tree(t *testing.T) *cobra.Command {
	t.Helper()
	s := &session{past: &past{}}
	return s.commands(operator.Face{Size: func() terminal.Size { return terminal.Size{Columns: 80, Rows: 24} }})
}

// A word may be cut short while it is clear; a flag is a word; the tree gets it in full.
func TestWordsAreCutShortAndFlagsAreWords(t *testing.T) {
	for line, want := range map[string]string{
		"sh ptp cl run":                    "show ptp clock running",
		"show clock":                       "show clock",
		"s net syn":                        "show network-clocks synchronization",
		"sh clients sort ki filter RPD wa": "show clients --sort=kind --filter=RPD --watch",
		"sh clients --sort kind --watch":   "show clients --sort=kind --watch",
		"sh clients --sort=kind":           "show clients --sort=kind",
		"show client 10.1.2.3 json":        "show client 10.1.2.3 --json",
		"show client json":                 "show client json", // an address is wanted
		"clo st yes":                       "clock step --yes",
		"dra end":                          "drain --end",
		"bragi drain --end":                "drain --end", // as a message has it
		"bragi clock step --yes":           "clock step --yes",
		"sh alarms hist":                   "show alarms history",
		"sh alarms json":                   "show alarms --json",
		"conf t":                           "configure terminal",
		"term no mon":                      "terminal no monitor",
		"sim sp aff":                       "sim spoof affirmed",
		`show clients filter "two words"`:  "show clients --filter=two words",
		"sh clo --fast":                    "show clock --fast", // the command says what is wrong
	} {
		at, err := whole(tree(t), parse(line).words)
		if err != nil || strings.Join(at.words, " ") != want {
			t.Errorf("%s: %q, %v", line, at.words, err)
		}
	}
}

// told finds bragi and the words behind it.
var told = regexp.MustCompile(`\bbragi((?: [A-Za-z0-9-]+)+)`)

// toldIn are the commands that a text tells to do, each without the English behind it.
func toldIn(t *testing.T, text string) (lines []string) {
	t.Helper()
	for _, m := range told.FindAllStringSubmatch(text, -1) {
		words := strings.Fields(m[1])
		command, _, err := operator.Command(operator.Shell()).Find(words)
		if err != nil || !command.HasParent() || command.Name() == "bragi" {
			continue // "of bragi and bragid"
		}
		n := len(strings.Fields(command.CommandPath())) - 1
		for n < len(words) && (strings.HasPrefix(words[n], "--") || words[n] == strings.ToUpper(words[n]) ||
			slices.Contains(command.ValidArgs, words[n]) || slices.Contains(strings.FieldsFunc(command.Use, func(r rune) bool { return r == ' ' || r == '|' }), words[n]) || words[n][0] <= '9') {
			n++
		}
		if command.Name() != "sim" { // its two words are filled in
			lines = append(lines, "bragi "+strings.Join(words[:n], " "))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// Whatever a fix tells to type can be typed as it stands: at the prompt, and while the
// configuration is changed.
func TestEveryFixCanBeTypedAsItIsShown(t *testing.T) {
	page, err := os.ReadFile("../../../docs/ALARMS.md")
	if err != nil {
		t.Fatal(err)
	}
	fixes := strings.Join(strings.Fields(string(page)), " ")
	for _, kind := range alarms.Table {
		fixes += "\n" + kind.Fix
	}
	err = filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, fix := range regexp.MustCompile(`\(?fix: [^)"]*`).FindAllString(string(text), -1) {
			fixes += "\n" + strings.ReplaceAll(fix, "%s", "NAME")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := toldIn(t, fixes)
	for _, want := range []string{"bragi drain --end", "bragi clock step --yes", "bragi clock accept receiver", "bragi reference switch NAME", "bragi explain client ADDRESS", "bragi restart"} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q is in no fix: %q", want, lines)
		}
	}
	configuring := &session{past: &past{}, configuring: &edit{}}
	configure := configuring.configureTree(operator.Face{Size: func() terminal.Size { return terminal.Size{Columns: 80, Rows: 24} }})
	for _, line := range lines {
		shell := strings.Fields(line)[1:]
		at, err := whole(tree(t), parse(line).words)
		if err != nil || strings.Join(at.words, " ") != strings.Join(shell, " ") {
			t.Errorf("%s: %q, %v", line, at.words, err)
		}
		if at, err = whole(configure, parse(line).words); err != nil || strings.Join(at.words, " ") != "do "+strings.Join(shell, " ") {
			t.Errorf("%s while the configuration is changed: %q, %v", line, at.words, err)
		}
	}
}

// What is not clear, not known or not complete is said in one line with what to do.
func TestAWrongWordIsToldWithWhatToDo(t *testing.T) {
	for line, want := range map[string]string{
		"c":                  `"c" may be clear, clock, config, configure (fix: write more of the word)`,
		"show cl":            `"cl" may be client, clients, clock`,
		"shout":              `the console has no "shout" (fix: ? lists the words)`,
		"show nothing":       `show has no "nothing" (fix: show ? lists the words)`,
		"show alarms now":    `show alarms has no "now"`,
		"show":               "show needs one more word (fix: show ? lists them)",
		"":                   "the console needs one more word (fix: ? lists them)",
		"bragi":              "the console needs one more word (fix: ? lists them)",
		"show ptp":           "show ptp needs one more word",
		"show client":        "show client needs ADDR",
		"show clients sort":  "show clients sort needs a value",
		"show clients filt ": "show clients filter needs a value",
		"exit now":           `exit takes no "now" (fix: leave it out)`,
		"exit --now":         `exit takes no "--now"`,
		"conf t now":         `configure terminal takes no "now"`,
		"term length 0 5":    `terminal length 0 takes no "5"`,
		"sh history 5":       `show history takes no "5"`,
		"setup now":          `setup takes no "now"`,
	} {
		_, err := whole(tree(t), parse(line).words)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "fix: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestTABCompletesAsFarAsItIsClear(t *testing.T) {
	for line, want := range map[string]string{
		"sh": "sh", "sho": "show ", "show alar": "show alarms ", "show net": "show network-clocks ", "show cl": "show cl",
		"show clie": "show client", "show clock wa": "show clock watch ", "show clock --wa": "show clock --watch ", "show clients sort re": "show clients sort requests ",
		"show clock | inc": "show clock | include ", "nothing": "nothing", `show clients filter "a`: `show clients filter "a`, "sim spoof aff": "sim spoof affirmed ",
	} {
		if got, _ := complete(tree(t), line); got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
	_, list := complete(tree(t), "show cl")
	if len(list) != 3 {
		t.Errorf("show cl: %v", list)
	}
}

// At any place `?` lists what may come next, and says when the line is complete.
func TestHelpListsWhatMayComeNext(t *testing.T) {
	for line, want := range map[string][]string{
		"":                         {"show ", "terminal", "exit"},
		"sh":                       {"show ", "shell"},
		"show ":                    {"clock ", "tech-support", "network-clocks"},
		"show c":                   {"client ", "clients", "clock"},
		"show clock ":              {"watch", "json", "|", "<cr>"},
		"show client ":             {"ADDR"},
		"show clients sort ":       {"requests", "denials"},
		"show clients filter ":     {"VALUE", "10.6.0.0/16"},
		"show clock | ":            {"include", "exclude", "begin", "count"},
		"show clock | include ":    {"WORD"},
		"show nothing ":            {"% show has no"},
		"show clock wat":           {"watch"},
		"sim spoof ":               {"none", "affirmed"},
		"sh ptp cl ":               {"running"},
		"clock step ":              {"yes", "<cr>"},
		"show clients sort kind w": {"watch"},
		"config diff ":             {"N|FILE", "<cr>"},
		"config previous ":         {"N ", "<cr>"},
		"decode rpd ":              {"FILE", "<cr>"},
		"drill report ":            {"ID", "<cr>"},
	} {
		got := help(tree(t), line)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%q has no %q:\n%s", line, w, got)
			}
		}
		if strings.Contains(got, "socket") || strings.Contains(got, "completion") {
			t.Errorf("%q tells what no user of the console needs:\n%s", line, got)
		}
	}
	if got := help(tree(t), "config diff 1 "); strings.Contains(got, "N|FILE") || !strings.Contains(got, "<cr>") {
		t.Errorf("an argument that was said is offered again:\n%s", got)
	}
	if got := help(tree(t), "show clock"); strings.Contains(got, "<cr>") || strings.Contains(got, "alarms") {
		t.Errorf("a word that is not finished:\n%s", got)
	}
}

// Every command of the tree has a short text, which the help needs.
func TestEveryWordHasAMeaning(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			if child.Short == "" || strings.Contains(child.Short, "\n") {
				t.Errorf("%s says nothing", child.CommandPath())
			}
			look(child)
		}
	}
	look(tree(t))
}

func TestALineIsCutIntoWordsAndFilters(t *testing.T) {
	for line, want := range map[string]parsed{
		"show  clock ":             {words: []string{"show", "clock"}},
		"show clo":                 {words: []string{"show", "clo"}, partial: true},
		`a "b c" 'd|e'`:            {words: []string{"a", "b c", "d|e"}, partial: true},
		`a "b`:                     {words: []string{"a", "b"}, partial: true, quoted: true},
		"show clock | include a b": {words: []string{"show", "clock"}, filters: []string{"include a b"}},
		"show | inc a | count b ":  {words: []string{"show"}, filters: []string{"inc a", "count b "}},
		"| ":                       {filters: []string{""}},
	} {
		got := parse(line)
		if !slices.Equal(got.words, want.words) || !slices.Equal(got.filters, want.filters) || got.partial != want.partial || got.quoted != want.quoted {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}

func TestFiltersLetLinesThrough(t *testing.T) {
	const text = "State  LOCKED\nClass  6\nError  -35 ns\nbound  [1]\n"
	for line, want := range map[string]string{
		"include class":           "Class  6\n",
		"INCLUDE class":           "Class  6\n",
		"exc STATE":               "Class  6\nError  -35 ns\nbound  [1]\n",
		"begin error":             "Error  -35 ns\nbound  [1]\n",
		"count .":                 "4 lines\n",
		"count locked":            "1 line\n",
		`include "^c|^e"`:         "Class  6\nError  -35 ns\n",
		"include [":               "bound  [1]\n", // no regular expression: the text itself
		`include "LOCKED"`:        "State  LOCKED\n",
		"exclude class|include o": "State  LOCKED\nError  -35 ns\nbound  [1]\n",
		"exclude class | count o": "3 lines\n",
	} {
		filters, err := newFilters(parse("x | " + line).filters)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		} else if got := filtered(filters, text); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	for _, bad := range []string{"", "colour x", "include", "incl  "} {
		if _, err := newFilters([]string{bad}); err == nil || !strings.Contains(err.Error(), "fix: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What the help of a key gives as an example may be typed as it stands there, and so may
// it without brackets and quotes.
func TestTheExampleOfEveryListIsTaken(t *testing.T) {
	seen := 0
	for _, section := range config.Sections() {
		for _, key := range section.Keys {
			_, example, isList := strings.Cut(key.Allowed, "for example [")
			if !isList || section.Listed {
				continue
			}
			example = "[" + example[:strings.LastIndexByte(example, ']')+1]
			for _, typed := range []string{example, strings.Trim(example, "[]"), strings.ReplaceAll(example, ", ", ","), strings.ReplaceAll(strings.Trim(example, "[]"), ",", "")} {
				seen++
				value := listOf(parse(typed).words)
				_, _, err := config.Parse("", nil, []string{"board.profile=sim", section.Name + "." + key.Name + "=" + value})
				if err != nil && strings.Contains(err.Error(), "has \"") {
					t.Errorf("%s.%s %s is taken as %s: %v", section.Name, key.Name, typed, value, err)
				}
			}
		}
	}
	if seen < 12 {
		t.Errorf("%d lines tried", seen)
	}
	for _, scalar := range []string{"[::1]:9188", "plain", "[]"} {
		if got := listOf(parse(scalar).words); got != scalar {
			t.Errorf("%q became %q", scalar, got)
		}
	}
}
