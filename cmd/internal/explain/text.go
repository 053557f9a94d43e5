package explain

import (
	"fmt"
	"strings"

	"bragi/cmd/internal/fold"
)

// Text is the explanation for people.
func (e Explanation) Text() string {
	var b strings.Builder
	client := e.Client
	if e.Name != "" {
		client += ", " + e.Name
	}
	fmt.Fprintf(&b, "Client %s\n\n", client)
	for _, c := range e.Checks {
		mark := map[Verdict]string{Good: "ok ", Bad: "BAD", Open: "?  "}[c.Verdict]
		fold.Write(&b, "  "+mark+"  ", c.Question+" "+c.Evidence+".")
	}
	b.WriteString("\n")
	fold.Write(&b, "Most likely: ", e.Cause)
	fold.Write(&b, "What to do:  ", e.Action)
	return b.String()
}
