package show

import (
	"fmt"
	"io"

	"bragi/cmd/internal/status"
)

// receiverLines are the lines of `bragi show gnss` on what the receiver is and
// how it was set up.
func receiverLines(w io.Writer, r status.Receiver) {
	if r.Setup == "" {
		return
	}
	if r.Model != "" {
		fmt.Fprintf(w, "Model\t%s\n", r.Model)
	}
	failed, absent := 0, ""
	for _, s := range r.Steps {
		if s.Failed {
			failed++
		} else if s.Outcome == status.OutcomeAbsent {
			absent += ", no " + s.Name
		}
	}
	switch {
	case failed > 0:
		fmt.Fprintf(w, "Set-up\t%s, %d of %d settings failed\n", r.Setup, failed, len(r.Steps))
	case len(r.Steps) > 0:
		fmt.Fprintf(w, "Set-up\t%s, %s right%s\n", r.Setup, Count(len(r.Steps), "setting"), absent)
	default:
		fmt.Fprintf(w, "Set-up\t%s\n", r.Setup)
	}
	for _, s := range r.Steps {
		if s.Failed {
			fmt.Fprintf(w, "\t%s: %s\n", s.Name, s.Outcome)
		}
	}
	if p := r.Position; p != nil {
		fmt.Fprintf(w, "Survey\t%s", p.State)
		if p.SurveyedS != nil {
			fmt.Fprintf(w, ", %s of at least %s", seconds(p.SurveyedS), seconds(p.SurveyMinS))
		}
		if p.AccuracyM != nil && *p.AccuracyM > 0 {
			fmt.Fprintf(w, ", good to %.1f m", *p.AccuracyM)
		}
		if p.LimitM != nil {
			fmt.Fprintf(w, " (wanted: %.1f m)", *p.LimitM)
		}
		if p.DoubtM != nil {
			fmt.Fprintf(w, ", the antenna is within %.0f m of it", *p.DoubtM)
		}
		fmt.Fprintln(w)
	}
}
