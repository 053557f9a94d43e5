package console

import (
	"errors"
	"fmt"
	"log/syslog"
	"os"
	"os/exec"
	"strings"
)

// account is whose password opens the shell.
const account = "root"

// shadowFile keeps the system's passwords; none is ours.
var shadowFile = "/etc/shadow"

// hasPassword says whether an account has a password in a shadow file's text: a hash,
// not "*" or "!" for none, and not the empty one that everybody knows.
func hasPassword(shadow, account string) bool {
	for line := range strings.Lines(shadow) {
		fields := strings.Split(line, ":")
		if len(fields) > 1 && fields[0] == account {
			return strings.HasPrefix(fields[1], "$") || len(fields[1]) == 13 && !strings.ContainsAny(fields[1], "*!")
		}
	}
	return false
}

// shell lends the terminal to login, which asks for the password. Without a password
// there is no shell: nobody comes from the console to Linux who was not let in.
func (s *session) shell([]string) error {
	// An image has no such program, nor one to set a password: there a password is no way to a shell.
	login, err := exec.LookPath("login")
	if err != nil {
		return complaint{errors.New("there is no shell: this system has no login program")}
	}
	shadow, err := os.ReadFile(shadowFile)
	if err != nil {
		return complaint{fmt.Errorf("there is no shell: %w (fix: run the console as root)", err)}
	}
	if !hasPassword(string(shadow), account) {
		return complaint{errors.New("there is no shell: no password is set (fix: setup asks for one)")}
	}
	record(syslog.LOG_WARNING, "a shell of Linux was asked for at the console")
	err = s.tty.Run(exec.CommandContext(s.ctx, login, account))
	record(syslog.LOG_NOTICE, "the shell of Linux at the console has ended")
	if err != nil {
		return complaint{fmt.Errorf("the shell has ended: %w", err)}
	}
	return nil
}

// record tells the system's log what was done at the console.
func record(priority syslog.Priority, text string) {
	w, err := syslog.New(syslog.LOG_AUTHPRIV|priority, "bragi-console")
	if err != nil {
		return // there is no system log
	}
	defer w.Close()
	w.Write([]byte(text)) //nolint:errcheck // likewise
}
