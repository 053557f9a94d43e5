package control

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bragi/cmd/internal/status"
)

// Nothing that an order does not say is taken for false: a body without one of
// its words is refused, whatever the order.
func TestAnOrderThatLeavesAWordOutDoesNothing(t *testing.T) {
	sim := &fakeSim{antenna: true}
	drained := true
	path := filepath.Join(t.TempDir(), "control.sock")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(Handler(fakeDaemon{drained: &drained}, sim))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	defer server.Close()
	c := NewClient(path)
	for _, order := range []string{"/v1/drain", "/v1/clock/accept", "/v1/clock/step", "/v1/holdover", "/v1/sim/antenna", "/v1/sim/glitch"} {
		for _, body := range []any{map[string]any{}, nil, []int{}, "on", map[string]any{"on": nil, "yes": nil}} {
			var v any
			if err := c.Post(t.Context(), order, body, &v); err == nil || !strings.Contains(err.Error(), "not understood") {
				t.Errorf("%s with %v: %v", order, body, err)
			}
		}
	}
	if !drained || !sim.antenna || sim.glitch != 0 {
		t.Errorf("something was done: %t, %+v", drained, sim)
	}
}

// asRoot lets every connection be one of root's.
func asRoot(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, status.User{})))
	})
}

// one is a listener of one connection in memory.
type one struct{ connections chan net.Conn }

func (l one) Accept() (net.Conn, error) {
	c, open := <-l.connections
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (one) Close() error   { return nil }
func (one) Addr() net.Addr { return &net.UnixAddr{} }

// A body that never comes, or comes a byte a minute, holds its connection for
// bodyPatience and no longer, whatever is asked for.
func TestABodyThatNeverComesIsHungUpOn(t *testing.T) {
	for _, order := range []string{"POST /v1/drain", "POST /v1/reload", "GET /v1/status", "POST /v1/nothing"} {
		synctest.Test(t, func(t *testing.T) {
			l := one{make(chan net.Conn, 1)}
			server := NewServer(asRoot(Handler(fakeDaemon{drained: new(bool)}, nil)))
			go server.Serve(l) //nolint:errcheck // it ends with the test
			ours, theirs := net.Pipe()
			l.connections <- theirs
			began := time.Now()
			go ours.Write([]byte(order + " HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")) //nolint:errcheck // reading tells
			buffer := make([]byte, 1<<16)
			for {
				if _, err := ours.Read(buffer); err != nil {
					break
				}
			}
			if held := time.Since(began); held > bodyPatience+time.Second {
				t.Errorf("%s: held for %v", order, held)
			}
			ours.Close()
			close(l.connections)
			server.Close()
		})
	}
}

// Octets that are not UTF-8 are refused on both sides: JSON would put other characters in their place, and a
// configuration would be written that nobody has sent.
func TestATextThatIsNotUTF8IsRefusedNotChanged(t *testing.T) {
	const latin1 = "# M\xfcnchen\n[board]\nprofile = \"sim\"\n"
	var c Commit
	if err := decode([]byte(`{"text": "`+strings.ReplaceAll(strings.ReplaceAll(latin1, `"`, `\"`), "\n", `\n`)+`", "base": "", "confirm_s": 0}`), &c); err == nil || c.Text != "" {
		t.Errorf("the server takes %q, %v", c.Text, err)
	}
	nowhere := NewClient(filepath.Join(t.TempDir(), "no.sock"))
	for name, err := range map[string]error{
		"a commit": func() error { _, err := nowhere.CommitConfig(t.Context(), Commit{Text: latin1}); return err }(),
		"a check":  func() error { _, err := nowhere.CheckConfig(t.Context(), latin1); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("%s is sent: %v", name, err)
		}
	}
}
