package daemon

import (
	"fmt"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"bragi/cmd/internal/status"
)

// newLog returns the daemon's logger: to the journal when stderr is the journal,
// else to stderr. Nothing is sampled: an event that is dropped is an event that
// nobody can look for.
func newLog() *zap.Logger {
	if toJournal, err := journal.StderrIsJournalStream(); err == nil && toJournal && journal.Enabled() {
		return zap.New(&journalCore{LevelEnabler: zapcore.InfoLevel})
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeLevel = zapcore.CapitalLevelEncoder
	encoding.ConsoleSeparator = " "
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(encoding), zapcore.Lock(os.Stderr), zapcore.InfoLevel))
}

// told marks a line of the log as an event. Encoders skip it: the line has its words.
func told(r status.Record) zap.Field {
	return zap.Field{Key: "told", Type: zapcore.SkipType, Interface: r}
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
	for _, f := range append(c.with[:len(c.with):len(c.with)], fields...) {
		if r, isEvent := f.Interface.(status.Record); isEvent {
			priority = journal.Priority(r.Severity)
			vars["BRAGI_EVENT"] = r.Name
			for _, f := range r.Fields {
				vars["BRAGI_"+strings.ToUpper(f.Name)] = fmt.Sprint(f.Value)
			}
			continue
		}
		encoder := zapcore.NewMapObjectEncoder()
		f.AddTo(encoder)
		vars["BRAGI_"+strings.ToUpper(f.Key)] = fmt.Sprint(encoder.Fields[f.Key])
	}
	return journal.Send(e.Message, priority, vars)
}
