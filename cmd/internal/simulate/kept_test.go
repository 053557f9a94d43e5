package simulate

import "testing"

// Days that broke once, the first of each kind. Each is kept now.
func TestADayThatBrokeOnceIsKept(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in short mode: a day of each")
	}
	for _, c := range []struct {
		seed uint64
		name string
	}{
		{1000357, "a rubidium that is told to be a tcxo-hi has a rubidium's bound in holdover"},
		{2000059, "a tcxo that is told to be a rubidium has a tcxo's bound in holdover"},
		{2000273, "a thermometer in the processor's die tells an ocxo in holdover nothing of the room"},
		{2000066, "a holdover that two deviations do not bound"},
		{1000037, "the sky takes back its lie, and holdover begins meanwhile"},
		{2000025, "a crystal at the limit of the clock's pull has nothing left to slew with"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v, err := JudgeDay(DrawDay(c.seed))
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Broken) > 0 {
				t.Error(v.line())
			}
		})
	}
}
