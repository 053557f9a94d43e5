package config

import (
	"reflect"
	"slices"
	"testing"
)

// Every key but those that are refused has a field of its own, and every field
// a key.
func TestEveryKeyHasItsField(t *testing.T) {
	seen := map[any]string{}
	c, table := defaults()
	for _, s := range table {
		if s.entries != nil {
			continue
		}
		for _, o := range s.options {
			if o.pointer == nil {
				if o.read(value{v: "x"}) == nil {
					t.Errorf("%s has no field, and is not refused", o.key)
				}
				continue
			}
			if other, twice := seen[o.pointer]; twice {
				t.Errorf("%s and %s have one field", o.key, other)
			}
			seen[o.pointer] = o.key
		}
	}
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

func TestUpdateAppliesWhatIsLiveAndNamesTheRest(t *testing.T) {
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
		{"a list of references waits", "", "[[reference]]\nkind = \"gnss\"", nil, []string{"reference"}},
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
