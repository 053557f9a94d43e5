package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	long := flag.Bool("long", false, "more power cuts, and half an hour at rest")
	only := flag.String("only", "", "play the scenarios whose name matches this regular expression, and the first start")
	keep := flag.String("dir", "", "the folder of medium and logs; a medium that is there goes on as it is, without the first start; default: one that is removed at the end")
	seed := flag.Uint64("seed", 0, "when the power goes, as in the test that printed this number; 0: other moments in each test")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "imagetest [-long] [-only PATTERN] [-seed N] BOARD: boots bin/imagetest/BOARD and tests it (docs/IMAGE.md)\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	os.Exit(run(flag.Arg(0), *long, *only, *keep, *seed))
}

func run(name string, long bool, only, dir string, seed uint64) int {
	for _, tool := range []string{boards[name].emulator, "ip", "dnsmasq", "ssh", "debugfs", "ptp4l", "pmc", "gcc", "snmpget"} {
		if tool == "" {
			fmt.Fprintf(os.Stderr, "imagetest: %q is not an emulated board (fix: qemu-arm or qemu-arm64)\n", name)
			return 2
		}
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Printf("imagetest: SKIPPED: %s is not installed (fix: scripts/setup image, as root)\n", tool)
			return 0
		}
	}
	if os.Geteuid() != 0 {
		fmt.Println("imagetest: SKIPPED: it needs root for a network of its own")
		return 0
	}
	filter, err := regexp.Compile(only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "imagetest:", err)
		return 2
	}
	remove := func() {}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "imagetest"); err != nil {
			fmt.Fprintln(os.Stderr, "imagetest:", err)
			return 1
		}
		remove = func() { _ = os.RemoveAll(dir) }
		defer remove()
	}
	seed = seedOf(seed)
	random = moments(seed)
	fmt.Printf("imagetest %s: the moments of power cuts are those of SEED=%d\n", name, seed)
	t, err := newBench(name, dir, long)
	if err != nil {
		fmt.Fprintln(os.Stderr, "imagetest:", err)
		return 1
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		t.close()
		remove()
		os.Exit(1)
	}()
	defer t.close()
	all := scenarios
	if long {
		all = slices.Insert(slices.Clone(scenarios), 2, atRest)
	}
	var played []scenario
	for i, s := range all {
		if i == 0 && !t.resumed || filter.MatchString(s.name) {
			played = append(played, s)
		}
	}
	t.prepare(played)
	passed, failed := 0, []string{}
	for i, s := range played {
		begin := time.Now()
		err := s.play(t)
		took := time.Since(begin).Round(time.Second)
		if err != nil {
			t.cut()
			line := fmt.Sprintf("imagetest %s: FAIL %s (%s): %v", name, s.name, took, err)
			fmt.Println(line)
			line, _, _ = strings.Cut(line, "\n")
			failed = append(failed, line)
			if i == 0 && !t.resumed {
				break // nothing is set up
			}
			continue
		}
		passed++
		fmt.Printf("imagetest %s: ok   %s (%s)\n", name, s.name, took)
	}
	if len(failed) > 0 {
		kept := filepath.Join("bin", "imagetest", name, "serial.log")
		if err := exec.Command("cp", filepath.Join(dir, "serial.log"), kept).Run(); err == nil {
			fmt.Printf("imagetest %s: what the serial line said is in %s\n", name, kept)
		}
	}
	for _, line := range failed { // once more, where whoever sees only the end looks
		fmt.Println(line)
	}
	fmt.Printf("%d passed, %d failed\n", passed, len(failed))
	if len(failed) > 0 || passed == 0 {
		return 1
	}
	return 0
}

// one is the only file of a folder that matches.
func one(dir, pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s has %d files %s (fix: make image-test)", dir, len(found), pattern)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// sh runs a command and returns what it printed.
func sh(args ...string) (string, error) {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}
