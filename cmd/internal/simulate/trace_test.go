package simulate

import (
	"context"
	"encoding/csv"
	"strings"
	"testing"
	"time"
)

// A trace has a line for each second, each column of it has a name, and the day is judged
// as without it.
func TestATraceTellsEachSecond(t *testing.T) {
	day := DrawDay(1)
	day.Scenario.Duration = 3 * time.Minute
	var out strings.Builder
	r, err := TraceDay(context.Background(), day, &out)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(out.String())).ReadAll() // refuses a line of another length
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+3*60 {
		t.Errorf("%d lines of 3 minutes", len(lines))
	}
	v, err := JudgeDay(day)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.verdicts[0].line(); got != v.line() {
		t.Errorf("judged %q, without a trace %q", got, v.line())
	}
}
