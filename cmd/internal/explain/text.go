package explain

import (
	"fmt"
	"strings"

	"bragi/cmd/internal/fold"
)

// Text is the explanation for people, in width columns; 0: any terminal's.
func (e Explanation) Text(width int) string {
	var b strings.Builder
	client := e.Client
	if e.Name != "" {
		client += ", " + e.Name
	}
	fmt.Fprintf(&b, "Client %s\n\n", client)
	for _, c := range e.Checks {
		mark := map[Verdict]string{Good: "ok ", Bad: "BAD", Open: "?  "}[c.Verdict]
		fold.Write(&b, width, "  "+mark+"  ", c.Question+" "+c.Evidence+".")
	}
	b.WriteString("\n")
	fold.Write(&b, width, "Most likely: ", e.Cause)
	fold.Write(&b, width, "What to do:  ", e.Action)
	return b.String()
}
