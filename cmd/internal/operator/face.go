package operator

import (
	"os"
	"time"

	"golang.org/x/term"

	"bragi/cmd/internal/show"
	"bragi/cmd/internal/terminal"
)

// Face is where commands draw: the shell's terminal, the console, or nothing that
// anybody looks at, such as a pipe.
type Face struct {
	// Size is how much room there is now; no columns: no limit.
	Size func() terminal.Size
	// Zone is the time zone that times are shown in; nil: the machine's.
	Zone *time.Location
	// Whole: who draws fits the lines to the terminal, after what else is done to them.
	Whole bool
	// Draw shows a screen in place of the one before it, and keeps an end of one that is too
	// long; nil: there is no terminal.
	Draw func(text string, kept terminal.End) error
}

// Shell is the face of a shell: standard output.
func Shell() Face {
	descriptor := int(os.Stdout.Fd())
	if !term.IsTerminal(descriptor) {
		return Face{Size: func() terminal.Size { return terminal.Size{} }}
	}
	frame := terminal.NewFrame(os.Stdout)
	size := func() terminal.Size {
		columns, rows, err := term.GetSize(descriptor)
		if err != nil || columns <= 0 || rows <= 0 {
			return terminal.Size{Columns: 80, Rows: 24}
		}
		return terminal.Size{Columns: columns, Rows: rows}
	}
	return Face{Size: size, Draw: func(text string, kept terminal.End) error {
		now := size()
		return frame.Draw(show.Fit(text, now.Columns), kept, now)
	}}
}

// local is a time as the face's reader has it.
func (f Face) local(at time.Time) string {
	if f.Zone != nil {
		at = at.In(f.Zone)
	} else {
		at = at.Local()
	}
	return at.Format("2006-01-02 15:04:05 MST")
}
