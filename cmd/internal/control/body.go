package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// bodyLimit is more than any body has: the longest is a configuration, which
	// JSON may make longer.
	bodyLimit = 8 << 20
	// bodyPatience is how long a body may take to come.
	bodyPatience = 10 * time.Second
)

// patient gives each body its time: who announces one and does not send it is
// hung up on. An answer that goes on for ever has all the time.
func patient(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			// A recorder of tests has no deadline, and no need of one.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyPatience))
		}
		h.ServeHTTP(w, r)
	})
}

// read reads the request's body, a JSON object with every field that is not
// omitempty and no other, or answers what is wrong with it. A body that says what it
// changes is told by that.
func read(w http.ResponseWriter, r *http.Request, body any) bool {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err == nil {
		err = decode(text, body)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the request's body is not understood: "+err.Error())
		return false
	}
	if order, says := body.(order); says {
		tell(r, order.change())
	}
	return true
}

func decode(text []byte, body any) error {
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8") // the decoder would put another character there, and say nothing
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(body); err != nil {
		return err
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil { // more than one object, too
		return err
	}
	fields := reflect.TypeOf(body).Elem()
	for i := range fields.NumField() {
		name, how, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
		if v, found := given[name]; how != "omitempty" && (!found || string(v) == "null") {
			return fmt.Errorf("%q is missing", name)
		}
	}
	return nil
}
