package control

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/answer"
	"bragi/cmd/internal/status"
)

// Who may ask for what: the socket lets in root and the group bragi. They may read.
// What changes something is for root, for the user that the daemon runs as, and for
// those of control.admins. The kernel says who asks (SO_PEERCRED). Each change is
// told with that.

// Group is the group whose members may read.
const Group = "bragi"

// Gate is who may change something, and who hears of it.
type Gate interface {
	// Admins are the names or numbers of users who may, beside root.
	Admins() []string
	// Tell tells an event.
	Tell(status.Event)
}

// answerPatience is how long an answer may take, its reader's slowness included.
const answerPatience = 30 * time.Second

// NewServer is a server of the control socket. Nobody holds a connection for long
// who is slow, or says nothing.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: answerPatience, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if who, known := peer(c); known {
				return context.WithValue(ctx, peerKey{}, who)
			}
			return ctx
		}}
}

type peerKey struct{}

// peer is who opened a connection of a Unix socket.
func peer(c net.Conn) (who status.User, known bool) {
	conn, isUnix := c.(*net.UnixConn)
	if !isUnix {
		return who, false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return who, false
	}
	var cred *unix.Ucred
	if err := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return who, false
	}
	if err != nil {
		return who, false
	}
	who.UID = cred.Uid
	if u, err := user.LookupId(strconv.Itoa(int(cred.Uid))); err == nil {
		who.Name = u.Username
	}
	return who, true
}

// order is a body that says what it changes, "" for a question: the route alone does
// not tell drain and drain --end apart.
type order interface{ change() string }

// saidByBody are the routes whose body is an order.
var saidByBody = []string{"POST /v1/drain", "POST /v1/holdover", "POST /v1/clock/step", "POST /v1/sim/antenna"}

type tellKey struct{}

// tell tells a change by the words of its body.
func tell(r *http.Request, what string) {
	if f, found := r.Context().Value(tellKey{}).(func(string)); found && what != "" {
		f(what)
	}
}

// onlyAsks is a POST that changes nothing: it has a body, as its question is long.
const onlyAsks = "POST /v1/config/check"

// guarded lets a change through only from those who may, and tells it. What is told is
// the route, or bragi's own words for what the body orders, never the words of who asks.
func guarded(g Gate, mux *http.ServeMux) http.Handler {
	all := answer.Known(mux)
	var refused refusals
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, known := r.Context().Value(peerKey{}).(status.User)
		_, route := mux.Handler(r)
		path, changes := strings.CutPrefix(route, "POST /v1/")
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if reads || known && (!changes || route == onlyAsks) {
			all.ServeHTTP(w, r)
			return
		}
		what := strings.ReplaceAll(path, "/", " ")
		switch {
		case !known:
			refuse(w, http.StatusForbidden, "nothing can be changed from here (fix: use the control socket on the machine itself)")
		case !mayChange(who, g.Admins()):
			if e, told := refused.next(who, what, time.Now()); told {
				g.Tell(e)
			}
			refuse(w, http.StatusForbidden, fmt.Sprintf("%v may not change anything (fix: become root, or add the user to control.admins)", who))
		default:
			asked := func(what string) { g.Tell(status.ChangeAsked{By: who, What: what}) }
			if slices.Contains(saidByBody, route) {
				r = r.WithContext(context.WithValue(r.Context(), tellKey{}, asked))
			} else {
				asked(what)
			}
			all.ServeHTTP(w, r)
		}
	})
}

// mayChange tells whether a user may.
func mayChange(who status.User, admins []string) bool {
	return who.UID == 0 || int(who.UID) == os.Geteuid() ||
		slices.Contains(admins, strconv.Itoa(int(who.UID))) || who.Name != "" && slices.Contains(admins, who.Name)
}

// share lets root and the group use the socket, and nobody else. Where there is no
// such group, or this process may not give a file to it, only its owner may.
func share(path, group string) error {
	if g, err := user.LookupGroup(group); err == nil {
		if id, err := strconv.Atoi(g.Gid); err == nil {
			_ = os.Chown(path, -1, id) // a laptop's user may not, and owns the socket
		}
	}
	return os.Chmod(path, 0o660)
}
