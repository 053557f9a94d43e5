package daemon

import (
	"fmt"
	"slices"
	"testing"

	"bragi/cmd/internal/control"
)

// What two consoles had typed when they were cut off is kept together, and is bounded.
func TestTheChangesOfTwoCutConsolesAreBothKept(t *testing.T) {
	change := func(value string) control.Change { return control.Change{Key: "master.priority1", Value: value} }
	first, second := []control.Change{change("1")}, []control.Change{change("2"), change("3")}
	if got := both(first, second); !slices.Equal(got, []control.Change{change("1"), change("2"), change("3")}) {
		t.Errorf("%v", got)
	}
	var many []control.Change
	for i := range leaveMost {
		many = append(many, change(fmt.Sprint(i)))
	}
	if got := both(many, second); len(got) != leaveMost || got[leaveMost-1] != change("3") || got[0] != change("2") {
		t.Errorf("%d, from %v to %v", len(got), got[0], got[len(got)-1])
	}
}
