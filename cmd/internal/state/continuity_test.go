package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A clock that runs 20 ppm fast, left at 100 s of a boot.
var left = Moment{Boot: "b", RawNs: 100e9, ClockNs: 1_790_000_000e9, WidthNs: 400, RatePPB: 20_000}

func after(d time.Duration, clock time.Duration) Moment {
	return Moment{Boot: "b", RawNs: left.RawNs + int64(d), ClockNs: left.ClockNs + int64(clock), WidthNs: 600}
}

func TestAClockContinuesOnlyWhenNobodyTouchedIt(t *testing.T) {
	const s, us, ns = time.Second, time.Microsecond, time.Nanosecond
	otherBoot := after(s, s+20*us)
	otherBoot.Boot = "c"
	for _, c := range []struct {
		name string
		now  Moment
		want error
		off  time.Duration
	}{
		{"as predicted", after(s, s+20*us), nil, 0},
		{"at once", after(0, 0), nil, 0},
		{"within the readings' widths and a microsecond", after(s, s+20*us+1400*ns), nil, 1400 * ns},
		{"a minute later, 0.5 ppm off", after(60*s, 60*s+1200*us+30*us), nil, 30 * us},
		{"another boot", otherBoot, ErrOtherBoot, 0},
		{"a minute and a second later", after(61*s, 61*s+1220*us), ErrTooOld, 0},
		{"saved later", after(-s, -s), ErrFuture, 0},
		{"stepped by 5 us", after(s, s+25*us), ErrMoved, 5 * us},
		{"stepped back by 5 us", after(s, s+15*us), ErrMoved, -5 * us},
		{"stepped by an hour", after(s, 3601*s), ErrMoved, 3600*s - 20*us},
		{"set back by a day", after(s, -86399*s), ErrMoved, -86400*s - 20*us},
		{"its correction was taken off", after(s, s), ErrMoved, -20 * us},
		{"frozen", after(2*s, 0), ErrStood, -2*s - 40*us},
		{"nearly frozen", after(2*s, 50*time.Millisecond), ErrStood, -1950*time.Millisecond - 40*us},
	} {
		off, err := Continues(left, c.now)
		if !errors.Is(err, c.want) || off != int64(c.off) {
			t.Errorf("%s: %v off, %v; want %v off, %v", c.name, time.Duration(off), err, c.off, c.want)
		}
	}
	if _, err := Continues(Moment{}, after(s, s)); !errors.Is(err, ErrOtherBoot) {
		t.Errorf("an empty file: %v", err)
	}
}

func TestTheBootIDIsTheSameAllAlong(t *testing.T) {
	a, err := BootID()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := BootID(); len(a) != 36 || a != b {
		t.Errorf("%q and %q", a, b)
	}
}

// A unit with ProcSubset=pid hides the kernel's file, and says %b of systemd: the name is the same all the same, so that
// a bragid that is updated knows its boot again.
func TestTheBootIDOfAUnitThatHidesItIsThatOfTheKernel(t *testing.T) {
	const kernel, systemd = "0db1c4d5-8c3e-4a55-9f0e-6b1f2a3c4d5e", "0db1c4d58c3e4a559f0e6b1f2a3c4d5e"
	file := filepath.Join(t.TempDir(), "boot_id")
	if id, err := bootID(file, systemd); id != kernel || err != nil {
		t.Errorf("hidden, and told: %q, %v", id, err)
	}
	for _, told := range []string{"", "%b"} {
		if id, err := bootID(file, told); err == nil {
			t.Errorf("hidden, and told %q: %q", told, id)
		}
	}
	if err := os.WriteFile(file, []byte(kernel+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := bootID(file, "other"); id != kernel || err != nil {
		t.Errorf("readable: %q, %v", id, err)
	}
	unit, err := os.ReadFile("../../../buildroot/overlay/usr/lib/systemd/system/bragid.service")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(unit), "\nProcSubset=pid\n") && !strings.Contains(string(unit), "\nEnvironment=BRAGI_BOOT=%b\n") {
		t.Error("the unit hides the boot's name, and does not say it")
	}
}

func TestTheBootBeforeAContentComesBack(t *testing.T) {
	b := append(AppendBoot(nil, "a boot"), "content"...)
	if boot, rest, err := CutBoot(b); boot != "a boot" || string(rest) != "content" || err != nil {
		t.Errorf("%q, %q, %v", boot, rest, err)
	}
	for _, short := range []int{0, 1, 6} {
		if _, _, err := CutBoot(b[:short]); !errors.Is(err, ErrTorn) {
			t.Errorf("%d bytes: %v", short, err)
		}
	}
	if boot, rest, err := CutBoot(AppendBoot(nil, "")); boot != "" || len(rest) != 0 || err != nil {
		t.Errorf("of no boot: %q, %q, %v", boot, rest, err)
	}
}
