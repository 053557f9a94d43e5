package e2e

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const root = "../../.."

// binaries is the folder with bragid and bragi, built once.
var binaries string

func TestMain(m *testing.M) {
	if at := os.Getenv(floodAt); at != "" {
		flood(at)
	}
	// Where make setup puts chrony.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/usr/local/lib/bragi-test/usr/sbin:/usr/local/lib/bragi-test/usr/bin") //nolint:errcheck // the name is good
	code := func() int {
		dir, err := os.MkdirTemp("", "bragi-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		build := exec.Command("go", "build", "-o", dir+"/", "./cmd/bragid", "./cmd/bragi")
		build.Dir = root
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		binaries = dir
		return m.Run()
	}()
	os.Exit(code)
}

// ptp4l is a linuxptp client that steers nothing.
type ptp4l struct {
	*process
	b   *hosts
	uds string
}

func (b *hosts) startPTP4L(master string, settings ...string) *ptp4l {
	b.t.Helper()
	shim := filepath.Join(b.dir, "noclock.so")
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", shim, "testdata/noclock.c").CombinedOutput(); err != nil {
		b.t.Fatalf("gcc: %v: %s", err, out)
	}
	template, err := os.ReadFile("testdata/ptp4l.cfg")
	if err != nil {
		b.t.Fatal(err)
	}
	uds := socketName("ptp4l")
	config := filepath.Join(b.dir, "ptp4l.cfg")
	text := strings.NewReplacer("UDS", uds, "MASTER", master, "INTERFACE", "cl0", "[global]", "[global]\n"+strings.Join(settings, "\n")).Replace(string(template))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return &ptp4l{b.start(b.client, []string{"LD_PRELOAD=" + shim}, "ptp4l", "-f", config), b, uds}
}

// slave tells whether the client's port is in state SLAVE.
func (p *ptp4l) slave() bool { return p.get("PORT_DATA_SET", "portState") == "SLAVE" }

// get asks the client for a field of a data set by pmc; "" while it does not
// answer.
func (p *ptp4l) get(dataSet, field string) string {
	local := socketName("pmc")
	defer os.Remove(local)
	out, err := p.b.client.Command("pmc", "-u", "-i", local, "-s", p.uds, "-b", "0", "GET "+dataSet).CombinedOutput()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == field {
			return words[1]
		}
	}
	return ""
}

var offsetLine = regexp.MustCompile(`master offset +(-?\d+) s\d freq`)

// offsets collects the client's offsets for the time given.
func (p *ptp4l) offsets(d time.Duration) []float64 {
	_, from := p.since(0)
	time.Sleep(d)
	lines, _ := p.since(from)
	var offsets []float64
	for _, line := range lines {
		if m := offsetLine.FindStringSubmatch(line); m != nil {
			v, _ := strconv.ParseFloat(m[1], 64)
			offsets = append(offsets, v)
		}
	}
	return offsets
}

// assertPhase asserts the limits of a client in phase over software stamps:
// |median| <= 20 us over ten seconds and no sample above 200 us. Those hold for
// a machine that runs: a window that fails while the hypervisor took the
// processor away (steal time in /proc/stat) is measured again, a dozen windows
// at the most.
func (p *ptp4l) assertPhase(t *testing.T, when string) {
	t.Helper()
	const windows = 12
	for n := 1; ; n++ {
		before := stealTicks(t)
		offsets := p.offsets(10 * time.Second)
		stolen := stealTicks(t) - before
		if len(offsets) < 250 {
			t.Fatalf("%s: %d offsets in 10 s, want about 320", when, len(offsets))
		}
		slices.Sort(offsets)
		median := offsets[len(offsets)/2]
		worst := max(-offsets[0], offsets[len(offsets)-1])
		t.Logf("%s: %d offsets of ptp4l: median %+.0f ns, p1 %+.0f, p99 %+.0f, worst %.0f (processor stolen for %d ms)", when, len(offsets), median,
			offsets[len(offsets)/100], offsets[len(offsets)*99/100], worst, 10*stolen)
		if math.Abs(median) <= 20_000 && worst <= 200_000 {
			return
		}
		if stolen == 0 || n == windows {
			t.Errorf("%s: median offset %+.0f ns, want within 20 us; worst %.0f ns, want none above 200 us", when, median, worst)
			return
		}
	}
}

// stealTicks is the time that the hypervisor gave to others, in hundredths of a
// second of one processor (proc(5), /proc/stat).
func stealTicks(t *testing.T) int {
	t.Helper()
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(stat))
	if len(words) < 9 || words[0] != "cpu" {
		t.Fatalf("/proc/stat begins with %q", words[:min(9, len(words))])
	}
	ticks, err := strconv.Atoi(words[8])
	if err != nil {
		t.Fatal(err)
	}
	return ticks
}

// capture is a tshark that writes the packets of the client's interface.
type capture struct {
	*process
	b    *hosts
	file string
}

func (b *hosts) startCapture() *capture {
	b.t.Helper()
	c := &capture{nil, b, filepath.Join(b.dir, "run.pcapng")}
	c.process = b.start(b.client, nil, "tshark", "-q", "-i", "cl0", "-w", c.file, "-f", "udp port 319 or udp port 320")
	eventually(b.t, 20*time.Second, "tshark captures", func() bool {
		_, err := os.Stat(c.file)
		return err == nil
	})
	return c
}

// fields returns the given fields of the packets that match a display filter.
func (c *capture) fields(filter string, names ...string) [][]string {
	c.b.t.Helper()
	args := []string{"-r", c.file, "-Y", filter, "-T", "fields"}
	for _, n := range names {
		args = append(args, "-e", n)
	}
	cmd := exec.Command("tshark", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		c.b.t.Fatalf("tshark: %v: %s", err, stderr.String())
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return rows
}
