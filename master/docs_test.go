package master

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/PROTOCOL.md names for each behaviour, after "Held by:", the tests that hold
// it. They exist, and no entry is without one.
func TestProtocolNamesATestForEachBehaviour(t *testing.T) {
	text, err := os.ReadFile("../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("^`((?:\\.\\./)?[a-z0-9_/]+_test\\.go):(\\w+)`$")
	sources := map[string]string{}
	entries := protocolEntries(string(text))
	for _, entry := range entries {
		question, names, found := strings.Cut(entry, " Held by: ")
		if !found || strings.Contains(names, "Held by") {
			t.Errorf("no entry with tests: %s", entry)
			continue
		}
		for _, test := range strings.Split(strings.TrimSuffix(names, "."), ", ") {
			m := name.FindStringSubmatch(test)
			if m == nil {
				t.Errorf("%s: %q is not `file_test.go:TestName`", question, test)
				continue
			}
			if _, read := sources[m[1]]; !read {
				b, err := os.ReadFile(m[1])
				if err != nil {
					t.Error(err)
				}
				sources[m[1]] = string(b)
			}
			if !strings.Contains(sources[m[1]], "\nfunc "+m[2]+"(") {
				t.Errorf("%s has no %s", m[1], m[2])
			}
		}
	}
	if len(entries) < 60 {
		t.Errorf("%d entries", len(entries))
	}
	if named := strings.Count(string(text), "_test.go:"); named != strings.Count(strings.Join(entries, ""), "_test.go:") {
		t.Error("a test is named outside of the entries")
	}
}

// protocolEntries are the items of the page's lists, each as one line.
func protocolEntries(page string) (entries []string) {
	for line := range strings.Lines(page) {
		switch line = strings.TrimRight(line, "\n"); {
		case strings.HasPrefix(line, "- "):
			entries = append(entries, line)
		case strings.HasPrefix(line, "  ") && len(entries) > 0:
			entries[len(entries)-1] += " " + strings.TrimSpace(line)
		}
	}
	return entries
}
