package master

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/PROTOCOL.md names for each behaviour the tests that hold it. They exist,
// and no row is without one.
func TestProtocolNamesATestForEachBehaviour(t *testing.T) {
	text, err := os.ReadFile("../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`([a-z0-9_/]+_test\.go):(\w+)`)
	sources := map[string]string{}
	rows := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| question |") {
			continue
		}
		rows++
		tests := name.FindAllStringSubmatch(line, -1)
		if len(tests) == 0 || strings.Count(line, "|") != 4 {
			t.Errorf("no row with tests: %s", line)
		}
		for _, m := range tests {
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
	if rows < 40 {
		t.Errorf("%d rows", rows)
	}
}
