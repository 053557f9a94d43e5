package alarms

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/ALARMS.md anew")

const page = "../../../docs/ALARMS.md"

// docs/ALARMS.md is made from the table.
func TestThePageIsThatOfTheTable(t *testing.T) {
	made := written()
	if *update {
		if err := os.WriteFile(page, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != made {
		t.Error("docs/ALARMS.md is not what the table is (fix: go generate ./cmd/internal/alarms)")
	}
}

func written() string {
	var b strings.Builder
	b.WriteString(`# The alarms

This page is made from the table in cmd/internal/alarms (go generate ./cmd/internal/alarms). The severities are those of
ITU-T X.733. "bragi show alarms" has the alarms that stand, "bragi show alarms history" those that were.

- **Silent while**: while one of these alarms is shown, this one is not. It would only be a consequence.
- **Hold-off**: an alarm is shown when its condition has lasted for the first time, and until the condition has been
  away for the second. So what comes and goes is told once.
- **Several references**: what is wrong with the receiver of [gnss] is one step less severe while another reference is
  followed: critical is major, and major is minor. The alarm then says which reference the time comes from.
`)
	for severity := Critical; ; severity-- {
		fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(severity.String()[:1])+severity.String()[1:])
		list := slices.DeleteFunc(slices.Clone(Table), func(k Kind) bool { return k.Severity != severity })
		slices.SortFunc(list, func(a, b Kind) int { return strings.Compare(string(a.Code), string(b.Code)) })
		for _, k := range list {
			fmt.Fprintf(&b, "\n### %s\n\n", k.Code)
			item := func(name, text string) {
				if text != "" {
					b.WriteString(wrapped("- "+name+": "+text, "  "))
				}
			}
			b.WriteString(wrapped("What is wrong: "+k.Text+".", ""))
			b.WriteString("\n")
			item("Cause", k.Cause)
			item("Consequence", k.Consequence)
			item("What to do", k.Fix)
			var causes []string
			for _, c := range k.CausedBy {
				causes = append(causes, string(c))
			}
			item("Silent while", strings.Join(causes, ", "))
			if k.Patience+k.Clear > 0 {
				item("Hold-off", seconds(k.Patience)+" until it is shown, "+seconds(k.Clear)+" until it is cleared")
			}
		}
		if severity == Warning {
			return b.String()
		}
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// wrapped breaks a text into lines of at most 120 columns.
func wrapped(text, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > 120:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}
