package board

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const boardsFolder = "../buildroot/board"

// of is the value of a variable of a board's file: NAME=VALUE or NAME="VALUE".
func of(t *testing.T, file, name string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)(?:^| )` + name + `="?([^"\n ]+)`).FindSubmatch(text)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// imageCaches are where scripts/image/where keeps what is built.
func imageCaches() []string {
	if dir := os.Getenv("BRAGI_IMAGE_CACHE"); dir != "" {
		return []string{dir}
	}
	return []string{"/var/cache/bragi-image", filepath.Join(os.Getenv("XDG_CACHE_HOME"), "bragi-image"), filepath.Join(os.Getenv("HOME"), ".cache/bragi-image")}
}

// The first name of a profile's LED is in the device tree of each image of that board:
// program and image agree. (A tree is a flat file, in which a label is a string.)
func TestTheLightOfAProfileIsInTheMergedTreeOfItsImage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(boardsFolder, "*", "board"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no boards in %s: %v", boardsFolder, err)
	}
	for _, file := range files {
		name, tree := filepath.Base(filepath.Dir(file)), filepath.Base(of(t, file, "DTBS"))
		if tree == "." {
			continue // the emulator makes its own
		}
		t.Run(name, func(t *testing.T) {
			example := filepath.Join("..", of(t, file, "CONFIG"))
			text, err := os.ReadFile(example)
			if err != nil {
				t.Fatal(err)
			}
			m := regexp.MustCompile(`(?m)^profile = "([^"]+)"`).FindSubmatch(text)
			if m == nil {
				t.Fatalf("%s names no profile", example)
			}
			profile, found := ProfileOf(string(m[1]))
			if !found {
				t.Fatalf("%s: no profile %s", example, m[1])
			}
			if len(profile.LEDs) == 0 {
				return
			}
			seen := 0
			for _, cache := range imageCaches() {
				built, _ := filepath.Glob(filepath.Join(cache, "dtb", "*", tree+".dtb")) //nolint:errcheck // the pattern is good
				for _, path := range built {
					flat, err := os.ReadFile(path)
					if err != nil {
						continue // another build has taken it away
					}
					seen++
					if !bytes.Contains(flat, []byte(profile.LEDs[0]+"\x00")) {
						t.Errorf("%s has no LED %s, which the profile %s takes first", path, profile.LEDs[0], profile.Name)
					}
				}
			}
			if seen == 0 {
				t.Skipf("SKIPPED: the tree of %s was not built here (fix: make image BOARD=%s, as root)", tree, name)
			}
		})
	}
}

// Linux asks no I2C bus of itself: the thermometer that the pages say to wire, and that
// "auto" is to find, stands in each overlay.
func TestEachOverlayHasAThermometerThatAutoTakes(t *testing.T) {
	overlays, err := filepath.Glob(filepath.Join(boardsFolder, "*", "dts", "*.dtso"))
	if err != nil || len(overlays) == 0 {
		t.Fatalf("no overlays in %s: %v", boardsFolder, err)
	}
	node := regexp.MustCompile(`thermometer@48 \{\s*compatible = "ti,([a-z0-9]+)";\s*reg = <0x48>;`)
	for _, path := range overlays {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := node.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s has no thermometer at 0x48", path)
			continue
		}
		if !strings.Contains(" "+strings.Join(boardChips, " ")+" ", " "+string(m[1])+" ") {
			t.Errorf("%s: auto takes no %s", path, m[1])
		}
	}
}
