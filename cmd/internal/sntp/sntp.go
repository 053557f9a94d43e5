// Package sntp asks an NTP server for the time, one packet a question (RFC 5905; what a
// client may leave out is in its section 14). It is a witness, no clock: nothing is
// steered by it.
//
// The client's own clock is CLOCK_MONOTONIC_RAW: the answer says that at this raw time
// it was that UTC. The request tells the server nothing but a random number, by which
// its answer is known.
package sntp

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"bragi/gnss/timescale"
)

// Answer is what a server says: at At it was UTC.
type Answer struct {
	At  timescale.Mono
	UTC timescale.UTC
	// Uncertainty is half of the way there and back, and what the server itself admits.
	Uncertainty time.Duration
}

// ErrRate is a server's request to be asked less often.
var ErrRate = errors.New("sntp: asked too often")

const (
	size      = 48
	request   = 4<<3 | 3 // version 4, client
	server    = 4        // mode
	unsynced  = 3        // leap indicator: the server's clock is not synchronised
	ntpToUnix = 2_208_988_800
	era       = int64(1) << 32 // s
	patience  = 2 * time.Second
	worst     = 16 // stratum of a server without a source
)

// Ask asks one server, "host" or "host:port". now reads CLOCK_MONOTONIC_RAW; since is a
// date that is surely past, which tells the era of NTP's seconds.
func Ask(ctx context.Context, address string, now func() timescale.Mono, since timescale.UTC) (Answer, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, "123")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return Answer{}, fmt.Errorf("sntp: %w", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return Answer{}, fmt.Errorf("sntp: %w", err)
	}
	var b [size]byte
	var cookie [8]byte
	rand.Read(cookie[:]) //nolint:errcheck // it does not fail
	b[0] = request
	copy(b[40:], cookie[:])
	asked := now()
	if _, err := conn.Write(b[:]); err != nil {
		return Answer{}, fmt.Errorf("sntp: %w", err)
	}
	for {
		n, err := conn.Read(b[:])
		if err != nil {
			return Answer{}, fmt.Errorf("sntp: %w", err)
		}
		if a, err := parse(b[:n], cookie, asked, now(), since); !errors.Is(err, errOther) {
			return a, err
		}
	}
}

// errOther is a packet that does not answer this question.
var errOther = errors.New("sntp: not the answer")

// parse reads an answer that came at got to the question asked at asked.
func parse(b []byte, cookie [8]byte, asked, got timescale.Mono, since timescale.UTC) (Answer, error) {
	if len(b) < size || b[0]&7 != server || [8]byte(b[24:32]) != cookie {
		return Answer{}, errOther
	}
	switch stratum := b[1]; {
	case stratum == 0 && string(b[12:16]) == "RATE":
		return Answer{}, ErrRate
	case stratum == 0:
		return Answer{}, fmt.Errorf("sntp: the server refuses: %q", b[12:16])
	case b[0]>>6 == unsynced || stratum >= worst:
		return Answer{}, errors.New("sntp: the server is not synchronised")
	}
	received, sent := timestamp(b[32:], since), timestamp(b[40:], since)
	held, away := sent.Sub(received), got.Sub(asked)
	if held < 0 || held > away {
		return Answer{}, errors.New("sntp: the server's times cannot be")
	}
	return Answer{
		At: asked.Add(away / 2), UTC: received.Add(held / 2),
		Uncertainty: (away-held)/2 + short(b[4:])/2 + short(b[8:]),
	}, nil
}

// timestamp reads NTP's 64 bits: seconds since 1900 in an era of 136 years, and a
// fraction. It is the first such time after since.
func timestamp(b []byte, since timescale.UTC) timescale.UTC {
	s := int64(binary.BigEndian.Uint32(b)) - ntpToUnix
	for floor := since.Ns() / int64(time.Second); s < floor; {
		s += era
	}
	fraction := int64(binary.BigEndian.Uint32(b[4:])) * int64(time.Second) >> 32
	return timescale.UTCFromNs(s*int64(time.Second) + fraction)
}

// short reads NTP's 32 bits of a duration: seconds and a fraction of 16 bits each.
func short(b []byte) time.Duration {
	return time.Duration(int64(binary.BigEndian.Uint32(b)) * int64(time.Second) >> 16)
}
