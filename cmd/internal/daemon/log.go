package daemon

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"bragi/cmd/internal/syslog"
)

// newLog returns the daemon's logger: to the journal when stderr is the
// journal, else to stderr; and events to the syslog servers. Nothing is
// sampled: an event that is dropped is an event that nobody can look for.
func newLog(form syslog.Format, targets []netip.AddrPort) (*zap.Logger, *syslog.Sender) {
	var local zapcore.Core
	if toJournal, err := journal.StderrIsJournalStream(); err == nil && toJournal && journal.Enabled() {
		local = &journalCore{LevelEnabler: zapcore.InfoLevel}
	} else {
		encoding := zap.NewProductionEncoderConfig()
		encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoding.ConsoleSeparator = " "
		local = zapcore.NewCore(zapcore.NewConsoleEncoder(encoding), zapcore.Lock(os.Stderr), zapcore.InfoLevel)
	}
	sender := syslog.NewSender(form, targets)
	return zap.New(zapcore.NewTee(local, syslog.NewCore(sender))), sender
}

// journalCore writes to systemd's journal, with the fields as the journal's own.
type journalCore struct {
	zapcore.LevelEnabler
	with []zapcore.Field
}

func (c *journalCore) With(fields []zapcore.Field) zapcore.Core {
	return &journalCore{c.LevelEnabler, append(c.with[:len(c.with):len(c.with)], fields...)}
}

func (c *journalCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *journalCore) Sync() error { return nil }

func (c *journalCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	priority := journal.PriInfo
	switch {
	case e.Level >= zapcore.ErrorLevel:
		priority = journal.PriErr
	case e.Level == zapcore.WarnLevel:
		priority = journal.PriWarning
	}
	vars := map[string]string{}
	text := e.Message
	for _, f := range append(c.with[:len(c.with):len(c.with)], fields...) {
		encoder := zapcore.NewMapObjectEncoder()
		f.AddTo(encoder)
		value := fmt.Sprint(encoder.Fields[f.Key])
		vars["BRAGI_"+strings.ToUpper(f.Key)] = value
		if f.Key != "event" {
			text += " " + f.Key + "=" + value
		}
	}
	return journal.Send(text, priority, vars)
}
