package console

import (
	"fmt"
	"regexp"
	"strings"

	"bragi/cmd/internal/show"
)

// filterWords are the words behind a bar.
var filterWords = []choice{
	{"include", "only lines with WORD"}, {"exclude", "only lines without WORD"},
	{"begin", "all from the first line with WORD on"}, {"count", "how many lines have WORD"},
}

// filter lets lines through.
type filter struct {
	verb  string
	word  *regexp.Regexp
	begun bool
	count uint64
}

// newFilters reads what stands behind the bars.
func newFilters(texts []string) ([]*filter, error) {
	var list []*filter
	for _, text := range texts {
		verb, word, _ := strings.Cut(strings.TrimSpace(text), " ")
		v, err := meant(strings.ToLower(verb), filterWords, func(c choice) string { return c.word })
		if err != nil || verb == "" {
			return nil, fmt.Errorf("behind | comes include, exclude, begin or count, not %q (fix: | ? lists them)", verb)
		}
		word = strings.Trim(strings.TrimSpace(word), `"`)
		if word == "" {
			return nil, fmt.Errorf("| %s needs a word (fix: | %s WORD)", v.word, v.word)
		}
		pattern, err := regexp.Compile("(?i)" + word)
		if err != nil {
			pattern = regexp.MustCompile("(?i)" + regexp.QuoteMeta(word))
		}
		list = append(list, &filter{verb: v.word, word: pattern})
	}
	return list, nil
}

// passes says whether all filters let a line through.
func passes(list []*filter, line string) bool {
	for _, f := range list {
		hit := f.word.MatchString(line)
		switch f.verb {
		case "include":
			if !hit {
				return false
			}
		case "exclude":
			if hit {
				return false
			}
		case "begin":
			if f.begun = f.begun || hit; !f.begun {
				return false
			}
		case "count":
			if hit {
				f.count++
			}
			return false
		}
	}
	return true
}

// counted is what filters that count say at the end.
func counted(list []*filter) string {
	for _, f := range list {
		if f.verb == "count" {
			return show.Count(f.count, "line") + "\n"
		}
	}
	return ""
}

// filtered is a text behind filters.
func filtered(list []*filter, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if passes(list, strings.TrimSuffix(line, "\n")) {
			b.WriteString(line)
		}
	}
	return b.String() + counted(list)
}
