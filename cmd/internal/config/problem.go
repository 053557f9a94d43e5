package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bragi/cmd/internal/status"
)

// place is where a key was set: a line of the file, or the command line.
type place struct {
	file    string
	line    int    // 0: not known
	excerpt string // the line as it stands
}

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	File    string // "" for the command line
	Line    int    // 0: the file as a whole
	What    string
	Fix     string
	Excerpt string // the line; for the command line the whole argument
}

// Error is one line, and the excerpt in a second.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString("config: ")
	switch {
	case p.File == "":
		fmt.Fprintf(&b, "--set %s: ", clip(p.Excerpt, excerptMost))
	case p.Line == 0:
		fmt.Fprintf(&b, "%s: ", p.File)
	default:
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	}
	b.WriteString(clip(p.What, whatMost))
	if p.Fix != "" {
		fmt.Fprintf(&b, " (fix: %s)", p.Fix)
	}
	if p.File != "" && p.Line > 0 && p.Excerpt != "" {
		fmt.Fprintf(&b, "\n    %s", clip(strings.TrimSpace(p.Excerpt), excerptMost))
	}
	return b.String()
}

// Problems are all that is wrong, in the order of the lines.
type Problems []*Problem

// toldMost is how many problems are told: one mistake can make a thousand of them.
const toldMost = 20

// Error lists the first of them, and counts the others.
func (ps Problems) Error() string {
	told := ps[:min(len(ps), toldMost)]
	texts := make([]string, len(told))
	for i, p := range told {
		texts[i] = p.Error()
	}
	if more := len(ps) - len(told); more > 0 {
		texts = append(texts, "and "+status.Count(more, "more fault"))
	}
	return strings.Join(texts, "\n")
}

// Unwrap gives them one by one.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b *Problem) int { return cmp.Compare(a.Line, b.Line) })
}

// Warning is something that works, but hardly as meant.
type Warning struct {
	Where string // "FILE:LINE", "" when no key is to blame
	What  string
	Fix   string
}

// String is one line, without secrets.
func (w Warning) String() string {
	text := w.What
	if w.Where != "" {
		text = w.Where + ": " + text
	}
	if w.Fix != "" {
		text += " (fix: " + w.Fix + ")"
	}
	return Public(text)
}

func (p place) problem(what, fix string) *Problem {
	return &Problem{File: p.file, Line: p.line, Excerpt: p.excerpt, What: what, Fix: fix}
}

func (p place) String() string {
	switch {
	case p.file == "" && p.excerpt != "":
		return "--set " + p.excerpt
	case p.line > 0:
		return fmt.Sprintf("%s:%d", p.file, p.line)
	}
	return p.file
}

// nearest is the word of the list that a mistyped one most likely meant, ""
// when none is near.
func nearest(typed string, list []string) string {
	best, distance := "", 1+max(1, len(typed)/3)
	for _, w := range list {
		if d := editDistance(strings.ToLower(typed), w); d < distance {
			best, distance = w, d
		}
	}
	return best
}

// editDistance counts insertions, deletions and substitutions (Levenshtein).
func editDistance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
