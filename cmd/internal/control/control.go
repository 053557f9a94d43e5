// Package control is the daemon's control socket: HTTP and JSON over a Unix
// socket. GET /v1/status is the Status snapshot, GET /metrics the same for
// Prometheus; GET /v1/log are the latest events, GET /v1/events those to come, too; GET /v1/sim and POST /v1/sim/... are the knobs and the truth of the board of software.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"bragi/cmd/internal/answer"
	"bragi/cmd/internal/metrics"
	"bragi/cmd/internal/status"
)

// Sim is the board of software, as the control socket may turn its knobs.
type Sim interface {
	SetAntenna(ok bool)
	Glitch(by time.Duration)
	TurnReceiver(to Receiver) error
	// TellLie lets the receiver tell what is not so.
	TellLie(l Lie) error
	// Of is the receiver of a reference.
	Of(reference string) (Sim, error)
	SimStatus() status.Sim
}

// Daemon is what answers.
type Daemon interface {
	Status() status.Status
	// Latest is the Status as it is known without asking the packets' thread: at most
	// a second old.
	Latest() status.Status
	// Drain sends every client away and grants nothing more; on false ends that.
	Drain(on bool) error
	// SwitchReference follows a reference by its name; ClearReference ends that order.
	SwitchReference(name string, force bool) (Switched, error)
	ClearReference() (Switched, error)
	// Hold forces holdover, or releases it.
	Hold(force bool) (Held, error)
	// Reload reads the configuration again.
	Reload() (Reloaded, error)
	// AcceptReceiver takes the operator's word that the reference of that name is right; "": none is named.
	AcceptReceiver(name string) (Accepted, error)
	// StepClock steps the clock to the pulse; without yes it only tells what that would do.
	StepClock(yes bool) (Stepped, error)
	// ClearCounters lets screens count from now on.
	ClearCounters() status.Cleared
	// ClockHistory is how the clock was in the last day, oldest first.
	ClockHistory() []status.ClockPoint
	// SurveyReceiver lets the receiver survey its position anew.
	SurveyReceiver() (Surveying, error)
	// Kept are the latest events, oldest first.
	Kept() []status.Record
	// Follow hands the events behind that of an id to hear until ctx ends or hear
	// fails, and none when nothing has come for the time quiet.
	Follow(ctx context.Context, after string, quiet time.Duration, hear func([]status.Record) error) error
	Configuration
	Alarms
	Drills
	Gate
}

// Drain is the body of POST /v1/drain.
type Drain struct {
	On bool `json:"on"`
}

func (d Drain) change() string {
	if d.On {
		return "drain"
	}
	return "drain end"
}

// Antenna is the body of POST /v1/sim/antenna.
type Antenna struct {
	OK        bool   `json:"ok"`
	Reference string `json:"reference,omitempty"` // whose receiver; "": that of [gnss]
}

func (a Antenna) change() string {
	if a.OK {
		return "sim antenna restore"
	}
	return "sim antenna cut"
}

// Glitch is the body of POST /v1/sim/glitch.
type Glitch struct {
	ByNs      int64  `json:"by_ns"`
	Reference string `json:"reference,omitempty"` // whose receiver; "": that of [gnss]
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, code int, why string) {
	answer.Reply(w, code, answer.Problem{Error: why})
}

// Handler serves the daemon, and sim's knobs unless sim is nil.
func Handler(d Daemon, sim Sim) http.Handler {
	mux := http.NewServeMux()
	now := newShared(func() []byte { return answer.Text(d.Status()) })
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		text, err := now.get(r.Context())
		if err != nil {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(text) //nolint:errcheck // a reader that hangs up is its own affair
	})
	mux.Handle("GET /metrics", metrics.Handler(d.Latest))
	mux.HandleFunc("POST /v1/counters/clear", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, d.ClearCounters()) })
	mux.HandleFunc("POST /v1/drain", ordered(func(body Drain) (status.Status, error) {
		if err := d.Drain(body.On); err != nil {
			return status.Status{}, err
		}
		return d.Status(), nil
	}))
	events(mux, d)
	alarms(mux, d)
	reloads(mux, d)
	clock(mux, d)
	holdovers(mux, d)
	references(mux, d)
	surveys(mux, d)
	drills(mux, d)
	configuration(mux, d)
	knob := func(pattern string, turn http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if sim == nil {
				refuse(w, http.StatusConflict, "this daemon runs on a real board, which has no such knob (fix: board.profile = \"sim\")")
				return
			}
			turn(w, r)
		})
	}
	turn := func(w http.ResponseWriter, reference string, turn func(of Sim) error) {
		of := sim
		if reference != "" {
			var err error
			if of, err = sim.Of(reference); err != nil {
				refuse(w, http.StatusConflict, err.Error())
				return
			}
		}
		if err := turn(of); err != nil {
			refuse(w, http.StatusConflict, err.Error())
			return
		}
		s := sim.SimStatus()
		s.Antenna = of.SimStatus().Antenna
		reply(w, http.StatusOK, s)
	}
	knob("GET /v1/sim", func(w http.ResponseWriter, r *http.Request) {
		turn(w, r.URL.Query().Get("reference"), func(Sim) error { return nil })
	})
	knob("POST /v1/sim/antenna", func(w http.ResponseWriter, r *http.Request) {
		var body Antenna
		if read(w, r, &body) {
			turn(w, body.Reference, func(of Sim) error { of.SetAntenna(body.OK); return nil })
		}
	})
	knob("POST /v1/sim/receiver", func(w http.ResponseWriter, r *http.Request) { turnReceiver(turn, w, r) })
	knob("POST /v1/sim/glitch", func(w http.ResponseWriter, r *http.Request) {
		var body Glitch
		if !read(w, r, &body) {
			return
		}
		if d := time.Duration(body.ByNs); d.Abs() >= 500*time.Millisecond || d == 0 {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("a pulse cannot be off by %v (fix: a duration below 500ms other than 0)", d))
			return
		}
		turn(w, body.Reference, func(of Sim) error { of.Glitch(time.Duration(body.ByNs)); return nil })
	})
	knob("POST /v1/sim/lie", func(w http.ResponseWriter, r *http.Request) {
		var body Lie
		if !read(w, r, &body) {
			return
		}
		if math.Abs(body.LateNs) >= 5e8 || math.Abs(body.DriftNs) > 1e6 || body.AheadS < -100 || body.AheadS > 100 {
			refuse(w, http.StatusBadRequest, "no receiver is so wrong (fix: late below 500ms, drift at most 1ms, ahead at most 100)")
			return
		}
		turn(w, body.Reference, func(of Sim) error { return of.TellLie(body) })
	})
	return patient(guarded(d, mux))
}

func reply(w http.ResponseWriter, code int, body any) { answer.Reply(w, code, body) }

// Listen opens the control socket, in place of one that a dead daemon left
// behind. Owner and group bragi may use it.
func Listen(path string) (net.Listener, error) { return listen(path, Group) }

func listen(path, group string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("control: cannot make the folder of the control socket: %w (fix: run as root, or set control.run_dir to a folder that you own)", err)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("control: another bragid answers on %s (fix: stop it, or give this one another control.run_dir)", path)
	}
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control: a dead control socket cannot be removed: %w (fix: remove it, or run as its owner)", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: %w (fix: set control.run_dir or control.socket to a place that can be written)", err)
	}
	if err := share(path, group); err != nil {
		listener.Close()
		return nil, fmt.Errorf("control: %w", err)
	}
	return listener, nil
}

// CheckPath refuses a path for the control socket where something else stands: Listen
// would take its place.
func CheckPath(path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("control: %s is there and is no socket (fix: set control.socket to another path, or remove it)", path)
	}
	return nil
}

// StandardSocket is the control socket of the bragid that systemd runs.
const StandardSocket = "/run/bragi/control.sock"

// Client asks a daemon over its control socket.
type Client struct {
	path    string
	http    http.Client
	streams http.Client // for what has no end
}

// NewClient returns a client of the daemon whose socket is path.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	transport := &http.Transport{DialContext: dial}
	return &Client{path, http.Client{Transport: transport, Timeout: 10 * time.Second}, http.Client{Transport: transport}}
}

// Get reads path's JSON into v.
func (c *Client) Get(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodGet, path, nil, v)
}

// Post sends body as JSON to path and reads the answer into v.
func (c *Client) Post(ctx context.Context, path string, body, v any) error {
	return c.do(ctx, http.MethodPost, path, body, v)
}

func (c *Client) do(ctx context.Context, method, path string, body, v any) error {
	request, err := newRequest(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := c.answer(&c.http, request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(v); os.IsTimeout(err) {
		return c.late()
	} else if err != nil {
		return notUnderstood(err)
	}
	return nil
}

func (c *Client) late() error {
	return fmt.Errorf("the daemon on %s has not answered within %v (fix: ask again; if that does not help, see with top what keeps the processor busy)", c.path, c.http.Timeout)
}

// answer is the daemon's when it is a good one.
func (c *Client) answer(by *http.Client, request *http.Request) (*http.Response, error) {
	response, err := by.Do(request)
	if os.IsTimeout(err) {
		return nil, c.late()
	}
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%s is not for you: %w (fix: %s)", c.path, err, wayIn())
		}
		fix := "bragi restart starts it, bragi show log tells why it ended; another one has another --socket"
		if c.path != StandardSocket {
			fix = "start that bragid as you did before, or name another one with --socket or BRAGI_SOCKET"
		}
		return nil, fmt.Errorf("no daemon answers on %s: %w (fix: %s)", c.path, err, fix)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	var p answer.Problem
	if json.NewDecoder(response.Body).Decode(&p) != nil || p.Error == "" {
		p.Error = fmt.Sprintf("%s %s is not known to this daemon (%s)", request.Method, request.URL.Path, response.Status)
	}
	return nil, errors.New(p.Error)
}

// wayIn is what to do about a socket that one may not use.
func wayIn() string {
	first := ""
	if _, err := user.LookupGroup(Group); err != nil {
		first = fmt.Sprintf(", which this machine does not have (groupadd --system %s, then start bragid again)", Group)
	}
	return fmt.Sprintf("become root, or a member of the group %s%s: usermod -aG %[1]s USER, and log in again", Group, first)
}

func notUnderstood(err error) error {
	return fmt.Errorf("the daemon's answer is not understood: %w (fix: bragi and bragid of the same version)", err)
}
