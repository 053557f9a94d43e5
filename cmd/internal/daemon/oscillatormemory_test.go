package daemon

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/state"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/holdover"
)

// learnt is what a life of an hour's lock knows of a TCXO.
func learnt(t *testing.T, seed uint64) (*virtual.Rig, holdover.Memory) {
	t.Helper()
	r := virtual.NewRig(t, warm(nil), sim.Config{Oscillator: sim.TCXO, Receiver: sim.Timing, Seed: seed, TimeToFix: 3 * time.Second})
	r.Until(3*time.Minute, "class 6", r.Class(6))
	r.Run(20 * time.Minute)
	m, ok := r.Pipe.Memory(r.Now)
	if !ok {
		t.Fatal("nothing to remember after 20 minutes of lock")
	}
	return r, m
}

// warm has the settings of an empty file but for the oscillator.
func warm(m *holdover.Memory) pipeline.Config {
	cfg := virtual.Demo()
	cfg.Servo = holdover.DefaultConfig()
	cfg.Servo.Oscillator, cfg.Servo.Memory = holdover.TCXO, m
	return cfg
}

// A memory goes through the file and makes the next life quick: PHASE_ALIGNED
// within settle + 15 s of the first trusted pulse, and no alarm of what is
// remembered wrong.
func TestWarmStart(t *testing.T) {
	for seed := range uint64(4) {
		before, m := learnt(t, seed)
		k := openMemory(filepath.Join(t.TempDir(), "m"), "board", "tcxo")
		if k.used != nil || len(k.refused) > 0 {
			t.Fatalf("an empty folder holds %+v, refused %v", k.used, k.refused)
		}
		if err := k.write(m); err != nil {
			t.Fatal(err)
		}
		k = openMemory(k.path, "board", "tcxo")
		if k.used == nil || k.used.FrequencyPPB != m.FrequencyPPB || k.used.TAISeconds != m.TAISeconds {
			t.Fatalf("wrote %+v, read %+v, refused %v", m, k.used, k.refused)
		}
		if off := k.date().Sub(before.Sky(before.Now)); off < -time.Second || off > time.Second {
			t.Errorf("the memory is dated %v from now", off)
		}

		r := virtual.NewRig(t, warm(k.used), sim.Config{Oscillator: sim.TCXO, Receiver: sim.Timing, Seed: seed, StartOffset: 3 * time.Hour, TimeToFix: 3 * time.Second})
		r.Until(10*time.Second, "a trusted pulse", func() bool { return r.Pipe.Look(r.Now).Reference.HasTime })
		settle := holdover.DefaultConfig().Settle
		took := r.Until(settle+15*time.Second, "class 6", r.Class(6))
		t.Logf("seed %d: class 6 %v after the first trusted epoch", seed, took)
		if e := r.TrueErrorNs(); math.Abs(e) > 100 {
			t.Errorf("seed %d: PHASE_ALIGNED with a true error of %.0f ns", seed, e)
		}
	}
}

// A memory that is dated after the first pulse is none of ours.
func TestMemoryOfTheFuture(t *testing.T) {
	_, m := learnt(t, 1)
	m.TAISeconds += 10 * 365 * 86_400
	m.FrequencyPPB += 20_000 // and nothing of it is true
	r := virtual.NewRig(t, warm(&m), sim.Config{Oscillator: sim.TCXO, Receiver: sim.Timing, Seed: 1, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
	r.Until(3*time.Minute, "class 6", r.Class(6))
	if e := r.TrueErrorNs(); math.Abs(e) > 100 {
		t.Errorf("PHASE_ALIGNED with a true error of %.0f ns", e)
	}
}

// What is wrong with a memory is told, and the other copy is used.
func TestMemoriesThatAreRefused(t *testing.T) {
	_, good := learnt(t, 2)
	for name, c := range map[string]struct {
		board, kind string
		spoil       func(*holdover.Memory)
		want        string
	}{
		"another board":      {"other", "tcxo", func(*holdover.Memory) {}, "another board's oscillator, this"},
		"another oscillator": {"this", "ocxo", func(*holdover.Memory) {}, "holdover.oscillator is ocxo"},
		"numbers":            {"this", "tcxo", func(m *holdover.Memory) { m.FrequencyPPB = 1e9 }, "1e+09"},
		"a later program":    {"this", "tcxo", func(m *holdover.Memory) { m.Version++ }, "version"},
	} {
		path := filepath.Join(t.TempDir(), "m")
		bad := good
		c.spoil(&bad)
		if err := openMemory(path, "this", "tcxo").write(bad); err != nil {
			t.Fatal(err)
		}
		k := openMemory(path, c.board, c.kind)
		if k.used != nil || len(k.refused) != 1 || !strings.Contains(k.refused[0].Error(), c.want) {
			t.Errorf("%s: used %+v, refused %v", name, k.used, k.refused)
		}
		if s := k.status(); s.Used || len(s.Refused) != 1 || s.File != path {
			t.Errorf("%s: status %+v", name, s)
		}
	}

	path := filepath.Join(t.TempDir(), "m")
	if err := openMemory(path, "this", "tcxo").write(good); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".b", []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if k := openMemory(path, "this", "tcxo"); k.used == nil || len(k.refused) != 1 {
		t.Errorf("one good copy and one torn: used %+v, refused %v", k.used, k.refused)
	}
	if err := state.WriteFile(path+".b", state.Kind{Name: memoryKind.Name, Version: memoryKind.Version + 1}, []byte("later")); err != nil {
		t.Fatal(err)
	}
	if k := openMemory(path, "this", "tcxo"); k.used == nil || len(k.refused) != 1 || !strings.Contains(k.refused[0].Error(), "later version") {
		t.Errorf("one good copy and one of the future: used %+v, refused %v", k.used, k.refused)
	}
}

// Without a battery the date is the memory's at least.
func TestBestGuessIsNotBeforeTheMemory(t *testing.T) {
	d := &Daemon{memory: openMemory("", "", "")}
	if d.bestGuess().Sub(timescale.Builtin().ToTAI(timescale.UTCFromNs(time.Now().UnixNano()))).Abs() > time.Minute {
		t.Error("without a memory the guess is not CLOCK_REALTIME")
	}
	later := timescale.Builtin().ToTAI(timescale.UTCFromNs(time.Now().AddDate(1, 0, 0).UnixNano()))
	d.memory.used = &holdover.Memory{TAISeconds: later.Ns() / int64(time.Second)}
	if d.bestGuess().Sub(later).Abs() > time.Second {
		t.Errorf("guesses %v, was written at %v", d.bestGuess(), later)
	}
}
