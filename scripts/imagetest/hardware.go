package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// gmtest is the first clock of the test board's module.
const gmtest = "/sys/devices/platform/gmtest.0"

// hardwareConfig is bragid's on the test board's clock (scripts/testclock).
const hardwareConfig = `[board]
profile = "generic"
interface = "gmt0"
[gnss]
device = %q
baud = 9600
pps = "extts:0"
pps_delay = "0s"
[holdover]
oscillator = "tcxo-hi"
learning = "60s"
settle = "10s"
warm_up = "0s"
on_acquire = "step"
[master]
address = "10.9.0.1"
free_run_after = "5s"
`

// kernelConfig is bragid's on the network port of the emulated machine, which stamps nothing: the kernel writes the time.
const kernelConfig = `[board]
profile = "generic"
interface = "eth0"
[gnss]
device = %q
baud = 9600
pps = "/dev/pps0"
[master]
address = "` + inside + `"
free_run_after = "5s"
`

// hardware lets bragid steer a PTP clock of the kernel, with a pulse and a serial port, under the very unit of the image.
func hardware(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	device, err := t.startTestClock()
	if err != nil {
		return err
	}
	config := filepath.Join(t.dir, "hardware.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, hardwareConfig, device), 0o600); err != nil {
		return err
	}
	if _, err := t.probe(5*time.Minute, `cd /etc/bragi && cp -p bragi.toml /var/tmp/before.toml && wget -q -O bragi.toml http://`+outside+`:8000/hardware.toml && systemctl restart bragid`); err != nil {
		return err
	}
	if err := t.until("class 6 on a PTP clock of the kernel", `bragi show clock --json | grep '"clock_class"'`, ": 6,"); err != nil {
		return err
	}
	out, err := t.probe(3*time.Minute, "bragi show hardware --json")
	if err != nil {
		return err
	}
	var seen struct {
		PHC      string `json:"phc"`
		Driver   string `json:"driver"`
		SyncMode string `json:"sync_mode"`
		Why      string `json:"sync_mode_why"`
	}
	if err := json.Unmarshal([]byte(out), &seen); err != nil {
		return fmt.Errorf("bragi show hardware: %w: %s", err, out)
	}
	t.figure("bragid steers %s (driver %s), sync mode %s: %s", seen.PHC, seen.Driver, seen.SyncMode, seen.Why)
	if !strings.HasPrefix(seen.PHC, "/dev/ptp") {
		return fmt.Errorf("bragid steers %q, which is no PTP clock of the kernel", seen.PHC)
	}
	// The truth: how far the clock is from the sky. PTP's time is 37 s ahead of UTC, which the sky counts.
	if out, err = t.probe(3*time.Minute, "cat "+gmtest+"/phc_minus_sky_ns"); err != nil {
		return err
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		return err
	}
	ns -= 37_000_000_000
	t.figure("its true error: %d ns", ns)
	if ns < -1000 || ns > 1000 {
		return fmt.Errorf("the clock is %d ns off", ns)
	}
	// The kernel's program, under the same unit.
	if err := os.WriteFile(config, fmt.Appendf(nil, kernelConfig, device), 0o600); err != nil {
		return err
	}
	if _, err := t.probe(5*time.Minute, `wget -q -O /etc/bragi/bragi.toml http://`+outside+`:8000/hardware.toml && systemctl restart bragid`); err != nil {
		return err
	}
	if err := t.until("the kernel's program writes the time into a Sync", "bragi show hardware --json | grep sync_mode_why", "the kernel brings it up to date"); err != nil {
		return err
	}
	out, err = t.probe(3*time.Minute, `journalctl -b -u bragid --no-pager -o cat | grep -iE 'not permitted|permission denied|bad system call' || true`)
	if err != nil {
		return err
	}
	if strings.TrimSpace(out) != "" {
		return fmt.Errorf("the unit forbids something that bragid needs:\n%s", out)
	}
	_, err = t.probe(5*time.Minute, `cp -p /var/tmp/before.toml /etc/bragi/bragi.toml && sync && systemctl restart bragid`)
	return err
}

// startTestClock brings the module and a receiver into the machine, and returns the receiver's serial port.
func (t *bench) startTestClock() (string, error) {
	release, err := t.probe(3*time.Minute, "uname -r")
	if err != nil {
		return "", err
	}
	made, err := sh("scripts/image/once", "testclock", "ARCH="+t.arch, "RELEASE="+strings.TrimSpace(release))
	if err != nil {
		return "", err
	}
	cache, err := sh("scripts/image/where")
	if err != nil {
		return "", err
	}
	from := filepath.Join(strings.TrimSpace(cache), strings.TrimPrefix(strings.TrimSpace(made), "/cache/"))
	if _, err := sh("cp", filepath.Join(from, "gmtest.ko"), filepath.Join(from, "gmcheck"), t.dir); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(t.dir, "receiver"), "./scripts/imagetest/receiver")
	build.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0", "GOOS=linux"}, t.goEnv...)...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	if _, err := t.probe(5*time.Minute, `cd /var/tmp
for file in gmtest.ko gmcheck receiver; do wget -q -O $file http://`+outside+`:8000/$file; done
chmod +x gmcheck receiver
insmod gmtest.ko base_ppb=4600,-2300
echo 6 >`+gmtest+`/noise_ns; echo 8 >`+gmtest+`/saw_ns; echo 20 >`+gmtest+`/wander_ppt
ip link set gmt0 up; ip link set gmt1 up; ip addr add 10.9.0.1/24 dev gmt0
systemd-run --unit=receiver --property=StandardOutput=file:/var/tmp/port /var/tmp/receiver /var/tmp/gmcheck nmea `+gmtest+`/sky_ns 1000000`); err != nil {
		return "", err
	}
	device, err := t.probe(3*time.Minute, "sleep 2; cat /var/tmp/port")
	if err == nil && !strings.HasPrefix(device, "/dev/pts/") {
		err = errors.New("the receiver has no serial port")
	}
	return strings.TrimSpace(device), err
}
