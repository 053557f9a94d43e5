package board

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lightFolder is a light as the kernel shows it.
func lightFolder(t *testing.T, name string, files map[string]string) (class string, read func(string) string) {
	t.Helper()
	class = t.TempDir()
	dir := filepath.Join(class, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return class, func(file string) string {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestALightIsTakenFromTheKernelAndTurned(t *testing.T) {
	class, read := lightFolder(t, "board:green:usr0", map[string]string{"brightness": "255\n", "max_brightness": "255\n", "trigger": "none timer [heartbeat]\n"})
	l, err := openLED(class, "board:green:usr0")
	if err != nil {
		t.Fatal(err)
	}
	if read("trigger") != "none" || read("brightness") != "0" {
		t.Errorf("when it is opened: trigger %q, brightness %q", read("trigger"), read("brightness"))
	}
	for _, step := range []struct {
		on   bool
		want string
	}{{true, "255"}, {true, "255"}, {false, "0"}, {true, "255"}} {
		if err := l.Set(step.on); err != nil || read("brightness") != step.want {
			t.Errorf("set to %v: %q, %v", step.on, read("brightness"), err)
		}
	}
}

func TestALightThatIsNotThereIsNamed(t *testing.T) {
	class, _ := lightFolder(t, "other", map[string]string{"brightness": "0"})
	if _, err := openLED(class, "status"); err == nil || !strings.Contains(err.Error(), "status") || !strings.Contains(err.Error(), "fix:") {
		t.Errorf("%v", err)
	}
	if l, err := openLED(class, "other"); err != nil || l.Set(true) != nil {
		t.Errorf("a light without triggers and steps: %v", err)
	}
}

// A light that goes away, and one that comes back, is written again.
func TestALightThatFailedIsWrittenAgain(t *testing.T) {
	class, read := lightFolder(t, "x", map[string]string{"brightness": "0"})
	l, err := openLED(class, "x")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(class, "x", "brightness")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if l.Set(true) == nil {
		t.Error("a light that is away was set")
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := l.Set(false); err != nil || read("brightness") != "0" {
		t.Errorf("%q, %v", read("brightness"), err)
	}
}

// Kernels name one light in different ways: the first name that is there is taken.
func TestTheFirstLightThatIsThereIsTaken(t *testing.T) {
	class, _ := lightFolder(t, "board:green:usr0", map[string]string{"brightness": "0"})
	l, err := openLED(class, "board:green:heartbeat", "board:green:usr0")
	if err != nil || l.Name != "board:green:usr0" {
		t.Errorf("%+v, %v", l, err)
	}
	_, err = openLED(class, "board:green:heartbeat", "status")
	if err == nil || !strings.Contains(err.Error(), "no light board:green:heartbeat or status: there is board:green:usr0 (fix:") {
		t.Errorf("%v", err)
	}
}
