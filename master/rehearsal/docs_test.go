package rehearsal

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every finding of a rehearsal is in docs/TROUBLESHOOTING.md, and no other.
func TestEveryFindingIsInTheDocument(t *testing.T) {
	source, err := judges()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## What a rehearsal finds")
	documented := map[string]bool{}
	for _, line := range strings.Split(table, "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for _, code := range regexp.MustCompile(`[A-Z][A-Z_]+`).FindAllString(cells[1], -1) {
				documented[code] = true
			}
		}
	}
	for _, code := range regexp.MustCompile(`"[A-Z]{3,}(_[A-Z]+)*"`).FindAllString(string(source), -1) {
		code = strings.Trim(code, `"`)
		if !documented[code] {
			t.Errorf("%s is not in the document", code)
		}
	}
	for code := range documented {
		if !strings.Contains(string(source), `"`+code+`"`) {
			t.Errorf("%s is in the document and nobody finds it", code)
		}
	}
}

// judges is the source of all that finds something in a report.
func judges() ([]byte, error) {
	var source []byte
	files, err := filepath.Glob("judge*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		source = append(source, b...)
	}
	return source, err
}
