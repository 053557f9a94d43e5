package operator

import (
	"os"

	"golang.org/x/term"

	"bragi/cmd/internal/show"
	"bragi/cmd/internal/terminal"
)

// Face is where commands draw: the shell's terminal, the console, or nothing that
// anybody looks at, such as a pipe.
type Face struct {
	// Size is how much room there is now; no columns: no limit.
	Size func() terminal.Size
	// Draw shows a screen in place of the one before it; nil: there is no terminal.
	Draw func(text string) error
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
	return Face{Size: size, Draw: func(text string) error {
		now := size()
		return frame.Draw(show.Fit(text, now.Columns), now)
	}}
}
