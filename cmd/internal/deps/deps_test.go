// Package deps holds the house's import rules: the table in
// docs/ARCHITECTURE.md is this test's input.
package deps

import (
	"fmt"
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

// standardInCore are the packages of the standard library that a core may import:
// they do no input or output, read no clock, lock nothing and start nothing.
var standardInCore = []string{"bytes", "cmp", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt", "hash/maphash",
	"io", "maps", "math", "math/bits", "math/rand/v2", "net/netip", "reflect", "slices", "strconv", "strings", "time", "unicode/utf8"}

// modulesInCore are the other modules' packages that it may import.
var modulesInCore = []string{"github.com/adrianmo/go-nmea"}

// namesInCore is all that a core may name of the packages of which not all is
// pure: a clock is handed in, chance has a seed, and nothing is printed.
var namesInCore = map[string][]string{
	"time":         {"Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"},
	"math/rand/v2": {"New", "NewPCG", "PCG", "Rand", "Source"},
	"fmt":          {"Append", "Appendf", "Appendln", "Errorf", "Formatter", "Sprint", "Sprintf", "Sprintln", "State", "Stringer"},
}

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
			r = rule{imports: []string{anyRoom}, kinds: []string{"os"}}
		} else if !found {
			t.Errorf("%s: the package %s has no row in the import table of docs/ARCHITECTURE.md", rel, room)
			return nil
		}
		seen[room] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, fault := range faults(file, r) {
			t.Errorf("%s %s", rel, fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range rules {
		if name != "cmd/..." && !seen[name] {
			t.Errorf("the import table has a row for %s, which has no Go file", name)
		}
		for _, room := range r.imports {
			if room == "-" {
				continue
			}
			room, of, dotted := strings.Cut(room, ".")
			if !dotted {
				if r.core() && !rules[room].core() {
					t.Errorf("%s is a core and may import all of %s, which is none: name what it may use of it", name, room)
				}
				continue
			}
			if types, err := typesOf(filepath.Join(root, room)); err != nil {
				t.Error(err)
			} else if !slices.Contains(types, of) {
				t.Errorf("%s may use %s.%s, which is not a type", name, room, of)
			}
		}
	}
}

// anyRoom stands for every package of bragi.
const anyRoom = "..."

// faults are what a file does that its rule does not allow.
func faults(file *ast.File, r rule) (list []string) {
	fault := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		room, ours := strings.CutPrefix(name, "bragi/")
		var names []string // that may be used; nil: all
		switch {
		case name == "C":
			fault("uses cgo")
		case name == "unsafe":
			if !slices.Contains(r.kinds, "unsafe") {
				fault("imports unsafe")
			}
		case ours && slices.Contains(r.imports, anyRoom):
		case ours && !r.imported(room):
			fault("imports %s, which its row in the import table does not allow", name)
		case ours:
			names = r.names(room)
		case !r.core():
		case !slices.Contains(standardInCore, name) && !slices.Contains(modulesInCore, name):
			fault("is of a core and imports %s", name)
		default:
			names = namesInCore[name]
			if name == "time" && slices.Contains(r.kinds, "wall") {
				names = append([]string{"Time"}, names...)
			}
		}
		local := localName(spec, name)
		if local == "." {
			fault("imports the names of %s without its own", name)
		}
		if names != nil {
			for _, used := range usedOf(file, local) {
				if !slices.Contains(names, used) {
					fault("uses %s.%s, which it may not", name, used)
				}
			}
		}
	}
	if r.core() {
		ast.Inspect(file, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				fault("is of a core and starts a goroutine")
			}
			return true
		})
	}
	return list
}

// localName is the name by which a file knows a package that it imports.
func localName(spec *ast.ImportSpec, name string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	if base := path.Base(name); base != "v2" {
		return base
	}
	return path.Base(path.Dir(name))
}

// usedOf are the names that a file uses of a package that it knows as local.
func usedOf(file *ast.File, local string) (names []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local && x.Obj == nil {
				names = append(names, s.Sel.Name)
			}
		}
		return true
	})
	return names
}

// typesOf are the types that the package in a folder declares.
func typesOf(folder string) (names []string, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if d, ok := d.(*ast.GenDecl); ok {
				for _, spec := range d.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						names = append(names, spec.Name.Name)
					}
				}
			}
		}
	}
	return names, nil
}

func TestGuardFindsWhatACoreMayNotDo(t *testing.T) {
	core, wall := rule{kinds: []string{"core"}, imports: []string{"board.Clock", "gnss/timescale"}}, rule{kinds: []string{"core", "wall"}}
	for _, c := range []struct {
		source string
		r      rule
		want   string // the first fault; "": none
	}{
		{`import "time"; var _ = time.Second`, core, ""},
		{`import "time"; var _ = time.Now()`, core, "uses time.Now, which it may not"},
		{`import clk "time"; var _ = clk.Now()`, core, "uses time.Now, which it may not"},
		{`import clk "time"; var _ = clk.Second`, core, ""},
		{`import . "time"; var _ = Now()`, core, "imports the names of time without its own"},
		{`import "time"; var _ time.Time`, core, "uses time.Time, which it may not"},
		{`import "time"; var _ time.Time`, wall, ""},
		{`import "time"; var _ = time.Now()`, wall, "uses time.Now, which it may not"},
		{`import "crypto/rand"; var _ = rand.Reader`, core, "is of a core and imports crypto/rand"},
		{`import "math/rand/v2"; var _ = rand.New(rand.NewPCG(1, 2))`, core, ""},
		{`import "math/rand/v2"; var _ = rand.IntN(6)`, core, "uses math/rand/v2.IntN, which it may not"},
		{`import dice "math/rand/v2"; var _ = dice.IntN(6)`, core, "uses math/rand/v2.IntN, which it may not"},
		{`import "net/http"; var _ http.Client`, core, "is of a core and imports net/http"},
		{`import "sync"; var _ sync.Mutex`, core, "is of a core and imports sync"},
		{`import "fmt"; func f() { fmt.Println() }`, core, "uses fmt.Println, which it may not"},
		{`import "github.com/cilium/ebpf/link"; var _ link.Link`, core, "is of a core and imports github.com/cilium/ebpf/link"},
		{`import nmea "github.com/adrianmo/go-nmea"; var _ nmea.RMC`, core, ""},
		{`import _ "os"`, core, "is of a core and imports os"},
		{`import "C"`, rule{}, "uses cgo"},
		{`import "unsafe"; var _ unsafe.Pointer`, core, "imports unsafe"},
		{`func f() { go f() }`, core, "is of a core and starts a goroutine"},
		{`import "bragi/board"; var _ board.Clock`, core, ""},
		{`import "bragi/board"; var _ = board.Raw()`, core, "uses bragi/board.Raw, which it may not"},
		{`import b "bragi/board"; var _ = b.Raw()`, core, "uses bragi/board.Raw, which it may not"},
		{`import . "bragi/gnss/timescale"`, core, "imports the names of bragi/gnss/timescale without its own"},
		{`import "bragi/master"`, core, "imports bragi/master, which its row in the import table does not allow"},
		{`import "bragi/master"; import "time"; var _ = time.Now()`, rule{imports: []string{anyRoom}, kinds: []string{"os"}}, ""},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p; "+c.source, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if list := faults(file, c.r); len(list) > 0 {
			got = list[0]
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.source, got, c.want)
		}
	}
}

func TestTypesAreToldFromFunctions(t *testing.T) {
	types, err := typesOf(filepath.Join(root, "board"))
	if err != nil || !slices.Contains(types, "Clock") || slices.Contains(types, "Raw") {
		t.Errorf("the types of board: %v, %v", types, err)
	}
}

// A boolean beside other arguments of a call says nothing to the reader: a name
// does. Functions of other modules are as they are.
func TestNoBooleanAtACallWithoutAName(t *testing.T) {
	others := []string{"CompareAndSwap", "SetNonblock"}
	for _, folder := range []string{"board", "master", "cmd/internal/netport", "cmd/internal/timing"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			for _, call := range booleansAtCalls(file) {
				if !slices.Contains(others, call) {
					t.Errorf("%s: a call of %s has a boolean without a name", path, call)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p; func f() { x.into(&h, false); set(true); open(on) }", 0)
	if err != nil {
		t.Fatal(err)
	}
	if found := booleansAtCalls(file); !slices.Equal(found, []string{"into"}) {
		t.Errorf("of three calls those with a boolean without a name are %v", found)
	}
}

// booleansAtCalls names the functions that are called with true or false beside
// other arguments.
func booleansAtCalls(file *ast.File) (names []string) {
	literal := func(e ast.Expr) bool {
		x, ok := e.(*ast.Ident)
		return ok && (x.Name == "true" || x.Name == "false")
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 || !slices.ContainsFunc(call.Args, literal) {
			return true
		}
		switch f := call.Fun.(type) {
		case *ast.SelectorExpr:
			names = append(names, f.Sel.Name)
		case *ast.Ident:
			names = append(names, f.Name)
		}
		return true
	})
	return names
}

// The top level has the folders that the house was planned with, and no other.
func TestTheTopLevelHasNoFurtherFolders(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	planned := []string{"bin", "board", "buildroot", "cmd", "configs", "docs", "gnss", "holdover", "master", "scripts"}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(planned, e.Name()) {
			t.Errorf("the folder %s is not in the plan: put it below one of %s", e.Name(), strings.Join(planned, ", "))
		}
	}
}
