package control

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// A hundred questions a second about what takes 30 ms to answer: each is answered,
// by something that was made after it, within two makings and their rests; and the
// makings take no more than half of the time.
func TestManyQuestionsShareAnswersThatAreNotOlderThanThey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes, questions = 30 * time.Millisecond, 1000
		makings := 0
		s := newShared(func() []byte {
			began, _ := time.Now().MarshalBinary() // a time has a binary form
			time.Sleep(takes)
			makings++
			return began
		})
		begin := time.Now()
		var all sync.WaitGroup
		for range questions {
			time.Sleep(10 * time.Millisecond)
			all.Go(func() {
				asked := time.Now()
				text, err := s.get(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				var began time.Time
				if err := began.UnmarshalBinary(text); err != nil || began.Before(asked) {
					t.Errorf("asked at %v, made from %v: %v", asked.Sub(begin), began.Sub(begin), err)
				}
				if took := time.Since(asked); took > 3*takes {
					t.Errorf("answered after %v", took)
				}
			})
		}
		all.Wait()
		if most := int(time.Since(begin)/(2*takes)) + 1; makings > most || makings < most*9/10 {
			t.Errorf("%d makings in %v, want at most %d", makings, time.Since(begin), most)
		}
	})
}

// Who hangs up is not waited for, and an answer that panics blocks no later one.
func TestAnAnswerThatFailsBlocksNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		makings := 0
		s := newShared(func() []byte {
			makings++
			first := makings == 1
			time.Sleep(time.Second)
			if first {
				panic("no answer")
			}
			return []byte("good")
		})
		go func() {
			defer func() { recover() }() //nolint:errcheck // as net/http does
			s.get(t.Context())           //nolint:errcheck // it panics
		}()
		synctest.Wait()
		ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer hangUp()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if text, err := s.get(t.Context()); string(text) != "good" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		})
		synctest.Wait()
		if _, err := s.get(ctx); err == nil {
			t.Error("an answer for who hung up")
		}
		waiting.Wait()
	})
}

// A daemon that is there but has no time is not called dead.
func TestALateAnswerIsToldAsLate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{})
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			w.Write([]byte("{")) //nolint:errcheck // the test sees it
			http.NewResponseController(w).Flush()
		}
		<-begun
	})}
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	defer server.Close()
	defer close(begun)
	c := NewClient(path)
	c.http.Timeout = 50 * time.Millisecond
	for _, what := range []string{"/nothing", "/half"} {
		if err := c.Get(t.Context(), what, &struct{}{}); err == nil || !strings.Contains(err.Error(), "has not answered within 50ms (fix:") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, ask := range map[string]func() error{
		"reload": func() error { return c.Post(t.Context(), "/v1/reload", nil, &Reloaded{}) },
		"config": func() error { _, err := c.Config(t.Context()); return err },
		"commit": func() error { _, err := c.CommitConfig(t.Context(), Commit{}); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "has not answered within 50ms (fix:") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Nor is one that has so many waiting that nobody can join them.
func TestADaemonWithAFullQueueIsToldAsLate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	waiting, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if err := NewClient(path).Post(t.Context(), "/v1/reload", nil, &Reloaded{}); err == nil || !strings.Contains(err.Error(), "has not answered within") {
		t.Error(err)
	}
}
