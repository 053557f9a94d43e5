package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"bragi/cmd/internal/status"
)

// asked is a daemon that writes down who changes what.
type asked struct {
	fakeDaemon
	mu     *sync.Mutex // guards what the pointers have
	admins *[]string
	told   *[]status.Event
}

func (a asked) Admins() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.admins
}

func (a asked) Tell(e status.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*a.told = append(*a.told, e)
}

func (a asked) Drain(on bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fakeDaemon.Drain(on)
}

// asksAs is the variable by which the test's program is told what to ask for, as
// another user.
const asksAs = "BRAGI_TEST_ASKS"

func TestMain(m *testing.M) {
	if socket := os.Getenv(asksAs); socket != "" {
		var v any
		c := NewClient(socket)
		fmt.Println("read:", c.Get(context.Background(), "/v1/status", &v))
		fmt.Println("change:", c.Post(context.Background(), "/v1/drain", Drain{On: true}, &v))
		return
	}
	os.Exit(m.Run())
}

// Root and the admins change things, the group reads, everybody else does not get
// in; each change is told with the user who asked.
func TestTheGroupReadsAndTheAdminsChange(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to ask as other users")
	}
	other, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("SKIPPED: there is no user nobody")
	}
	group, err := user.LookupGroup("daemon")
	if err != nil {
		t.Skip("SKIPPED: there is no group daemon")
	}
	folder, err := os.MkdirTemp("", "bragi-control") // that of the test is not for others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	program := copyOfThis(t, folder)
	listener, err := listen(filepath.Join(folder, "control.sock"), group.Name)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	drained, admins, told := false, []string{}, []status.Event{}
	server := NewServer(Handler(asked{fakeDaemon{drained: &drained}, &mu, &admins, &told}, nil))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	defer server.Close()
	uid, _ := strconv.Atoi(other.Uid)
	gid, _ := strconv.Atoi(group.Gid)
	ask := func(uid, gid int) (read, change string) {
		t.Helper()
		mu.Lock()
		told, drained = nil, false
		mu.Unlock()
		cmd := exec.Command(program)
		cmd.Env = []string{asksAs + "=" + listener.Addr().String()}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		out, err := cmd.CombinedOutput()
		mu.Lock() // what was asked for is done
		defer mu.Unlock()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		first, second, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return strings.TrimPrefix(first, "read: "), strings.TrimPrefix(second, "change: ")
	}
	if read, change := ask(0, 0); read != "<nil>" || change != "<nil>" || !drained || len(told) != 1 || told[0].Words().Line() != "%BRAGI-5-CHANGE: root (uid 0) asks for: drain" {
		t.Errorf("root reads: %s, changes: %s; drained %t, told %v", read, change, drained, told)
	}
	read, change := ask(uid, gid)
	if want := fmt.Sprintf("nobody (uid %d) may not change anything (fix:", uid); read != "<nil>" || !strings.Contains(change, want) || drained {
		t.Errorf("the group reads: %s, changes: %s; drained %t", read, change, drained)
	}
	if want := fmt.Sprintf("%%BRAGI-4-CHANGE_REFUSED: nobody (uid %d) may not: drain", uid); len(told) != 1 || told[0].Words().Line() != want {
		t.Errorf("told %v, want %s", told, want)
	}
	for _, admin := range []string{"nobody", other.Uid} {
		mu.Lock()
		admins = []string{"root", admin}
		mu.Unlock()
		if read, change := ask(uid, gid); read != "<nil>" || change != "<nil>" || !drained || len(told) != 1 {
			t.Errorf("admin %s reads: %s, changes: %s; drained %t, told %v", admin, read, change, drained, told)
		}
	}
	read, change = ask(uid, uid)
	if want := "member of the group bragi"; !strings.Contains(read, want) || !strings.Contains(change, want) || drained {
		t.Errorf("a stranger reads: %s, changes: %s; drained %t", read, change, drained)
	}
}

// copyOfThis is the test's program where other users may run it.
func copyOfThis(t *testing.T, folder string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "asks")
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}

// What is told of a change is the route. Who asks cannot write into the log, and a
// question is no change.
func TestWhoAsksWritesNothingIntoTheLog(t *testing.T) {
	var mu sync.Mutex
	drained, admins, told := false, []string{}, []status.Event{}
	h := Handler(asked{fakeDaemon{drained: &drained}, &mu, &admins, &told}, nil)
	for _, path := range []string{"/v1/%0a2026-11-27T03:53:00Z%20INFO%20%25BRAGI-5-CHANGE:%20root", "/v1/nope", "/v1/status", "/v1/drain%0afoo", "/v1/config/check"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
		r = r.WithContext(context.WithValue(r.Context(), peerKey{}, status.User{UID: 65534, Name: "nobody"}))
		func() {
			defer func() { _ = recover() }() // the daemon of this test has no configuration
			h.ServeHTTP(httptest.NewRecorder(), r)
		}()
	}
	if len(told) > 0 || drained {
		t.Errorf("told %v, drained %t", told, drained)
	}
}

// An order whose body says on or off is told by what it does, one that does nothing not
// at all, and one that cannot be read neither: whatever has a flag in its body is here.
func TestAChangeIsToldByWhatItDoes(t *testing.T) {
	var mu sync.Mutex
	drained, admins, told := false, []string{}, []status.Event{}
	h := Handler(asked{fakeDaemon{drained: &drained}, &mu, &admins, &told}, &fakeSim{})
	cases := []struct {
		path string
		body order
		want string
	}{
		{"/v1/drain", Drain{On: true}, "drain"}, {"/v1/drain", Drain{}, "drain end"},
		{"/v1/holdover", Holdover{Force: true}, "holdover force"}, {"/v1/holdover", Holdover{}, "holdover release"},
		{"/v1/clock/step", Step{Yes: true}, "clock step"}, {"/v1/clock/step", Step{}, ""},
		{"/v1/sim/antenna", Antenna{OK: true}, "sim antenna restore"}, {"/v1/sim/antenna", Antenna{}, "sim antenna cut"},
	}
	ask := func(path, body string) {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		told = nil
		h.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), peerKey{}, status.User{})))
	}
	tried := map[string]bool{}
	for _, c := range cases {
		body, err := json.Marshal(c.body)
		if err != nil {
			t.Fatal(err)
		}
		tried["POST "+c.path] = true
		ask(c.path, string(body))
		var want []status.Event
		if c.want != "" {
			want = []status.Event{status.ChangeAsked{What: c.want}}
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("%s %s: %s", c.path, body, diff)
		}
		if ask(c.path, "{}"); told != nil {
			t.Errorf("%s without its word is told: %v", c.path, told)
		}
	}
	for _, route := range saidByBody {
		if !tried[route] {
			t.Errorf("%s is not tried", route)
		}
	}
}

// From where the kernel does not say who asks, everything can be read and nothing
// changed.
func TestNobodyChangesAnythingFromAnotherMachine(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	drained := false
	server := NewServer(Handler(fakeDaemon{drained: &drained}, &fakeSim{}))
	go server.Serve(l) //nolint:errcheck // it ends with the test
	defer server.Close()
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/v1/status", "", 200}, {"POST", "/v1/drain", `{"on": true}`, 403}, {"POST", "/v1/sim/antenna", `{"ok": true}`, 403},
		{"PUT", "/v1/drain", `{"on": true}`, 403}, {"DELETE", "/v1/status", "", 403}, {"POST", "/v1/nothing", "", 403},
	} {
		request, err := http.NewRequest(c.method, "http://"+l.Addr().String()+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s %s: %s, want %d", c.method, c.path, response.Status, c.want)
		}
	}
	if drained {
		t.Error("it is drained all the same")
	}
}

// A client that sends a byte a minute, or reads a byte a minute, is hung up on.
func TestASlowClientIsHungUpOn(t *testing.T) {
	const status = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct {
		name, at, slowly string // sent at once, and then a byte a minute
		held             time.Duration
	}{
		{"nothing", "", "", 5 * time.Second},
		{"a slow request", "", status, 5*time.Second + answerPatience},
		{"a slow head", "GET /v1/status HTTP/1.1\r\nHost: x\r\n", "X: " + status, 5*time.Second + answerPatience},
		{"a slow body", "POST /v1/drain HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n", `{"on": true}`, 10 * time.Second},
		{"a slow reader", status, "", answerPatience},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := one{make(chan net.Conn, 1)}
			server := NewServer(asRoot(Handler(fakeDaemon{drained: new(bool)}, nil)))
			go server.Serve(l) //nolint:errcheck // it ends with the test
			ours, theirs := net.Pipe()
			l.connections <- theirs
			began := time.Now()
			go func() {
				ours.Write([]byte(c.at)) //nolint:errcheck // reading tells
				for i := range c.slowly {
					if _, err := ours.Write([]byte{c.slowly[i]}); err != nil {
						return
					}
					time.Sleep(time.Minute)
				}
			}()
			b := make([]byte, 1)
			for {
				if _, err := ours.Read(b); err != nil {
					break
				}
				time.Sleep(time.Minute)
			}
			// A byte that was taken before is seen with the minute's end.
			if held := time.Since(began); held > c.held+time.Minute+time.Second {
				t.Errorf("%s: held for %v", c.name, held)
			}
			ours.Close()
			close(l.connections)
			server.Close()
		})
	}
}
