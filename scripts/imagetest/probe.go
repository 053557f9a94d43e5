package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"
)

// probe runs a command of the shell inside that the test's images have (the folder probe), and returns what it printed.
func (t *bench) probe(within time.Duration, command string) (string, error) {
	limit := time.Now().Add(within)
	for {
		out, err := t.probeOnce(limit, command)
		if err == nil || time.Now().After(limit) {
			return out, err
		}
		time.Sleep(5 * time.Second)
	}
}

func (t *bench) probeOnce(limit time.Time, command string) (string, error) {
	c, err := net.Dial("unix", t.port())
	if err != nil {
		return "", err
	}
	defer c.Close()
	if end := time.Now().Add(time.Minute); end.Before(limit) {
		limit = end
	}
	if err := c.SetDeadline(limit); err != nil {
		return "", err
	}
	// What an earlier command left behind ends at the first mark.
	if _, err := fmt.Fprintf(c, "\necho BEGIN-$((1+1))\n( set -e\n%s\n) 2>&1\necho END-$?-$((1+1))\n", command); err != nil {
		return "", err
	}
	var out strings.Builder
	begun := false
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "BEGIN-2":
			begun = true
			out.Reset()
		case begun && strings.HasPrefix(line, "END-") && strings.HasSuffix(line, "-2"):
			if line != "END-0-2" {
				return out.String(), fmt.Errorf("%s: exit %s: %s", command, strings.Split(line, "-")[1], strings.TrimSpace(out.String()))
			}
			return out.String(), nil
		case begun:
			out.WriteString(line + "\n")
		}
	}
	return "", fmt.Errorf("the shell inside does not answer %q: %v", command, lines.Err())
}
