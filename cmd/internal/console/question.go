package console

import (
	"errors"
	"io"
	"strings"
)

// question is one that the session asks its user.
type question struct {
	prompt string
	help   string // what `?` answers
	usual  string // the answer that an Enter alone is
	// check reads the answer, or says what is wrong with it.
	check func(answer string) (string, error)
}

// errCancelled is Ctrl-D in a question: all that is asked in a row is left.
var errCancelled = complaint{errors.New("nothing is changed")}

// ask asks until the answer is right.
func (s *session) ask(q question) (string, error) {
	was := s.question
	s.question = &q
	defer func() { s.question = was }()
	for {
		line, err := s.readLine(q.prompt)
		if errors.Is(err, io.EOF) {
			return "", errCancelled
		}
		if err != nil {
			return "", err
		}
		if a := s.asked; a != nil {
			s.asked = nil
			if err := s.answer(a); err != nil {
				return "", err
			}
			continue
		}
		s.suspend = false
		if line = strings.TrimSpace(line); line == "" {
			line = q.usual
		}
		answer, err := q.check(line)
		if err == nil {
			return answer, nil
		}
		s.sayError(err)
	}
}
