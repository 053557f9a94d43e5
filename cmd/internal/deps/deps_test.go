// Package deps holds the house's import rules: the table in
// docs/ARCHITECTURE.md is this test's input.
package deps

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../../.."

type rule struct {
	imports []string // packages of bragi that may be imported; "board.Clock": of board that name alone
	kinds   []string // "core", "wall", "os", "unsafe"
}

func (r rule) core() bool { return slices.Contains(r.kinds, "core") }

// imported tells whether the rule allows a package of bragi, as a whole or some of
// its names.
func (r rule) imported(room string) bool {
	return slices.ContainsFunc(r.imports, func(i string) bool { return i == room || strings.HasPrefix(i, room+".") })
}

// names are those that may be used of a package of which not all may; nil: all.
func (r rule) names(room string) (names []string) {
	for _, i := range r.imports {
		if name, found := strings.CutPrefix(i, room+"."); found {
			names = append(names, name)
		}
	}
	return names
}

// readTable returns the rows of the table "Who may import whom". A package with a
// long list has several.
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
		r, kinds := rules[name], strings.Fields(cells[2])
		if r.kinds != nil && !slices.Equal(r.kinds, kinds) {
			t.Errorf("the import table's rows for %s are of different kinds", name)
		}
		rules[name] = rule{imports: append(r.imports, strings.Fields(cells[1])...), kinds: kinds}
	}
	return rules
}

// forbiddenInCore are the imports that a core may not have, with their children.
var forbiddenInCore = []string{"os", "net", "syscall", "unsafe", "log", "runtime", "sync", "context", "io/fs", "math/rand",
	"golang.org/x/sys", "go.uber.org/zap", "go.bug.st/serial", "github.com/coreos/go-systemd"}

// allowedInCore are the exceptions: pure packages below a forbidden path.
var allowedInCore = []string{"net/netip", "math/rand/v2"}

// timeNames is all that a core may name of package time, and "Time" where it is
// one that carries the reader's time.
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
		r, found := rules[room]
		if !found && (strings.HasPrefix(room, "cmd/") || strings.HasPrefix(room, "scripts/")) {
			return checkFile(t, rel, path, rule{kinds: []string{"os"}}, true)
		}
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
	for name, r := range rules {
		if name != "cmd/..." && !seen[name] {
			t.Errorf("the import table has a row for %s, which has no Go file", name)
		}
		for _, room := range r.imports {
			if imported, found := rules[room]; r.core() && found && !imported.core() {
				t.Errorf("%s is a core and may import all of %s, which is none: name what it may use of it", name, room)
			}
		}
	}
}

func checkFile(t *testing.T, rel, name string, r rule, anyRoom bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		return err
	}
	core := r.core()
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if room, ours := strings.CutPrefix(name, "bragi/"); ours && !anyRoom {
			if !r.imported(room) {
				t.Errorf("%s imports %s, which its row in the import table does not allow", rel, name)
			}
			if names := r.names(room); names != nil {
				checkNames(t, rel, file, spec, names)
			}
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
		names := timeNames
		if slices.Contains(r.kinds, "wall") {
			names = append([]string{"Time"}, timeNames...)
		}
		checkCore(t, rel, file, names)
	}
	return nil
}

// checkNames refuses every name of a package but some.
func checkNames(t *testing.T, rel string, file *ast.File, spec *ast.ImportSpec, names []string) {
	if spec.Name != nil {
		t.Errorf("%s imports %s under another name", rel, spec.Path.Value)
	}
	name, _ := strconv.Unquote(spec.Path.Value)
	name = path.Base(name)
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == name && x.Obj == nil && !slices.Contains(names, s.Sel.Name) {
				t.Errorf("%s uses %s.%s, which its row in the import table does not allow", rel, name, s.Sel.Name)
			}
		}
		return true
	})
}

// checkCore refuses goroutines and any name of package time but some.
func checkCore(t *testing.T, rel string, file *ast.File, timeNames []string) {
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
