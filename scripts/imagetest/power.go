package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cuts is how often the power is cut: twice in a first start, twice in an update, the rest in later starts.
func (t *bench) cuts() int {
	if t.long {
		return 20
	}
	return 5
}

// cutAfter takes the power away at a random moment within so much time.
func (t *bench) cutAfter(what string, within time.Duration) error {
	wait := time.Duration(random.Int64N(int64(within)))
	select {
	case <-time.After(wait):
	case <-t.ended:
		return errors.New("the machine ended by itself")
	}
	t.cut()
	t.figure("power cut %s after %s", wait.Round(time.Second), what)
	return nil
}

// cutInUpdate begins an update, and takes the power away at a random moment within so much time after it has said what.
func (t *bench) cutInUpdate(file, what string, within time.Duration) error {
	// The service for remote logins may still be starting.
	if _, err := t.remote(3*time.Minute, "show", "version"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	login := t.login(ctx, "update", "install", "http://"+outside+":8000/"+file)
	said, err := login.StdoutPipe()
	if err != nil {
		return err
	}
	var wrong bytes.Buffer
	login.Stderr = &wrong
	if err := login.Start(); err != nil {
		return err
	}
	end := func() {
		cancel() // nobody is there any more to end it
		_ = login.Wait()
	}
	last := ""
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if last = strings.TrimSpace(lines.Text()); strings.Contains(last, what) {
			defer end()
			return t.cutAfter("the update said "+strconv.Quote(last), within)
		}
	}
	end()
	return fmt.Errorf("the update never said %q, but at last %q: %s", what, last, wrong.String())
}

// powerCuts takes the power away while an update comes, while it is written, and at random moments of a start, and looks
// whether the next start finds all that was there.
func powerCuts(t *bench) error {
	b, err := t.bundle("")
	if err != nil {
		return err
	}
	t.cut()
	before, err := t.read("/config/bragi.toml")
	if err != nil {
		return err
	}
	if err := t.up(); err != nil {
		return err
	}
	slot, version, updated := t.slot, t.running, t.other()
	if err := t.cutInUpdate(b.file, "downloaded", 5*time.Second); err != nil {
		return err
	}
	if err := t.start(slot); err != nil {
		return fmt.Errorf("after the cut of a download: %w", err)
	}
	if t.running != version {
		return fmt.Errorf("slot %s with version %s ran before a download was cut, and %s runs after it", slot, version, t.running)
	}
	if err := t.cutInUpdate(b.file, "Copying image", 10*time.Second); err != nil {
		return err
	}
	for range t.cuts() - 4 {
		if err := t.on(); err != nil {
			return err
		}
		if err := t.cutAfter("power on", 90*time.Second); err != nil {
			return err
		}
	}
	if err := t.start("[AB]"); err != nil {
		return fmt.Errorf("after the cuts: %w", err)
	}
	// An update that was written before the power went may run; nothing else.
	if !(t.slot == slot && t.running == version) && !(t.slot == updated && t.running == b.version) {
		return fmt.Errorf("slot %s with version %s ran before the cuts, and slot %s with %s after them", slot, version, t.slot, t.running)
	}
	if err := t.served(); err != nil {
		return err
	}
	t.cut()
	after, err := t.read("/config/bragi.toml")
	if err == nil && before != after {
		err = errors.New("the configuration has changed")
	}
	return err
}

// powerCutsFirst takes the power away in the first start of a fresh medium.
func powerCutsFirst(t *bench) error {
	t.cut()
	if err := t.fresh(); err != nil {
		return err
	}
	for range 2 {
		if err := t.on(); err != nil {
			return err
		}
		if err := t.cutAfter("power on", 60*time.Second); err != nil {
			return err
		}
	}
	if err := t.start("A"); err != nil {
		return fmt.Errorf("after the cuts: %w", err)
	}
	if err := t.setup(); err != nil {
		return err
	}
	return t.served()
}
