package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bundle is an update of the board that is built while the machine already runs.
type bundle struct {
	file, version string
	took          time.Duration
	err           error
	built         chan struct{}
}

// The versions of the updates: the date decides which is newer.
var updates = []struct{ broken, version string }{
	{"", "2090.01.01.0000-test"},
	{"daemon", "2090.02.01.0000-testdaemon"},
	{"kernel", "2090.02.01.0000-testkernel"},
}

// refused stands for the bundles that no board may take.
const refused = "refused"

// prepare begins to build the bundles that the scenarios need.
func (t *bench) prepare(played []scenario) {
	wanted := map[string]bool{}
	for _, s := range played {
		for _, broken := range s.bundles {
			wanted[broken] = true
		}
	}
	t.bundles = map[string]*bundle{}
	for _, u := range updates {
		if wanted[u.broken] {
			t.bundles[u.broken] = &bundle{file: u.version + ".raucb", version: u.version, built: make(chan struct{})}
		}
	}
	t.crafted = &bundle{built: make(chan struct{})}
	go func() {
		defer close(t.crafted.built)
		if wanted[refused] {
			t.crafted.err = t.craftBad()
		}
	}()
	go func() {
		for _, u := range updates {
			if b := t.bundles[u.broken]; b != nil {
				begin := time.Now()
				b.err = t.build(b, u.broken)
				b.took = time.Since(begin).Round(time.Second)
				close(b.built)
			}
		}
	}()
}

// bundle is the update of the board in which so much is broken ("": nothing; else a folder of scripts/imagetest/broken),
// once it is built. The machine can load it.
func (t *bench) bundle(broken string) (*bundle, error) {
	b := t.bundles[broken]
	<-b.built
	if b.took > 0 {
		t.figure("bundle %s was built in %s", b.version, b.took)
		b.took = 0
	}
	return b, b.err
}

// build puts a bundle where the machine can load it.
func (t *bench) build(b *bundle, broken string) error {
	if _, err := os.Stat(filepath.Join(t.dir, b.file)); err == nil {
		return nil // a test before left it
	}
	out := filepath.Join(t.dir, "build")
	c := exec.Command("scripts/image/build", t.name)
	overlay := "scripts/imagetest/probe"
	if broken != "" {
		overlay += " scripts/imagetest/broken/" + broken
	}
	c.Env = append(os.Environ(), "FAST=1", "VERSION="+b.version, "OUT="+out, "OVERLAY="+overlay)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it ends with all that it started
	t.mu.Lock()
	if t.over.Load() {
		t.mu.Unlock()
		return errors.New("the test is over")
	}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Start()
	if err == nil {
		t.building = c.Process
	}
	t.mu.Unlock()
	if err == nil {
		err = c.Wait()
		t.mu.Lock()
		t.building = nil
		t.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("bundle %s: %w\n%s", b.version, err, tail(said.String()))
	}
	built, err := one(out, "*.raucb")
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(built, filepath.Join(t.dir, b.file)), os.RemoveAll(out))
}

// stopBuilds ends the bundle that is being built, with all that its build has started.
func (t *bench) stopBuilds() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.building != nil {
		_ = syscall.Kill(-t.building.Pid, syscall.SIGTERM)
	}
}

// craft signs a bundle of so many bytes of no meaning for a board, as the build signs the real ones.
func (t *bench) craft(name, board, version string, size int64) error {
	cache, err := sh("scripts/image/where")
	if err != nil {
		return err
	}
	cache = strings.TrimSpace(cache)
	work := filepath.Join(cache, "crafted")
	defer os.RemoveAll(work)
	if err := os.MkdirAll(work, 0o700); err != nil {
		return err
	}
	content := filepath.Join(work, "content")
	noise := make([]byte, 64<<10) // zeros alone would leave nothing to sign
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	if err := os.WriteFile(content, noise, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(content, size); err != nil {
		return err
	}
	if _, err := sh("scripts/image/builder", "run", cache, "/src/buildroot/board/common/bundle.sh", "/cache/crafted/content", board, version, "/cache/signing", "/cache/crafted/"+name); err != nil {
		return err
	}
	_, err = sh("mv", filepath.Join(work, name), filepath.Join(t.dir, name))
	return err
}

// update lets the machine install a bundle and restart into it.
func (t *bench) update(name string) error {
	out, err := t.remote(10*time.Minute, "update", "install", "http://"+outside+":8000/"+name, "--now")
	// The restart may end the login before the verb has ended.
	if err != nil && !strings.Contains(out, "The board restarts") {
		return err
	}
	return nil
}

// other is the slot that does not run.
func (t *bench) other() string { return opposite(t.slot) }

func opposite(slot string) string {
	if slot == "A" {
		return "B"
	}
	return "A"
}

// keptIn waits until a slot is kept with a version, after mark of the serial line.
func (t *bench) keptIn(slot, version string, mark int) error {
	begin := time.Now()
	found, _, err := t.expect(`bragi: slot `+slot+` is kept: version (\S+) serves, (\S+) s after the start`, `slot `+opposite(slot)+` is kept|cannot be repaired`, mark, 2*startLimit)
	if err != nil {
		return err
	}
	if found[1] != version {
		return fmt.Errorf("slot %s has version %s, and not %s", slot, found[1], version)
	}
	t.slot, t.running = slot, version
	t.figure("slot %s with version %s was kept %s after the restart was asked for", slot, version, time.Since(begin).Round(time.Second))
	return nil
}

func goodUpdate(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	b, err := t.bundle("")
	if err != nil {
		return err
	}
	before, err := t.identity()
	if err != nil {
		return err
	}
	slot := t.other()
	mark := t.mark()
	if err := t.update(b.file); err != nil {
		return err
	}
	return t.updated(slot, b, before, mark)
}

// updated waits until a slot is kept with a version, and looks whether the board is what it was before.
func (t *bench) updated(slot string, b *bundle, before string, mark int) error {
	if err := t.keptIn(slot, b.version, mark); err != nil {
		return err
	}
	if err := t.served(); err != nil {
		return err
	}
	status, err := t.remote(3*time.Minute, "update", "status")
	if err != nil {
		return err
	}
	if !strings.Contains(status, b.version) {
		return fmt.Errorf("bragi update status does not name %s:\n%s", b.version, status)
	}
	after, err := t.identity()
	if err == nil && before != after {
		err = errors.New("the update changed the machine's identity")
	}
	return err
}

// damagedSlot installs an update and takes the power away. What was written is damaged: the slot is left after its three
// tries. Then it is whole again, and the operator goes over to it.
func damagedSlot(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	b, err := t.bundle("")
	if err != nil {
		return err
	}
	before, err := t.identity()
	if err != nil {
		return err
	}
	slot, version, other := t.slot, t.running, t.other()
	if _, err := t.remote(10*time.Minute, "update", "install", "http://"+outside+":8000/"+b.file); err != nil {
		return err
	}
	t.figure("the update is installed")
	t.cut()
	was := make([]byte, 4096)
	if err := t.replace(other, was); err != nil {
		return err
	}
	if err := t.on(); err != nil {
		return err
	}
	mark := 0
	for range 3 {
		if _, mark, err = t.expect(`bragi: slot `+other+` does not load`, kept, mark, startLimit); err != nil {
			return err
		}
	}
	if err := t.keptIn(slot, version, mark); err != nil {
		return err
	}
	if err := t.replace(other, was); err != nil {
		return err
	}
	mark = t.mark()
	// The restart may end the login before the verb has ended.
	if out, err := t.remote(10*time.Minute, "update", "rollback", "--now"); err != nil && !strings.Contains(out, "The board restarts") {
		return err
	}
	return t.updated(other, b, before, mark)
}

// replace puts bytes at the begin of a slot of the medium, and what was there into b.
func (t *bench) replace(slot string, b []byte) error {
	f, err := os.OpenFile(t.disk, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	was := make([]byte, len(b))
	_, err = f.ReadAt(was, slotOffset(slot))
	if err == nil {
		_, err = f.WriteAt(b, slotOffset(slot))
	}
	copy(b, was)
	return errors.Join(err, f.Close())
}

// slotOffset is where a slot begins on the medium.
func slotOffset(slot string) int64 {
	if slot == "B" {
		return 4<<20 + slotSize
	}
	return 4 << 20
}

// craftBad makes the bundles that are refused.
func (t *bench) craftBad() error {
	const newer = "2090.01.01.0000-crafted"
	for _, c := range []struct {
		file, board, version string
		size                 int64
	}{
		{"whole.raucb", t.name, newer, 128 << 10},
		{"large.raucb", t.name, newer, slotSize + 4096},
		{"foreign.raucb", "beaglebone-black", newer, 128 << 10},
		{"older.raucb", t.name, "2001.01.01.0000-crafted", 128 << 10},
	} {
		if err := t.craft(c.file, c.board, c.version, c.size); err != nil {
			return err
		}
	}
	whole, err := os.ReadFile(filepath.Join(t.dir, "whole.raucb"))
	if err != nil {
		return err
	}
	// The signature is at the end, before the eight bytes that tell its size.
	forged := append([]byte(nil), whole...)
	forged[len(forged)-100] ^= 1
	if err := os.WriteFile(filepath.Join(t.dir, "forged.raucb"), forged, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.dir, "cut.raucb"), whole[:len(whole)/2], 0o600)
}

// badUpdates are refused before a byte is written.
func badUpdates(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	<-t.crafted.built
	if t.crafted.err != nil {
		return t.crafted.err
	}
	before, err := t.sum(t.other())
	if err != nil {
		return err
	}
	for _, c := range []struct{ file, says string }{
		{"large.raucb", "flash the whole image"},
		{"foreign.raucb", "take the bundle of this board"},
		{"forged.raucb", "signature"},
		{"cut.raucb", "rauc info"},
		{"older.raucb", "--older"},
		{"nothing.raucb", "404"},
	} {
		_, err := t.remote(5*time.Minute, "update", "install", "http://"+outside+":8000/"+c.file)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			return fmt.Errorf("%s: %v, which does not say %q", c.file, err, c.says)
		}
		_, said, _ := strings.Cut(lastLine(err.Error()), "bragi: ")
		t.figure("%s: %s", c.file, said)
	}
	after, err := t.sum(t.other())
	if err == nil && before != after {
		err = errors.New("a bundle that was refused changed the other slot")
	}
	return err
}

// sum is that of what is in a slot, as the medium has it: the machine itself would take minutes.
func (t *bench) sum(slot string) (string, error) {
	f, err := os.Open(t.disk)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, io.NewSectionReader(f, slotOffset(slot), slotSize))
	return hex.EncodeToString(h.Sum(nil)), err
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// brokenUpdate installs an update that cannot serve, and waits until the machine is back at the version of before.
func brokenUpdate(broken string) func(*bench) error {
	return func(t *bench) error {
		if err := t.up(); err != nil {
			return err
		}
		b, err := t.bundle(broken)
		if err != nil {
			return err
		}
		slot, version := t.slot, t.running
		mark := t.mark()
		if err := t.update(b.file); err != nil {
			return err
		}
		if _, _, err := t.expect(`bragi: slot `+t.other()+`, tries left`, "", mark, startLimit); err != nil {
			return fmt.Errorf("the new slot was not started: %w", err)
		}
		return t.keptIn(slot, version, mark)
	}
}
