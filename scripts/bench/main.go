// Bench is `make bench`: what a client costs and how steadily it is served, by
// bragid, by Debian's ptp4l and by a bare loop of the same packets, over a veth
// pair between two network namespaces that it makes and removes.
//
//	per N and master -> start the master on CPU 1 -> `bragi rehearse --clients N` on CPU 0
//	                 -> the load's report (held, spacing, turn-around); CPU of the master from schedstat
//	program          -> bragid without the kernel's part: what that is worth
//	client           -> the time in the Syncs of what was measured; one ptp4l client's own offsets
//	asked            -> 1,000 clients of bragid, with its status asked 100 times a second and without: the spacing of both
//	one core         -> bragid and its load on CPU 1, status asked 20 times a second: the longest tick
//
// It prints and asserts nothing. The figures are of the machine that it runs on:
// each line says how much of both processors was stolen or taken by others
// meanwhile, and a line with much of it is worth little.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bragi/master/udp/netns"
)

func main() {
	quick := flag.Bool("quick", os.Getenv("QUICK") != "", "N = 10, 100 and 1000 only; also QUICK=1")
	counts := flag.String("n", "1,10,100,400,1000,2000,3000,4000", "how many clients, a list")
	masters := flag.String("masters", "floor,ptp4l,bragid,program,asked,one-core,client", "what to measure, a list")
	window := flag.Duration("window", 8*time.Second, "measured time of each line")
	flag.Parse()
	pairs := 3
	if *quick {
		*counts, pairs = "10,100,1000", 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, strings.Split(*counts, ","), strings.Split(*masters, ","), pairs, *window); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// run measures; pairs is how many windows there are of each in asked.
func run(ctx context.Context, counts, masters []string, pairs int, window time.Duration) error {
	if err := netns.Unavailable(); err != nil {
		fmt.Printf("bench: SKIPPED the packet path: %v\n", err)
		return nil
	}
	b, err := newBench(ctx, window)
	if err != nil {
		return err
	}
	defer b.close()
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	fmt.Printf("%s, Linux %s, %d processors (%s); windows of %v; ptp4u is not in Debian and so not measured\n", time.Now().UTC().Format(time.DateOnly),
		strings.TrimSpace(string(kernel)), runtime.NumCPU(), processor(), window)
	fmt.Print(legend)
	for _, m := range masters {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch m {
		case "one-core":
			if err := b.oneCore(); err != nil {
				fmt.Printf("one core: %v\n", err)
			}
			continue
		case "asked":
			if err := b.asked(pairs); err != nil {
				fmt.Printf("asked: %v\n", err)
			}
			continue
		case "client":
			b.wire()
			if err := b.clientOffsets(masters); err != nil {
				fmt.Printf("client: %v\n", err)
			}
			continue
		case "floor", "ptp4l", "bragid", program:
		default:
			return fmt.Errorf("there is no master %q; it is one of floor, ptp4l, bragid, program, asked, one-core and client", m)
		}
		b.head()
		for _, text := range counts {
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("-n %q is not a list of numbers", text)
			}
			if m != program || n <= programMost {
				b.line(m, n)
			}
		}
	}
	return nil
}

// bench is what all measurements share.
type bench struct {
	ctx                context.Context
	dir                string
	gm, cl             netns.Namespace
	window             time.Duration
	floorCPU, ptp4lCPU map[int]float64 // ms per client-second, by N
	lines              []wireLine
}

func newBench(ctx context.Context, window time.Duration) (b *bench, err error) {
	b = &bench{ctx: ctx, window: window,
		floorCPU: map[int]float64{}, ptp4lCPU: map[int]float64{}}
	if b.dir, err = os.MkdirTemp("", "bragi-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for _, line := range [][]string{
		{"go", "build", "-o", b.dir + "/", "./cmd/bragid", "./cmd/bragi"},
		{"gcc", "-O2", "-o", b.file("floor"), "scripts/bench/floor/floor.c"},
		{"gcc", "-O2", "-shared", "-fPIC", "-o", b.file("buffer.so"), "scripts/bench/floor/buffer.c"},
	} {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, out)
		}
	}
	if b.gm, err = netns.New("bench-gm"); err != nil {
		return nil, err
	}
	if b.cl, err = netns.New("bench-cl"); err != nil {
		return nil, err
	}
	if err = netns.Join(netns.End{In: b.gm, Device: "gm0", Address: masterAddress + "/24"}, netns.End{In: b.cl, Device: "cl0", Address: clientAddress + "/24"}); err != nil {
		return nil, err
	}
	if err = b.gm.IP("route add " + crowdSource + " via " + clientAddress); err != nil {
		return nil, err
	}
	if err = b.cl.IP("route add local " + crowdSource + " dev lo"); err != nil {
		return nil, err
	}
	return b, nil
}

const (
	masterAddress = "10.99.0.1"
	clientAddress = "10.99.0.2"
	crowdSource   = "10.100.0.0/16"
)

func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) close() {
	b.gm.Close()
	b.cl.Close()
	os.RemoveAll(b.dir) //nolint:errcheck // it is in /tmp
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
