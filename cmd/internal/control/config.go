package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"bragi/cmd/internal/status"
)

// The door of the configuration. Whoever changes the configuration of a daemon
// that runs does it here, and so does every console:
//
//	GET  /v1/config                what the file says, with the hash that names this text
//	GET  /v1/config/previous/N     what it said before, 1 being the latest
//	POST /v1/config/check          what a commit of a text would do; nothing changes
//	POST /v1/config/commit         a text takes the place of the one that base names
//	POST /v1/config/confirm        an unconfirmed commit stays
//	POST /v1/config/leave          changes that a console that was cut off did not commit
//	POST /v1/config/rollback       a previous text takes the place of the one that base names
//
// A console reads Config once when its user begins (`configure terminal`), changes
// the text (config.Set, config.Unset), and commits it with Config.Hash as base. If
// somebody else has changed the file since, the commit is refused and says so: the
// user begins again from the new text.
//
// A commit is judged as at a start of the daemon, written to the disk, and then
// applied as a reload is: the answer names the keys that changed at once and those
// that wait for a restart. What is wrong with it refuses it whole: then file,
// previous texts and running configuration are as they were.
//
// `commit confirmed 5m` is a commit with ConfirmS = 300. The daemon, not the
// console, takes it back when the time is over: also when the console is gone,
// when the daemon was restarted, or at the next boot. A commit without ConfirmS
// confirms what waited; one with ConfirmS upon another that waits goes back to the
// latest text that was confirmed. To give up a commit that waits before its time,
// roll back to number 1.

// Configuration is the part of the daemon that keeps the configuration. An error
// is what its user reads; one of a wrong text has two lines for each of the
// first things that are wrong.
type Configuration interface {
	Config() (Config, error)
	PreviousConfig(number int) (PreviousText, error)
	CheckConfig(Check) (Committed, error)
	CommitConfig(Commit) (Committed, error)
	ConfirmConfig() (Config, error)
	RollbackConfig(Rollback) (Committed, error)
	LeaveConfig(Leave) (Config, error)
}

// Config is the answer to GET /v1/config.
type Config struct {
	File      string   `json:"file"`
	Text      string   `json:"text"`      // what the file says now
	Hash      string   `json:"hash"`      // names this text: the base of a commit
	Overrides []string `json:"overrides"` // --set of the daemon's command line: they go before the file
	// Edited: the file was changed past this door and not reloaded: what runs is
	// another text.
	Edited bool `json:"edited"`
	status.Config
	Previous []Previous `json:"previous"` // the latest first
	// Left is what consoles that were cut off had not committed; null: nothing.
	Left *Left `json:"left"`
}

// Leave is the body of POST /v1/config/leave. The next commit forgets it, whoever makes
// it, and so does the end of the daemon.
type Leave struct {
	Changes []Change `json:"changes"` // in the order that they were typed
}

// Change is a key that somebody typed.
type Change struct {
	Key   string `json:"key"` // section.key
	Value string `json:"value"`
	Unset bool   `json:"unset"`
}

// Left is what was left, and when.
type Left struct {
	At time.Time `json:"at"`
	Leave
}

// Keys names what was changed.
func (l Leave) Keys() (keys []string) {
	for _, c := range l.Changes {
		keys = append(keys, c.Key)
	}
	return keys
}

// Previous is a text that the file had before.
type Previous struct {
	Number     int       `json:"number"` // 1: the latest
	ReplacedAt time.Time `json:"replaced_at"`
	Hash       string    `json:"hash"`
	Bytes      int       `json:"bytes"`
}

// PreviousText is the answer to GET /v1/config/previous/N.
type PreviousText struct {
	Previous
	Text string `json:"text"`
}

// Check is the body of POST /v1/config/check.
type Check struct {
	Text string `json:"text"`
}

// Commit is the body of POST /v1/config/commit.
type Commit struct {
	Text string `json:"text"`
	Base string `json:"base"` // Config.Hash of the text that was changed
	// ConfirmS is how many seconds the commit has to be confirmed within; 0: it is
	// confirmed.
	ConfirmS float64 `json:"confirm_s,omitempty"`
}

// Rollback is the body of POST /v1/config/rollback.
type Rollback struct {
	Number   int     `json:"number"` // of the previous text, 1 being the latest
	Base     string  `json:"base"`   // as in Commit
	ConfirmS float64 `json:"confirm_s,omitempty"`
}

// Committed is what a commit has done, or at a check would do.
type Committed struct {
	Reloaded
	Hash        string              `json:"hash"`        // of the file now
	Unconfirmed *status.Unconfirmed `json:"unconfirmed"` // null: it is confirmed
}

// The limits of Commit.ConfirmS.
const (
	ConfirmLeast = 10 * time.Second
	ConfirmMost  = 24 * time.Hour
)

// ConfirmWithin is the time of ConfirmS, 0 for none.
func ConfirmWithin(seconds float64) (time.Duration, error) {
	// Not a number is refused too.
	if seconds != 0 && !(seconds >= ConfirmLeast.Seconds() && seconds <= ConfirmMost.Seconds()) {
		return 0, fmt.Errorf("a commit cannot wait %g s for its confirmation (fix: %v to %v)", seconds, ConfirmLeast, ConfirmMost)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// configuration serves the door.
func configuration(mux *http.ServeMux, d Configuration) {
	mux.HandleFunc("GET /v1/config", func(w http.ResponseWriter, _ *http.Request) { answered(w, d.Config) })
	mux.HandleFunc("GET /v1/config/previous/{number}", func(w http.ResponseWriter, r *http.Request) {
		answered(w, func() (PreviousText, error) {
			n, err := strconv.Atoi(r.PathValue("number"))
			if err != nil {
				return PreviousText{}, fmt.Errorf("%q is no number of a previous configuration (fix: 1 is the latest)", r.PathValue("number"))
			}
			return d.PreviousConfig(n)
		})
	})
	mux.HandleFunc("POST /v1/config/confirm", func(w http.ResponseWriter, _ *http.Request) { answered(w, d.ConfirmConfig) })
	mux.HandleFunc("POST /v1/config/check", ordered(d.CheckConfig))
	mux.HandleFunc("POST /v1/config/commit", ordered(d.CommitConfig))
	mux.HandleFunc("POST /v1/config/rollback", ordered(d.RollbackConfig))
	mux.HandleFunc("POST /v1/config/leave", ordered(d.LeaveConfig))
}

// ordered reads an order's body and answers what came of it.
func ordered[Body, Answer any](do func(Body) (Answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body Body
		if read(w, r, &body) {
			answered(w, func() (Answer, error) { return do(body) })
		}
	}
}

// answered is a value, or why there is none.
func answered[Answer any](w http.ResponseWriter, do func() (Answer, error)) {
	v, err := do()
	if err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	reply(w, http.StatusOK, v)
}

// Config asks what the configuration's file says.
func (c *Client) Config(ctx context.Context) (v Config, err error) {
	return v, c.Get(ctx, "/v1/config", &v)
}

// PreviousConfig asks what it said before; number 1 is the latest.
func (c *Client) PreviousConfig(ctx context.Context, number int) (v PreviousText, err error) {
	return v, c.Get(ctx, fmt.Sprintf("/v1/config/previous/%d", number), &v)
}

// errNoUTF8: JSON has no way to carry such a text, and puts other characters into it.
var errNoUTF8 = errors.New("the configuration is not UTF-8, nothing is sent (fix: bragi config check FILE tells the line)")

// CheckConfig asks what a commit of text would do. Nothing changes.
func (c *Client) CheckConfig(ctx context.Context, text string) (v Committed, err error) {
	if !utf8.ValidString(text) {
		return v, errNoUTF8
	}
	return v, c.Post(ctx, "/v1/config/check", Check{text}, &v)
}

// CommitConfig puts a text in the place of the one that was read.
func (c *Client) CommitConfig(ctx context.Context, commit Commit) (v Committed, err error) {
	if !utf8.ValidString(commit.Text) {
		return v, errNoUTF8
	}
	return v, c.Post(ctx, "/v1/config/commit", commit, &v)
}

// ConfirmConfig lets an unconfirmed commit stay.
func (c *Client) ConfirmConfig(ctx context.Context) (v Config, err error) {
	return v, c.Post(ctx, "/v1/config/confirm", nil, &v)
}

// RollbackConfig puts a previous text in the place of the one that was read.
func (c *Client) RollbackConfig(ctx context.Context, rollback Rollback) (v Committed, err error) {
	return v, c.Post(ctx, "/v1/config/rollback", rollback, &v)
}

// LeaveConfig tells what a console did not commit.
func (c *Client) LeaveConfig(ctx context.Context, leave Leave) (v Config, err error) {
	return v, c.Post(ctx, "/v1/config/leave", leave, &v)
}
