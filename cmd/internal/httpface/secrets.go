package httpface

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"bragi/cmd/internal/file"
)

// Config is where the face listens, and by which files it knows who may ask.
type Config struct {
	Address          string // HOST:PORT
	Certificate, Key string // PEM files; "": no TLS
	ClientCA         string // a PEM file: a client certificate of one of these is enough; "": none is
	TokenFile        string // its first line is enough, too; "": no token
}

const (
	fileMaxBytes  = 1 << 20
	tokenMinBytes = 16
	endsSoon      = 14 * 24 * time.Hour // a certificate
)

// secrets are what the files held when they were read.
type secrets struct {
	certificate *tls.Certificate // nil: no TLS
	clients     *x509.CertPool   // nil: none is known by its certificate
	hasToken    bool
	token       [sha256.Size]byte
	stamps      stamps
}

// stamps tell whether files have changed.
type stamps [4]struct {
	at   time.Time
	size int64
}

func stampsOf(c Config) (s stamps) {
	for i, path := range []string{c.Certificate, c.Key, c.ClientCA, c.TokenFile} {
		if info, err := os.Stat(path); path != "" && err == nil {
			s[i].at, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

func load(c Config) (*secrets, error) {
	s := &secrets{stamps: stampsOf(c)}
	if c.Certificate != "" {
		chain, err := file.Read(c.Certificate, fileMaxBytes)
		if err != nil {
			return nil, fmt.Errorf("control.http_certificate: %w (fix: name a PEM file with the certificate and what signed it)", err)
		}
		key, err := readSecret("control.http_key", c.Key)
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			return nil, fmt.Errorf("control.http_certificate and control.http_key: %w (fix: two PEM files that belong together)", err)
		}
		s.certificate = &pair
	}
	if c.ClientCA != "" {
		pem, err := file.Read(c.ClientCA, fileMaxBytes)
		if err != nil {
			return nil, fmt.Errorf("control.http_client_ca: %w (fix: name a PEM file)", err)
		}
		s.clients = x509.NewCertPool()
		if !s.clients.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("control.http_client_ca: %s has no certificate (fix: the PEM file of who signs client certificates)", c.ClientCA)
		}
	}
	if c.TokenFile != "" {
		text, err := readSecret("control.http_token_file", c.TokenFile)
		if err != nil {
			return nil, err
		}
		token, _, _ := strings.Cut(string(text), "\n")
		token = strings.TrimSpace(token)
		if len(token) < tokenMinBytes || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("control.http_token_file: the first line of %s is no token of at least %d letters and digits (fix: openssl rand -hex 32 > %[1]s)", c.TokenFile, tokenMinBytes)
		}
		s.hasToken, s.token = true, sha256.Sum256([]byte(token))
	}
	return s, nil
}

// readSecret refuses a file that everybody may read.
func readSecret(key, path string) ([]byte, error) {
	const others fs.FileMode = 0o004
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&others != 0 {
		return nil, fmt.Errorf("%s: everybody may read %s (fix: chmod o-r %[2]s)", key, path)
	}
	content, err := file.Read(path, fileMaxBytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (fix: name a file that bragid can read)", key, err)
	}
	return content, nil
}

// knows tells whether a request's Authorization has the token. How long that takes
// does not depend on what is right in it.
func (s *secrets) knows(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	bearer := strings.EqualFold(scheme, "Bearer") // in any capitals: RFC 9110, 11.1
	shown := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(shown[:], s.token[:]) == 1 && bearer && s.hasToken
}

// tls is how a connection that begins now is secured. A client certificate is asked
// for where one is known, and needed where there is no token.
func (s *secrets) tls() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*s.certificate}, ClientCAs: s.clients, SessionTicketsDisabled: true}
	switch {
	case s.clients == nil:
	case s.hasToken:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	default:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c
}

// doubts tells of a certificate that has ended, or ends soon; "": none.
func (s *secrets) doubts(now time.Time) string {
	if s.certificate == nil || s.certificate.Leaf == nil {
		return ""
	}
	ends := s.certificate.Leaf.NotAfter
	switch left := ends.Sub(now); {
	case left < 0:
		return fmt.Sprintf("the certificate ended on %s", ends.UTC().Format(time.DateOnly))
	case left < endsSoon:
		return fmt.Sprintf("the certificate ends on %s", ends.UTC().Format(time.DateOnly))
	}
	return ""
}
