package control

import (
	"context"
	"errors"
	"sync"
	"time"
)

// shared makes an answer once for all who asked before its making began. After each
// it rests for as long as the making took. So however many ask, and whatever an
// answer costs, that is at most half of a processor and one answer's memory at a
// time; and no answer is older than its question.
type shared struct {
	made func() []byte
	turn chan struct{} // full while one is made, and during the rest

	mu   sync.Mutex
	next *making // the one that has not begun; nil: nobody waits for one
}

type making struct {
	done chan struct{}
	text []byte // nil: it failed
}

func newShared(made func() []byte) *shared {
	return &shared{made: made, turn: make(chan struct{}, 1)}
}

var errNotMade = errors.New("the answer could not be put together (fix: look at bragid's log)")

// get waits for an answer. The first who waits makes it, also for the others.
func (s *shared) get(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	m, first := s.next, s.next == nil
	if first {
		m = &making{done: make(chan struct{})}
		s.next = m
	}
	s.mu.Unlock()
	if first {
		s.turn <- struct{}{}
		s.fill(m)
	}
	select {
	case <-m.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if m.text == nil {
		return nil, errNotMade
	}
	return m.text, nil
}

// fill makes the answer, and gives the turn back after the rest.
func (s *shared) fill(m *making) {
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	began := time.Now()
	defer func() { // also when it panics, which net/http catches
		close(m.done)
		time.AfterFunc(time.Since(began), func() { <-s.turn })
	}()
	m.text = s.made()
}
