package board

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const ledClass = "/sys/class/leds"

// LED is a light of the kernel's leds class. It is taken from the kernel's own use
// of it while it is open.
type LED struct {
	Name string
	dir  string
	full string // the brightness that is on
	lit  string // what was last written; "": nothing
}

// OpenLED takes the first light of names, or of folders' paths, that is there, and
// puts it out.
func OpenLED(names ...string) (*LED, error) { return openLED(ledClass, names...) }

func openLED(class string, names ...string) (*LED, error) {
	l := &LED{full: "1"}
	for _, name := range names {
		dir := filepath.Join(class, name)
		if filepath.IsAbs(name) {
			dir = name
		}
		if _, err := os.Stat(filepath.Join(dir, "brightness")); err == nil {
			l.Name, l.dir = name, dir
			break
		}
	}
	if l.dir == "" {
		return nil, fmt.Errorf("board: no light %s: there is %s (fix: take a name in %s)", strings.Join(names, " or "), lights(class), class)
	}
	if most, err := os.ReadFile(filepath.Join(l.dir, "max_brightness")); err == nil {
		l.full = strings.TrimSpace(string(most))
	}
	// A light without triggers has no such file.
	if _, err := os.Stat(filepath.Join(l.dir, "trigger")); err == nil {
		if err := l.write("trigger", "none"); err != nil {
			return nil, err
		}
	}
	return l, l.Set(false)
}

// lights names those that are there.
func lights(class string) string {
	there, err := os.ReadDir(class)
	if err != nil || len(there) == 0 {
		return "none"
	}
	names := make([]string, len(there))
	for i, one := range there {
		names[i] = one.Name()
	}
	return strings.Join(names, ", ")
}

// Path is the light's folder.
func (l *LED) Path() string { return l.dir }

// Set turns the light on or off.
func (l *LED) Set(on bool) error {
	want := "0"
	if on {
		want = l.full
	}
	if want == l.lit {
		return nil
	}
	if err := l.write("brightness", want); err != nil {
		l.lit = ""
		return err
	}
	l.lit = want
	return nil
}

func (l *LED) write(file, text string) error {
	f, err := os.OpenFile(filepath.Join(l.dir, file), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return fmt.Errorf("board: light %s: %w", l.Name, err)
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("board: light %s: %w", l.Name, err)
	}
	return nil
}
