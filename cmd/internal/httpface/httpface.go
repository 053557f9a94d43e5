// Package httpface is control.http: the metrics and the Status over TCP, for
// machines that ask from afar. It is off by default, and it only tells.
//
//	connection --> limited (so many, so many of one address) --> TLS --> token or client certificate --> GET /metrics, GET /v1/status
//
// Who asks must show a token or a client certificate. TLS may be left out on a
// loopback address alone, where a proxy may stand before it. Every wait has an
// end, so that a client that sends a byte a minute costs one connection for some
// seconds. Certificates and the token are read again when their files change.
package httpface

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"bragi/cmd/internal/answer"
	"bragi/cmd/internal/metrics"
	"bragi/cmd/internal/status"
)

// How long a client may take, and how much it may send.
const (
	headerWithin   = 5 * time.Second // TLS's handshake, too
	requestWithin  = 10 * time.Second
	answerWithin   = 30 * time.Second
	idleAtMost     = time.Minute
	headerMaxBytes = 8 << 10
)

// How often the files are looked at, and an address that cannot be had is tried.
const (
	lookEvery = 10 * time.Second
	tryEvery  = 5 * time.Second
)

// Face answers over TCP.
type Face struct {
	cfg    Config
	now    atomic.Pointer[secrets]
	server *http.Server
}

// Check tells what is wrong with the files of a configuration.
func Check(cfg Config) error {
	_, err := load(cfg)
	return err
}

// New makes a face; latest is what it tells. Run does the work.
func New(cfg Config, latest func() status.Status) *Face {
	f := &Face{cfg: cfg}
	f.server = &http.Server{
		Handler: f.allowed(handler(latest)), ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: headerWithin, ReadTimeout: requestWithin, WriteTimeout: answerWithin, IdleTimeout: idleAtMost, MaxHeaderBytes: headerMaxBytes,
		Protocols: new(http.Protocols),
	}
	f.server.Protocols.SetHTTP1(true) // one connection is one request at a time
	return f
}

// handler tells what there is to tell, to who may ask.
func handler(latest func() status.Status) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(latest))
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(latest()) //nolint:errcheck // a reader that hangs up is its own affair
	})
	known := answer.Known(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := mux.Handler(&http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host})
		if route == "" && strings.HasPrefix(r.URL.Path, "/v1/") {
			answer.Reply(w, http.StatusNotFound, answer.Problem{Error: fmt.Sprintf("%s %s is not answered over TCP, where metrics and status alone are read (fix: ask the control socket, on the machine itself)", r.Method, r.URL.Path)})
			return
		}
		known.ServeHTTP(w, r)
	})
}

// allowed lets through who shows the token or a client certificate.
func (f *Face) allowed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		certified := r.TLS != nil && len(r.TLS.VerifiedChains) > 0
		if !certified && !f.now.Load().knows(r.Header.Get("Authorization")) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			answer.Reply(w, http.StatusUnauthorized, answer.Problem{Error: "who asks is not known (fix: show the token of control.http_token_file, or a client certificate)"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Run answers until ctx ends. Files that cannot be used and an address that cannot
// be had are tried again and again. trouble is told what is wrong now, and "" when
// nothing is.
func (f *Face) Run(ctx context.Context, trouble func(string)) {
	listener, err := f.open(ctx)
	for err != nil {
		trouble(err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(tryEvery):
		}
		listener, err = f.open(ctx)
	}
	trouble(f.now.Load().doubts(time.Now()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.server.Serve(listener) //nolint:errcheck // it ends when it is closed
	}()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			f.server.Close()
			<-ended
			return
		case <-look.C:
			trouble(f.look(time.Now()))
		}
	}
}

// open reads the files, then listens.
func (f *Face) open(ctx context.Context) (net.Listener, error) {
	s, err := load(f.cfg)
	if err != nil {
		return nil, err
	}
	f.now.Store(s)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.cfg.Address)
	if err != nil {
		return nil, err
	}
	return f.secure(newLimited(listener)), nil
}

// secure puts TLS around a listener where there is a certificate.
func (f *Face) secure(listener net.Listener) net.Listener {
	if f.cfg.Certificate == "" {
		return listener
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.now.Load().tls(), nil },
	})
}

// look reads the files again when they have changed, and tells what is wrong with
// them. What cannot be used does not replace what was.
func (f *Face) look(now time.Time) string {
	have := f.now.Load()
	if stamps := stampsOf(f.cfg); stamps != have.stamps {
		next, err := load(f.cfg)
		if err != nil {
			return err.Error() + "; bragid goes on with the old one"
		}
		f.now.Store(next)
		have = next
	}
	return have.doubts(now)
}
