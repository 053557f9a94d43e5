// Package deps holds the house's import rules: the table in
// docs/ARCHITECTURE.md is this test's input.
package deps

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../../.."

type rule struct {
	imports []string // packages of bragi that may be imported
	kinds   []string // "core", "os", "unsafe"
}

// readTable returns the rows of the table "Who may import whom".
func readTable(t *testing.T) map[string]rule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## Who may import whom")
	if !found {
		t.Fatal("docs/ARCHITECTURE.md has no section 'Who may import whom'")
	}
	rules := map[string]rule{}
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "## ") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			continue
		}
		name := strings.TrimSpace(cells[0])
		if name == "package" || strings.HasPrefix(name, "---") {
			continue
		}
		rules[name] = rule{imports: strings.Fields(cells[1]), kinds: strings.Fields(cells[2])}
	}
	return rules
}

// forbiddenInCore are the imports that a core may not have, with their children.
var forbiddenInCore = []string{"os", "net", "syscall", "unsafe", "log", "runtime", "sync", "context", "io/fs", "math/rand",
	"golang.org/x/sys", "go.uber.org/zap", "go.bug.st/serial", "github.com/coreos/go-systemd"}

// allowedInCore are the exceptions: pure packages below a forbidden path.
var allowedInCore = []string{"net/netip", "math/rand/v2"}

// timeNames is all that a core may name of package time.
var timeNames = []string{"Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}

func TestImportTable(t *testing.T) {
	rules := readTable(t)
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if rel != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || rel == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		room := filepath.ToSlash(filepath.Dir(rel))
		if strings.HasPrefix(room, "cmd/") || strings.HasPrefix(room, "scripts/") {
			return checkFile(t, rel, path, rule{kinds: []string{"os"}}, true)
		}
		r, found := rules[room]
		if !found {
			t.Errorf("%s: the package %s has no row in the import table of docs/ARCHITECTURE.md", rel, room)
			return nil
		}
		seen[room] = true
		return checkFile(t, rel, path, r, false)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range rules {
		if name != "cmd/..." && !seen[name] {
			t.Errorf("the import table has a row for %s, which has no Go file", name)
		}
	}
}

func checkFile(t *testing.T, rel, path string, r rule, anyRoom bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	core := slices.Contains(r.kinds, "core")
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if room, ours := strings.CutPrefix(name, "bragi/"); ours && !anyRoom && !slices.Contains(r.imports, room) {
			t.Errorf("%s imports %s, which its row in the import table does not allow", rel, name)
		}
		if name == "unsafe" && !slices.Contains(r.kinds, "unsafe") {
			t.Errorf("%s imports unsafe", rel)
		}
		if name == "C" {
			t.Errorf("%s uses cgo", rel)
		}
		if core && within(name, forbiddenInCore) && !slices.Contains(allowedInCore, name) {
			t.Errorf("%s is of a core and imports %s", rel, name)
		}
	}
	if core {
		checkCore(t, rel, file)
	}
	return nil
}

// checkCore refuses goroutines and any name of package time but durations.
func checkCore(t *testing.T, rel string, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s is of a core and starts a goroutine", rel)
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && x.Obj == nil && !slices.Contains(timeNames, n.Sel.Name) {
				t.Errorf("%s is of a core and uses time.%s", rel, n.Sel.Name)
			}
		}
		return true
	})
}

func within(name string, roots []string) bool {
	for _, r := range roots {
		if name == r || strings.HasPrefix(name, r+"/") {
			return true
		}
	}
	return false
}
