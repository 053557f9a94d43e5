// Package image_test tests the scripts that make the image, as far as they go without a builder.
package image_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// shell runs a script of the source tree with more of an environment, and returns what it said.
func shell(t *testing.T, env []string, script string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join("..", "..", script), args...)
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	return string(out), err
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// holds are the names in a folder.
func holds(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestAKeyThatIsThereIsNeverWrittenOver(t *testing.T) {
	all := []string{"ca.cert.pem", "ca.key.pem", "signer.cert.pem", "signer.key.pem"}
	for set := 1; set < 1<<len(all); set++ {
		dir := t.TempDir()
		has := map[string]bool{}
		for i, name := range all {
			if set&(1<<i) != 0 {
				write(t, filepath.Join(dir, name), "mine")
				has[name] = true
			}
		}
		before := holds(t, dir)
		whole := has["ca.cert.pem"] && has["signer.cert.pem"] && has["signer.key.pem"]
		out, err := shell(t, nil, "scripts/keys", dir)
		if whole != (err == nil) || !whole && (!strings.Contains(out, dir) || !strings.Contains(out, "fix: restore it")) {
			t.Errorf("%s: %v, %s", before, err, out)
		}
		if after := holds(t, dir); after != before {
			t.Errorf("%s became %s", before, after)
		}
		for name := range has {
			if text, _ := os.ReadFile(filepath.Join(dir, name)); string(text) != "mine" {
				t.Errorf("%s: %s was written over", before, name)
			}
		}
	}
}

func TestKeysAreMadeInAnEmptyFolderAndOnlyWhereWanted(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("SKIPPED: making keys: no openssl (fix: scripts/setup image, as root)")
	}
	dir := filepath.Join(t.TempDir(), "a folder")
	if out, err := shell(t, nil, "scripts/keys", "--have", dir); err == nil || !strings.Contains(out, "fix: ") {
		t.Errorf("--have of nothing: %v, %s", err, out)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("--have made the folder")
	}
	for range 2 { // the second one finds them
		if out, err := shell(t, nil, "scripts/keys", dir); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if got := holds(t, dir); got != "ca.cert.pem ca.key.pem signer.cert.pem signer.key.pem" {
		t.Error(got)
	}
	if out, err := shell(t, nil, "scripts/keys", "--have", dir); err != nil {
		t.Errorf("--have: %v, %s", err, out)
	}
}

func TestABuildRefusesAtItsStartWhatItCannotUse(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	write(t, filepath.Join(mine, "letters.txt"), "mine")
	write(t, filepath.Join(dir, "other", "bragi-imx6q-1.img"), "")
	write(t, filepath.Join(dir, "boots", "u-boot.bin"), "")
	write(t, filepath.Join(dir, "built", "bragi-qemu-arm-1 2.img"), "")
	write(t, filepath.Join(dir, "built", "u-boot.bin"), "")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		board, env, says string // says "": it may begin
	}{
		{"qemu-arm", "", ""},
		{"qemu-arm", "VERSION=2.0~rc1-a", ""},
		{"qemu-arm", "OVERLAY=scripts/imagetest/probe", ""},
		{"qemu-arm", "FIRMWARE=" + dir, ""},
		{"qemu-arm", "OUT=" + filepath.Join(dir, "empty"), ""},
		{"qemu-arm", "OUT=" + filepath.Join(dir, "new"), ""},
		{"qemu-arm", "OUT=" + filepath.Join(dir, "built"), ""},
		{"", "", "one of: beaglebone-black"},
		{"typo", "", "one of: beaglebone-black"},
		{"common", "", "one of: beaglebone-black"},
		{"../board/qemu-arm", "", "one of: beaglebone-black"},
		{"imx6q imx6ul-evk", "", "one of: beaglebone-black"},
		{"beaglebone_black", "", "one of: beaglebone-black"},
		{"qemu-arm", "VERSION=1/2", "IMAGE_VERSION"},
		{"qemu-arm", "VERSION=1 2", "IMAGE_VERSION"},
		{"qemu-arm", "VERSION=-1", "IMAGE_VERSION"},
		{"qemu-arm", "VERSION=1\n2", "IMAGE_VERSION"},
		{"qemu-arm", "VERSION=$(id)", "IMAGE_VERSION"},
		{"qemu-arm", "OVERLAY=scripts/typo", "OVERLAY names scripts/typo"},
		{"qemu-arm", "OVERLAY=scripts/imagetest/probe scripts/typo", "OVERLAY names scripts/typo"},
		{"qemu-arm", "OVERLAY=" + dir, "of this source tree"},
		{"qemu-arm", "FIRMWARE=" + dir + "/typo", "FIRMWARE names"},
		{"qemu-arm", "OUT=" + mine, "has letters.txt"},
		{"qemu-arm", "OUT=" + filepath.Join(mine, "letters.txt"), "no folder"},
		{"qemu-arm", "OUT=" + filepath.Join(dir, "other"), "has bragi-imx6q-1.img"},
		{"qemu-arm", "OUT=" + filepath.Join(dir, "boots"), "no image of qemu-arm"},
	} {
		out, err := shell(t, []string{c.env}, "scripts/image/build", "--check", c.board)
		if (err == nil) != (c.says == "") || !strings.Contains(out, c.says) {
			t.Errorf("BOARD=%q %q: %v: %s, want %q", c.board, c.env, err, out, c.says)
		}
		if strings.HasPrefix(c.env, "O") || strings.HasPrefix(c.env, "F") {
			continue
		}
		out, err = shell(t, []string{c.env}, "scripts/image/frombuildroot", "--check", c.board)
		if (err == nil) != (c.says == "") || !strings.Contains(out, c.says) {
			t.Errorf("by Buildroot: BOARD=%q %q: %v: %s, want %q", c.board, c.env, err, out, c.says)
		}
	}
}

// common runs a function of scripts/image/common.
func common(t *testing.T, env []string, line string, args ...string) (string, error) {
	t.Helper()
	script := `set -eu -o pipefail; cd ../..; . scripts/image/common; ` + line
	c := exec.CommandContext(t.Context(), "bash", append([]string{"-c", script, "common"}, args...)...)
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestABuildEmptiesOnlyItsOwnFolder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "a b")
	for _, name := range []string{"bragi-qemu-arm-1.img", "bragi-qemu-arm-1.log", "u-boot.bin", "NOT-COMPLETE", "lock.diff", "serial.log"} {
		write(t, filepath.Join(out, name), "")
	}
	if said, err := common(t, nil, `empty_out "$1" qemu-arm`, out); err != nil || holds(t, out) != "" {
		t.Errorf("%v: %s; left: %s", err, said, holds(t, out))
	}
	write(t, filepath.Join(out, "bragi-qemu-arm-1.img"), "")
	write(t, filepath.Join(out, "mine"), "")
	if said, err := common(t, nil, `empty_out "$1" qemu-arm`, out); err == nil || holds(t, out) != "bragi-qemu-arm-1.img mine" {
		t.Errorf("%v: %s; left: %s", err, said, holds(t, out))
	}
}

func TestOldResultsGoAndNothingElseWhateverTheirFolderIsCalled(t *testing.T) {
	top := t.TempDir()
	cache := filepath.Join(top, "my cache\nand more", "root")
	write(t, filepath.Join(top, "my", "keep"), "")
	write(t, filepath.Join(top, "and", "keep"), "")
	now := time.Now()
	for i, name := range []string{"oldest one", "-rf", "c", "d"} {
		write(t, filepath.Join(cache, name, "file"), "")
		at := now.Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(filepath.Join(cache, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := common(t, nil, `cd "$2"; keep_newest "$1" 2`, cache, top); err != nil || holds(t, cache) != "c d" {
		t.Errorf("%v: %s; left: %s", err, said, holds(t, cache))
	}
	for _, name := range []string{"my", "and"} {
		if holds(t, filepath.Join(top, name)) != "keep" {
			t.Errorf("%s is not whole", name)
		}
	}
}

// A name with a blank is one name: whatever find or grep hands on to xargs ends with a zero octet.
func TestNoScriptSplitsNamesAtBlanks(t *testing.T) {
	handsOn := regexp.MustCompile(`\b(find|grep|ls|sort|cut)\b.*\|\s*xargs `)
	var scripts int
	for _, top := range []string{"..", "../../.ci", "../../buildroot"} {
		err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil || !bytes.HasPrefix(text, []byte("#")) {
				return nil //nolint:nilerr // a link to nowhere is no script
			}
			scripts++
			for line := range strings.Lines(string(text)) {
				// What modprobe takes are names of modules, and busybox has no zeroes there.
				if handsOn.MatchString(line) && !regexp.MustCompile(`xargs -0|xargs -r modprobe`).MatchString(line) {
					t.Errorf("%s: %s", path, line)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if scripts < 20 {
		t.Errorf("only %d scripts were read", scripts)
	}
}

func TestABuildTakesNoKeysButThoseOfTheFolderThatIsNamed(t *testing.T) {
	cache := t.TempDir()
	named := filepath.Join(cache, "typo")
	if out, err := common(t, []string{"BRAGI_KEYS=" + named}, `keys_in "$1"`, cache); err == nil || !strings.Contains(out, named+" has no keys") {
		t.Errorf("%v: %s", err, out)
	}
	if holds(t, cache) != "" {
		t.Errorf("made %s", holds(t, cache))
	}
	for _, name := range []string{"ca.cert.pem", "signer.cert.pem", "signer.key.pem"} {
		write(t, filepath.Join(named, name), "")
	}
	if out, err := common(t, []string{"BRAGI_KEYS=" + named}, `keys_in "$1"; echo "$keys"`, cache); err != nil || out != named+"\n" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestACacheThatSomebodyNamesIsOneOrIsEmpty(t *testing.T) {
	top := t.TempDir()
	for _, c := range []struct{ has, says string }{
		{"", ""},
		{"keys/ca.cert.pem", ""},
		{"lock", ""},
		{".bragi-image", ""},
		{"root/thesis.txt", "old ones are removed"},
		{"builder/house.txt", "old ones are removed"},
	} {
		dir := filepath.Join(top, "of "+strings.ReplaceAll(c.has, "/", "-"))
		if c.has != "" {
			write(t, filepath.Join(dir, c.has), "")
		}
		for range 2 { // the second time as the first
			out, err := shell(t, []string{"BRAGI_IMAGE_CACHE=" + dir}, "scripts/image/where")
			if (err == nil) != (c.says == "") || !strings.Contains(out, c.says) || err == nil && out != dir+"\n" {
				t.Errorf("a folder with %q: %v: %s", c.has, err, out)
			}
		}
	}
	file := filepath.Join(top, "file")
	write(t, file, "")
	if out, err := shell(t, []string{"BRAGI_IMAGE_CACHE=" + file}, "scripts/image/where"); err == nil || !strings.Contains(out, "cannot be written") {
		t.Errorf("a file: %v: %s", err, out)
	}
}
