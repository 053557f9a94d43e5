package status

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the schema of the Status anew")

const schemaFile = "../../../docs/status.schema.json"

// docs/status.schema.json is made from the types of this package and from their
// comments.
func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	s := schemer{defs: map[string]any{}, comments: readComments(t)}
	root := s.object(reflect.TypeFor[Status]())
	root["$schema"], root["$id"], root["title"] = "https://json-schema.org/draft/2020-12/schema", "bragi:status:v1", "The Status of bragid: GET /v1/status"
	root["$defs"] = s.defs
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, made.Bytes()) {
		t.Error("docs/status.schema.json is not what the types are (fix: go generate ./cmd/internal/status)")
	}
}

// schemer writes types as a JSON schema.
type schemer struct {
	defs     map[string]any
	comments map[string]string // by "Type" and "Type.Field"
}

type schema = map[string]any

// of is a type's schema. A pointer may be null; a list and a map never are.
func (s schemer) of(t reflect.Type) schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return schema{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[Fields]():
		return schema{"type": "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		inner := s.of(t.Elem())
		if word, isWord := inner["type"].(string); isWord {
			inner["type"] = []string{word, "null"}
			return inner
		}
		return schema{"anyOf": []any{inner, schema{"type": "null"}}}
	case reflect.Slice:
		return schema{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return schema{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Struct:
		if _, known := s.defs[t.Name()]; !known {
			s.defs[t.Name()] = nil // a type within itself finds this
			s.defs[t.Name()] = s.object(t)
		}
		return schema{"$ref": "#/$defs/" + t.Name()}
	}
	panic("no schema for " + t.String())
}

func (s schemer) object(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			tag, tagged := f.Tag.Lookup("json")
			name, how, _ := strings.Cut(tag, ",")
			if name == "-" {
				continue
			}
			if f.Anonymous && !tagged {
				add(f.Type)
				continue
			}
			if name == "" {
				name = f.Name
			}
			of := s.of(f.Type)
			if comment := s.comments[t.Name()+"."+f.Name]; comment != "" {
				of["description"] = comment
			}
			properties[name] = of
			if how != "omitempty" {
				required = append(required, name)
			}
		}
	}
	add(t)
	o := schema{"type": "object", "properties": properties, "required": required}
	if comment := s.comments[t.Name()]; comment != "" {
		o["description"] = comment
	}
	return o
}

// readComments are those of the package's types and fields.
func readComments(t *testing.T) map[string]string {
	t.Helper()
	comments := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, isGen := d.(*ast.GenDecl)
			if !isGen {
				continue
			}
			for _, spec := range g.Specs {
				typ, isType := spec.(*ast.TypeSpec)
				if !isType {
					continue
				}
				comments[typ.Name.Name] = inOneLine(g.Doc.Text())
				if structure, isStruct := typ.Type.(*ast.StructType); isStruct {
					for _, f := range structure.Fields.List {
						for _, field := range f.Names {
							comments[typ.Name.Name+"."+field.Name] = inOneLine(f.Doc.Text() + " " + f.Comment.Text())
						}
					}
				}
			}
		}
	}
	return comments
}

func inOneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
