package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
)

// shapes are ways in which people write one configuration.
var shapes = []string{
	"",
	"# nothing but a comment",
	simulated,
	"[board]\nprofile = \"sim\"", // no line end
	simulated + "[master]\n",
	simulated + "[master]",
	simulated + "[master] # a comment\n\n# another\n",
	simulated + "[master]\ndscp=1#c\ndomain = 0 # the domain\n\n# end\n[holdover]\nlearning = '1h' # l\n",
	simulated + "[ master ]\n  domain\t=\t 3   \n",
	simulated + "[master]\nallow = [\n  \"10.0.0.0/8\", # ] ours\n  '192.0.2.0/24'\n] # done\ndscp = 3\n",
	simulated + "[master]\r\ndscp = 1\r\n[holdover]\r\nlearning = \"1h\"\r\n",
	"master.dscp = 5\nmaster.allow = []\nboard.profile = \"sim\" # dots\n[holdover]\nlearning = \"1h\"\n",
	simulated + "[master]\naddress = \"\"\"10.0.0.1\"\"\" # three\n\"dscp\" = 4\n",
	simulated + "[holdover]\nlearning = \"1h\"\n\n[[reference]]\nkind = \"gnss\"\n",
	"master = { dscp = 3, allow = [\"10.0.0.0/8\"] } # braces\n" + simulated,
}

// A key that a console sets is set, and nothing else of the text is another: not a
// key, not a comment, not a line.
func TestSettingAKeyChangesThatKeyAlone(t *testing.T) {
	texts := slices.Clone(shapes)
	files, _ := filepath.Glob(filepath.Join(examples, "*.toml"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	for _, text := range texts {
		for key, as := range map[string][2]string{
			"master.dscp":        {"46", "46"},
			"master.domain":      {"7", "7"},
			"master.allow":       {"10.1.0.0/16,10.2.0.0/16", `["10.1.0.0/16", "10.2.0.0/16"]`},
			"master.address":     {"10.0.0.9", `"10.0.0.9"`},
			"holdover.learning":  {"90m", `"1h30m"`},
			"board.profile":      {"generic", `"generic"`},
			"sim.antenna":        {"cut", `"cut"`},
			"gnss.configure":     {"false", "false"},
			"master.squelch":     {"52", "52"},
			"holdover.max_slew":  {"300.5", "300.5"},
			"gnss.antenna_delay": {`"20ns"`, `"20ns"`},
		} {
			set, err := Set([]byte(text), key, as[0])
			if err != nil {
				if strings.Contains(err.Error(), "in braces") {
					continue
				}
				t.Errorf("%s in %q: %v", key, text, err)
				continue
			}
			want := tree(t, text)
			put(t, want, key, as[1])
			if diff := cmp.Diff(want, tree(t, string(set))); diff != "" {
				t.Errorf("%s in %q:\n%s", key, text, diff)
			}
			if lost := missing(text, string(set), key); lost != "" {
				t.Errorf("%s in %q: the line %q is gone:\n%s", key, text, lost, set)
			}
			unset, err := Unset(set, key)
			if err != nil {
				if !strings.Contains(err.Error(), "in braces") {
					t.Errorf("%s out of %q: %v", key, set, err)
				}
				continue
			}
			take(want, key)
			if diff := cmp.Diff(want, tree(t, string(unset))); diff != "" {
				t.Errorf("%s out of %q:\n%s", key, set, diff)
			}
			if lost := missing(string(set), string(unset), key); lost != "" {
				t.Errorf("%s out of %q: the line %q is gone", key, set, lost)
			}
		}
	}
}

func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	tree := map[string]any{}
	if err := toml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return without(tree)
}

// without is a tree without its empty sections, which say nothing.
func without(tree map[string]any) map[string]any {
	maps.DeleteFunc(tree, func(_ string, v any) bool {
		section, is := v.(map[string]any)
		return is && len(section) == 0
	})
	return tree
}

func put(t *testing.T, in map[string]any, key, as string) {
	name, k, _ := strings.Cut(key, ".")
	section, is := in[name].(map[string]any)
	if !is {
		section = map[string]any{}
		in[name] = section
	}
	maps.Copy(section, map[string]any{k: tree(t, "v = "+as)["v"]})
}

// take takes a key out.
func take(in map[string]any, key string) {
	name, k, _ := strings.Cut(key, ".")
	delete(in[name].(map[string]any), k)
	without(in)
}

// missing is a comment of before that after does not have, or a line about another
// key.
func missing(before, after, key string) string {
	_, k, _ := strings.Cut(key, ".")
	for line := range strings.Lines(before) {
		if line = strings.TrimSpace(line); !strings.Contains(line, k) && !strings.HasPrefix(line, `"10.`) && !strings.HasPrefix(line, "'192") &&
			!strings.HasPrefix(line, "]") && !strings.Contains(after, line) {
			return line
		}
	}
	return ""
}

// A new key stands in the block of its section, in the order of the table: below the
// comment that shows it, else behind its predecessors, else before its successors and
// their comments.
func TestANewKeyStandsWhereItBelongs(t *testing.T) {
	for _, c := range []struct{ name, text, key, value, want string }{
		{"below the comment that shows it", "[master]\n# The domain.\n#domain = 0\n# The first.\n#priority1 = 128\n\n[sim]\n", "master.domain", "7",
			"[master]\n# The domain.\n#domain = 0\ndomain = 7\n# The first.\n#priority1 = 128\n\n[sim]\n"},
		{"behind its predecessor", "[master]\naddress = \"127.0.0.1\" # ours\ndscp = 1\n\n# later\n[sim]\n", "master.domain", "7",
			"[master]\naddress = \"127.0.0.1\" # ours\ndomain = 7\ndscp = 1\n\n# later\n[sim]\n"},
		{"behind one that is a comment", "[master]\naddress = \"127.0.0.1\"\n#domain = 0\n# The DSCP.\ndscp = 1\n", "master.priority1", "7",
			"[master]\naddress = \"127.0.0.1\"\n#domain = 0\npriority1 = 7\n# The DSCP.\ndscp = 1\n"},
		{"before its successor and that one's comment", "[master]\n\n# The DSCP,\n# by the network's plan.\ndscp = 1\n", "master.domain", "7",
			"[master]\n\ndomain = 7\n# The DSCP,\n# by the network's plan.\ndscp = 1\n"},
		{"in an empty section", "[master]\n\n# The models.\n[sim]\n", "master.domain", "7", "[master]\ndomain = 7\n\n# The models.\n[sim]\n"},
		{"not in a section that is a comment", "[board]\nprofile = \"sim\"\n#[master]\n#profile = \"default\"\n#domain = 0\n[master]\n", "master.domain", "7",
			"[board]\nprofile = \"sim\"\n#[master]\n#profile = \"default\"\n#domain = 0\n[master]\ndomain = 7\n"},
		{"not in a list", "[master]\nallow = [\n  \"10.0.0.0/8\",\n#dscp = 9\n]\n", "master.dscp", "7", "[master]\nallow = [\n  \"10.0.0.0/8\",\n#dscp = 9\n]\ndscp = 7\n"},
		{"behind the last line, which has no end", "[master]\ndomain = 0", "master.dscp", "7", "[master]\ndomain = 0\ndscp = 7\n"},
		{"without a section", "[board]\nprofile = \"sim\"\n", "master.domain", "7", "[board]\nprofile = \"sim\"\n\n[master]\ndomain = 7\n"},
	} {
		got, err := Set([]byte(c.text), c.key, c.value)
		if diff := cmp.Diff(c.want, string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
	}
	// In the examples each key has its comment: it stands right below.
	files, _ := filepath.Glob(filepath.Join(examples, "*.toml"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Set(text, "master.dscp", "46")
		if err != nil || !strings.Contains(string(got), "\n#dscp = 47\ndscp = 46\n") {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// What a person types wrongly is refused as it is typed, with what to do.
func TestAValueIsJudgedWhenItIsTyped(t *testing.T) {
	for _, c := range []struct{ key, typed, want string }{
		{"master.domain", "128", "0 to 127"},
		{"master.domain", "0.0", "whole number"},
		{"master.domian", "0", "did you mean domain?"},
		{"mister.domain", "0", "did you mean master?"},
		{"master", "0", "has no key"},
		{"master.learning", "1h", "it belongs to [holdover]"},
		{"holdover.learning", "soon", "is no duration"},
		{"board.profile", "simm", `did you mean "sim"?`},
		{"master.allow", "10.0.0.1/8", "bits beyond"},
		{"reference.kind", "gnss", "write it in the file"},
		{"master.address", "\x1b[31m", "control characters"},
	} {
		if _, err := Set([]byte(simulated), c.key, c.typed); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "(fix: ") {
			t.Errorf("%s = %s: %v, want %q and a fix", c.key, c.typed, err, c.want)
		}
	}
	if _, err := Set([]byte("[master\n"), "master.dscp", "1"); err == nil {
		t.Error("a text that is not TOML was changed")
	}
}

// Whoever offers words offers all that there are, and every one that may be
// written is taken.
func TestEveryWordThatIsOfferedIsTaken(t *testing.T) {
	offered := 0
	for _, s := range Sections() {
		if s.Text == "" || len(s.Keys) == 0 {
			t.Errorf("%+v", s)
		}
		for _, k := range s.Keys {
			for _, w := range k.Words {
				offered++
				if s.Listed {
					continue
				}
				if got, err := Value(s.Name+"."+k.Name, w); err != nil || got != w {
					t.Errorf("%s.%s = %s: %s, %v", s.Name, k.Name, w, got, err)
				}
			}
		}
	}
	if offered < 50 {
		t.Errorf("only %d words are offered", offered)
	}
}
