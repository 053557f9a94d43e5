package config

import (
	"reflect"
	"slices"
)

// Update is what becomes of a running configuration when another is read: the
// keys that change while clients are served, and those that wait for a restart.
// running is a copy of c with the former.
func (c *Config) Update(next *Config) (running *Config, applied, waiting []string) {
	copied := *c
	running = &copied
	have, want := running.table(), next.table()
	for i, s := range have {
		if s.entries != nil {
			if !reflect.DeepEqual(s.entries, want[i].entries) {
				waiting = append(waiting, s.name)
			}
			continue
		}
		for j, o := range s.options {
			other := want[i].options[j]
			switch key := join(s.name, o.key); {
			case reflect.DeepEqual(o.pointer, other.pointer):
			case o.change.live(c, next):
				reflect.ValueOf(o.pointer).Elem().Set(reflect.ValueOf(other.pointer).Elem())
				applied = append(applied, key)
			default:
				waiting = append(waiting, key)
			}
		}
	}
	return running, slices.Clip(applied), slices.Clip(waiting)
}
