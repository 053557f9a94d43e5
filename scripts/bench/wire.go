package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wireLine is what a measurement told of the time in the Syncs.
type wireLine struct {
	name     string
	n        int
	oneWay   oneWay
	residual residual // bragid's own
}

// oneWay is the spread of receive stamp minus what the master says, in ns around
// its median; of a two-step master by its Follow_Ups.
type oneWay struct {
	P1  int64 `json:"p1"`
	P99 int64 `json:"p99"`
	N   int   `json:"n"`
}

// residual is bragid's transmit stamp minus what the Sync said, in ns.
type residual struct {
	P1  int64 `json:"p1"`
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	N   int   `json:"n"`
}

const wireLegend = `
The time in the Syncs (software stamps of both ends).
residual        bragid's transmit stamp, less what its Sync said; written by the kernel, of "program" by bragid alone
at the clients  the receive stamp, less what the master said, around its median
`

// wire prints the time in the Syncs, of all that was measured.
func (b *bench) wire() {
	if len(b.lines) == 0 {
		return
	}
	fmt.Print(wireLegend)
	fmt.Println("\n| master | N | residual us p1 / p50 / p99 (n) | at the clients us p1 / p99 (n) | spread us | to two-step ptp4l |")
	fmt.Println("|---|---|---|---|---|---|")
	spread := map[int]int64{}
	for _, l := range b.lines {
		if l.name == "ptp4l" {
			spread[l.n] = l.oneWay.P99 - l.oneWay.P1
		}
	}
	for _, l := range b.lines {
		own, ratio, width := "-", "-", l.oneWay.P99-l.oneWay.P1
		if r := l.residual; r.N > 0 {
			own = fmt.Sprintf("%.1f / %.1f / %.1f (%d)", float64(r.P1)/1e3, float64(r.P50)/1e3, float64(r.P99)/1e3, r.N)
		}
		if spread[l.n] > 0 {
			ratio = fmt.Sprintf("%.2f", float64(width)/float64(spread[l.n]))
		}
		fmt.Printf("| %s | %d | %s | %.1f / %.1f (%d) | %.1f | %s |\n", l.name, l.n, own, float64(l.oneWay.P1)/1e3, float64(l.oneWay.P99)/1e3, l.oneWay.N, float64(width)/1e3, ratio)
	}
}

// clientSettle is how long a ptp4l client gets to find its master and settle,
// acquire how long bragid gets before to have its time from the receiver.
const (
	clientSettle = 12 * time.Second
	acquire      = 20 * time.Second
)

var offsetLine = regexp.MustCompile(`master offset +(-?\d+) s2 freq`)

// clientOffsets runs one ptp4l client against each master and prints the offsets
// that it sees itself, every Sync's. It steers no clock.
func (b *bench) clientOffsets(masters []string) error {
	if out, err := exec.Command("gcc", "-O2", "-shared", "-fPIC", "-o", b.file("noclock.so"), "cmd/internal/e2e/testdata/noclock.c").CombinedOutput(); err != nil {
		return fmt.Errorf("noclock: %w: %s", err, out)
	}
	text, err := os.ReadFile("cmd/internal/e2e/testdata/ptp4l.cfg")
	if err != nil {
		return err
	}
	config := strings.NewReplacer("UDS", fmt.Sprintf("/tmp/bragi-bench-client-%d", os.Getpid()), "MASTER", masterAddress, "INTERFACE", "cl0").Replace(string(text))
	if err := os.WriteFile(b.file("client.cfg"), []byte(config), 0o600); err != nil {
		return err
	}
	fmt.Printf("\nOne ptp4l client's own offset from its master, each Sync of %v:\n\n", b.window)
	fmt.Println("| master | offsets | us p1 / p50 / p99 | worst us | stolen % |")
	fmt.Println("|---|---|---|---|---|")
	for _, name := range masters {
		if name != "ptp4l" && name != "bragid" {
			continue
		}
		if err := b.clientLine(name); err != nil {
			fmt.Printf("| %s | %v |\n", name, err)
		}
	}
	return nil
}

func (b *bench) clientLine(name string) error {
	master, err := b.startMaster(name, 1, clientSettle)
	if err != nil {
		return err
	}
	defer master.stop()
	if name == "bragid" {
		time.Sleep(acquire)
	}
	client, err := b.start(b.cl, "0", []string{"LD_PRELOAD=" + b.file("noclock.so")}, "ptp4l", "-f", b.file("client.cfg"))
	if err != nil {
		return err
	}
	time.Sleep(clientSettle)
	seen := machine()
	time.Sleep(b.window)
	end := machine()
	client.stop() // then nobody writes to its output
	want := int(32 * b.window.Seconds())
	var offsets []float64
	for _, m := range offsetLine.FindAllStringSubmatch(client.out.String(), -1) {
		ns, _ := strconv.ParseFloat(m[1], 64)
		offsets = append(offsets, ns/1e3)
	}
	if len(offsets) < want/2 {
		return fmt.Errorf("%d offsets only; the client's last words: %s", len(offsets), lastLine(client.out.String()))
	}
	offsets = offsets[max(0, len(offsets)-want):]
	slices.Sort(offsets)
	n := len(offsets)
	fmt.Printf("| %s | %d | %+.1f / %+.1f / %+.1f | %.1f | %.1f |\n", name, n, offsets[n/100], offsets[n/2], offsets[n-1-n/100],
		max(-offsets[0], offsets[n-1]), float64(end.stolen-seen.stolen)/b.window.Seconds())
	return nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
