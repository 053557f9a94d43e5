package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every key is either changed live or named as waiting for a restart.
func TestEveryKeyCanBeUpdated(t *testing.T) {
	for _, o := range options {
		if o.key == "control.http" { // refused by this version
			continue
		}
		if !slices.ContainsFunc(settables, func(s settable) bool { return s.key == o.key }) {
			t.Errorf("%s is neither live nor waits for a restart", o.key)
		}
	}
	seen := map[any]string{}
	c := defaults()
	for _, s := range settables {
		field := s.field(c)
		if other, twice := seen[field]; twice {
			t.Errorf("%s and %s have one field", s.key, other)
		}
		seen[field] = s.key
		if section, _, _ := strings.Cut(s.key, "."); section != "reference" && !slices.Contains(keys(section), s.key[len(section)+1:]) {
			t.Errorf("%s is no key", s.key)
		}
	}
	// And every field of the configuration has its key.
	sections := reflect.ValueOf(c).Elem()
	for i := range sections.NumField() {
		section := sections.Field(i)
		if section.Kind() != reflect.Struct {
			continue
		}
		for j := range section.NumField() {
			if _, found := seen[section.Field(j).Addr().Interface()]; !found {
				t.Errorf("%s.%s has no key", sections.Type().Field(i).Name, section.Type().Field(j).Name)
			}
		}
	}
}

func TestUpdate(t *testing.T) {
	parse := func(text string) *Config {
		t.Helper()
		c, _, err := Parse("f", []byte("[board]\nprofile = \"sim\"\n"+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		name, before, after string
		applied, waiting    []string
	}{
		{"nothing", "[master]\ndscp = 46", "[master]\ndscp = 46", nil, nil},
		{"what was the default is written down", "", "[master]\ndscp = 47", nil, nil},
		{"lists and numbers", "[master]\nallow = [\"10.0.0.0/8\"]", "[master]\nallow = [\"10.1.0.0/16\"]\ndscp = 0", []string{"master.allow", "master.dscp"}, nil},
		{"a key is taken out", "[master]\ndeny = [\"10.0.0.0/8\"]", "", []string{"master.deny"}, nil},
		{"sockets wait", "", "[master]\ndomain = 24\npriority1 = 1", []string{"master.priority1"}, []string{"master.domain"}},
		{"GET and SET", "[master]\nmanagement = \"get\"", "[master]\nmanagement = \"set\"", []string{"master.management"}, nil},
		{"the group waits", "[master]\nmanagement = \"get\"", "[master]\nmanagement = \"off\"", nil, []string{"master.management"}},
	} {
		before, after := parse(c.before), parse(c.after)
		running, applied, waiting := before.Update(after)
		if !slices.Equal(applied, c.applied) || !slices.Equal(waiting, c.waiting) {
			t.Errorf("%s: %v are applied and %v wait, want %v and %v", c.name, applied, waiting, c.applied, c.waiting)
		}
		// What waits is told again at the next reload; what was applied is not.
		if _, again, still := running.Update(after); len(again) > 0 || !slices.Equal(still, waiting) {
			t.Errorf("%s: read again, %v are applied and %v wait", c.name, again, still)
		}
		if _, back, _ := before.Update(before); len(back) > 0 {
			t.Errorf("%s: the old configuration was changed in place: %v", c.name, back)
		}
	}
}
