package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// scenario is something that happens to an appliance. Each begins with the machine off and ends so.
type scenario struct {
	name string
	play func(*bench) error
}

// scenarios are played in this order: each begins with what the ones before left on the medium.
var scenarios = []scenario{
	{"first start: from the boot loader to a kept slot, served outside", firstStart},
	{"second start: the same identity, the data partition grown", secondStart},
	{"update: the new version is kept, with the same identity", goodUpdate},
	{"updates that are forged, cut, older or not there are refused", badUpdates},
	{"fall-back: a new version whose daemon does not start", brokenUpdate("daemon")},
	{"fall-back: a new version whose kernel panics", brokenUpdate("kernel")},
	{"power cuts at random moments lose nothing", powerCuts},
}

// startLimit is how long a start may take: an emulated machine on a loaded host is slow.
const startLimit = 15 * time.Minute

// kept is what the serial line says once a slot is kept.
const kept = `bragi: slot ([AB]) is kept: version (\S+) serves, (\S+) s after the start`

// bad is what it says of a start that goes wrong.
const bad = `Kernel panic|does not serve: version|bragi: .*: restart in 5 s|data partition cannot`

// start switches the machine on and waits until its slot is kept.
func (t *bench) start(slot string) error {
	if err := t.on(); err != nil {
		return err
	}
	at := func() string { return time.Since(t.since).Round(time.Second).String() }
	if _, _, err := t.expect(`bragi: slot (`+slot+`), tries left`, `does not load`, 0, time.Minute); err != nil {
		return err
	}
	loader := at()
	if _, _, err := t.expect(`Starting kernel`, `does not load`, 0, 3*time.Minute); err != nil {
		return err
	}
	kernel := at()
	found, _, err := t.expect(kept, bad, 0, startLimit)
	if err != nil {
		return err
	}
	t.slot, t.running = found[1], found[2]
	t.figure("from power on: boot loader %s, kernel %s, slot %s kept %s (the guest's own time: %s s)", loader, kernel, t.slot, at(), found[3])
	return nil
}

// served asks for a client outside at class 6.
func (t *bench) served() error {
	limit := time.Now().Add(3 * time.Minute)
	for {
		report, err := t.client(15 * time.Second)
		if err != nil {
			return err
		}
		if report.Master.Class == 6 && report.Rates["sync"] > 0 {
			t.figure("a client outside: class %d, state %s, %.1f Syncs/s, offset of the packets %d ns in the median", report.Master.Class, report.State, report.Rates["sync"], report.Offset.Median)
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("a client outside sees class %d, state %s, %v messages/s after 3 minutes", report.Master.Class, report.State, report.Rates)
		}
	}
}

func firstStart(t *bench) error {
	defer t.cut()
	if err := t.start("A"); err != nil {
		return err
	}
	if err := t.console("show version", `bragid \S*`); err != nil {
		return err
	}
	return t.served()
}

// console types a verb at the serial line and waits for its answer.
func (t *bench) console(verb, answer string) error {
	mark := t.mark()
	if _, err := io.WriteString(t.keys, "\r"+verb+"\r"); err != nil {
		return err
	}
	_, _, err := t.expect(answer, "", mark, 2*time.Minute)
	return err
}

func secondStart(t *bench) error {
	first, err := t.read("/machine-id")
	if err != nil {
		return err
	}
	host, err := t.read("/hostname")
	if err != nil {
		return err
	}
	if err := t.authorize(); err != nil {
		return err
	}
	defer t.cut()
	if err := t.start("A"); err != nil {
		return err
	}
	if out, err := t.remote(3*time.Minute, "show", "version"); err != nil {
		return err
	} else if !strings.Contains(out, t.version) {
		return fmt.Errorf("the machine runs %q, and not %s", strings.TrimSpace(out), t.version)
	}
	t.cut()
	second, err := t.read("/machine-id")
	if err != nil {
		return err
	}
	if first != second {
		return fmt.Errorf("the machine was %q and is %q", first, second)
	}
	id := strings.TrimSpace(first)
	if len(id) != 32 || strings.TrimSpace(host) != "bragi-"+id[:6] {
		return fmt.Errorf("host name %q does not fit to machine %q", host, id)
	}
	environment, err := exec.Command("dd", "if="+t.disk, "bs=1k", "skip=3072", "count=528", "status=none").Output()
	if err != nil || !strings.Contains(string(environment), "machine_id="+id) {
		return fmt.Errorf("the boot loader's environment does not hold the machine's identity: %v", err)
	}
	size, err := t.dataSize()
	if err != nil {
		return err
	}
	t.figure("data partition %d MB on a card of %d MB", size>>20, mediumSize>>20)
	if size < mediumSize-dataOffset-(8<<20) {
		return fmt.Errorf("the data partition has %d bytes: it did not grow", size)
	}
	return nil
}

// dataSize is that of the data partition's file system, in bytes.
func (t *bench) dataSize() (size int64, err error) {
	err = t.onData(func(device string) error {
		out, err := sh("dumpe2fs", "-h", device)
		var blocks, each int64
		for line := range strings.Lines(out) {
			name, value, _ := strings.Cut(line, ":")
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			switch name {
			case "Block count":
				blocks = n
			case "Block size":
				each = n
			}
		}
		size = blocks * each
		return err
	})
	return size, err
}

// powerCuts takes the power away at random moments of a start, and looks whether the next start finds all that was
// there.
func powerCuts(t *bench) error {
	cuts := 3
	if t.long {
		cuts = 20
	}
	before, err := t.read("/config/bragi.toml")
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 588))
	defer t.cut()
	for range cuts {
		if err := t.on(); err != nil {
			return err
		}
		wait := time.Duration(random.Int64N(int64(90 * time.Second)))
		select {
		case <-time.After(wait):
		case <-t.ended:
			return errors.New("the machine ended by itself")
		}
		t.cut()
		t.figure("power cut %s after power on", wait.Round(time.Second))
	}
	if err := t.start("[AB]"); err != nil {
		return fmt.Errorf("after %d cuts: %w", cuts, err)
	}
	t.cut()
	after, err := t.read("/config/bragi.toml")
	if err == nil && before != after {
		err = errors.New("the configuration has changed")
	}
	return err
}
