package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// shell is the connection to the shell inside that the test's images have (the folder probe). It is kept while the
// machine is on: a shell whose line is closed ends.
type shell struct {
	net.Conn
	lines *bufio.Reader
	asked int
}

// attach connects to the shell's port of a machine that was just switched on.
func attach(socket string) (*shell, error) {
	limit := time.Now().Add(time.Minute)
	for {
		c, err := net.Dial("unix", socket)
		if err == nil {
			return &shell{Conn: c, lines: bufio.NewReader(c)}, nil
		}
		if time.Now().After(limit) {
			return nil, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// probe runs a command inside, and returns what it printed.
func (t *bench) probe(within time.Duration, command string) (string, error) {
	s := t.shell
	s.asked++
	begin, end := fmt.Sprintf("BEGIN-%d", s.asked), fmt.Sprintf("END-%d-", s.asked)
	if err := s.SetDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(s, "\necho %s\n( set -e\n%s\n) 2>&1\necho %s$?\n", begin, command, end); err != nil {
		return "", fmt.Errorf("the shell inside: %w", err)
	}
	var out strings.Builder
	begun := false
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("the shell inside does not answer %q within %s, but %q: %w", command, within, out.String(), os.ErrDeadlineExceeded)
		}
		line = strings.TrimSuffix(line, "\n")
		code, ended := strings.CutPrefix(line, end)
		switch {
		case line == begin:
			begun = true // what an earlier command was late with came before
			out.Reset()
		case begun && ended && code == "0":
			return out.String(), nil
		case begun && ended:
			return out.String(), fmt.Errorf("%s: exit %s: %s", command, code, strings.TrimSpace(out.String()))
		default:
			out.WriteString(line + "\n")
		}
	}
}
