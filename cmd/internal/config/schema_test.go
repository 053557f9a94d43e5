package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// allows is as much of JSON schema as Schema uses; it says what is not allowed.
func allows(schema map[string]any, at string, v any) (wrong string) {
	if several, has := schema["anyOf"].([]any); has {
		for _, s := range several {
			if wrong = allows(s.(map[string]any), at, v); wrong == "" {
				return ""
			}
		}
		return wrong
	}
	if enum, has := schema["enum"].([]any); has && !slices.Contains(enum, v) {
		return fmt.Sprintf("%s is %v, not one of %v", at, v, enum)
	}
	kinds := map[string]func() bool{
		"object":  func() bool { _, is := v.(map[string]any); return is },
		"array":   func() bool { _, is := v.([]any); return is },
		"string":  func() bool { _, is := v.(string); return is },
		"boolean": func() bool { _, is := v.(bool); return is },
		"number":  func() bool { _, is := v.(float64); return is },
		"integer": func() bool { f, is := v.(float64); return is && f == float64(int64(f)) },
	}
	if kind, has := schema["type"].(string); has && !kinds[kind]() {
		return fmt.Sprintf("%s is %v, not of type %s", at, v, kind)
	}
	switch x := v.(type) {
	case float64:
		if low, has := schema["minimum"].(float64); has && (x < low || x > schema["maximum"].(float64)) {
			return fmt.Sprintf("%s is %v, out of range", at, v)
		}
	case []any:
		for i, item := range x {
			if wrong = allows(schema["items"].(map[string]any), fmt.Sprintf("%s[%d]", at, i), item); wrong != "" {
				return wrong
			}
		}
	case map[string]any:
		keys := schema["properties"].(map[string]any)
		for k, value := range x {
			key, known := keys[k].(map[string]any)
			if !known {
				return fmt.Sprintf("%s has no %s", at, k)
			}
			if wrong = allows(key, join(at, k), value); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

// asJSON is what a value is once it was JSON.
func asJSON[T any](t *testing.T, v any) (out T) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The schema lets in every example and every default, and keeps out what is no
// value of a key.
func TestTheSchemaSaysWhatTheTableSays(t *testing.T) {
	schema := asJSON[map[string]any](t, Schema())
	judge := func(text string) string {
		var tree map[string]any
		if err := toml.Unmarshal([]byte(text), &tree); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return allows(schema, "", asJSON[any](t, tree))
	}
	files, _ := filepath.Glob(filepath.Join(examples, "*.toml"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := judge(string(text)); wrong != "" {
			t.Errorf("%s: %s", f, wrong)
		}
	}
	for _, s := range Sections() {
		if s.Listed {
			continue
		}
		for _, k := range s.Keys {
			_, table := defaults()
			o, _ := table.find(s.Name + "." + k.Name)
			if initial := o.write(); o.absent == "" {
				if wrong := judge("[" + s.Name + "]\n" + k.Name + " = " + initial); wrong != "" {
					t.Errorf("the default: %s", wrong)
				}
			}
			if wrong := judge("[" + s.Name + "]\n" + k.Name + " = 1979-05-27T07:32:00Z"); wrong == "" && o.schema["type"] != "string" {
				t.Errorf("%s.%s may be a date", s.Name, k.Name)
			}
		}
	}
	for _, wrong := range []string{"[master]\ndscp = 64", "[master]\ndscp = 1.5", "[master]\ndscp = \"1\"", "[master]\nallow = \"10.0.0.0/8\"", "[board]\nprofile = \"x\"", "[master]\nopen = 1", "[mister]", "[master]\ndomian = 1", "[reference]"} {
		if judge(wrong) == "" {
			t.Errorf("%q is let in", wrong)
		}
	}
}
