package main

import (
	"os/exec"
	"slices"
	"strings"
	"time"
)

// playReplug lets others handle the hardware: another program steers the PHC, the
// interface is renamed, everything is unplugged and plugged in again.
func playReplug(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(90 * time.Second)
	back := func(what string, seen []Sample) {
		_, ok := s.until(2*time.Minute, func(x Sample) bool { return class(6)(x) && x.ErrNs < worstNs && x.ErrNs > -worstNs })
		last := s.samples[len(s.samples)-1]
		s.verdict(what+": back at class 6 and true", ok, "class %d, true error %d ns, largest move %d ns", last.Class, last.ErrNs, largestMove(seen))
	}

	first := len(s.samples)
	s.note("another program sets the PHC's frequency, 20 ppm off, once")
	if err := command("/bin/gmcheck", "adj", "/dev/ptp0", "20"); err != nil {
		s.verdict("gmcheck adj", false, "%v", err)
	}
	s.watch(20 * time.Second)
	s.honest("steered once: no lie", s.samples[first:], detection)
	s.verdict("steered once: alarm BOARD_CLOCK", slices.Contains(s.samples[len(s.samples)-1].Alarms, "BOARD_CLOCK"), "%s", strings.Join(s.samples[len(s.samples)-1].Alarms, " "))
	back("steered once", s.samples[first:])

	first = len(s.samples)
	s.note("another program steers the PHC five times a second for 10 s")
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err := command("/bin/gmcheck", "adj", "/dev/ptp0", "1"); err != nil {
			s.verdict("gmcheck adj", false, "%v", err)
			break
		}
	}
	s.watch(2 * time.Second)
	s.honest("steered for long: no lie", s.samples[first:], detection)
	s.watch(10 * time.Second)
	back("steered for long", s.samples[first:])

	first = len(s.samples)
	s.note("the interface is renamed")
	if err := commands("ip link set gmt0 down", "ip link set gmt0 name uplink", "ip link set uplink up"); err != nil {
		s.verdict("renaming", false, "%v", err)
	}
	s.watch(10 * time.Second)
	s.honest("renamed: no lie", s.samples[first:], detection)
	s.hardwareSays("renamed", "uplink", "hardware-one-step")
	back("renamed", s.samples[first:])

	if err := command("rmmod", "gmtest"); err != nil {
		s.verdict("rmmod", false, "%v", err)
		return
	}
	s.note("rmmod gmtest: PHC, pulse, ports and the receiver are gone")
	_ = s.receiver.Wait() // it ends with the sky that it reads
	s.watch(20 * time.Second)
	last := s.samples[len(s.samples)-1]
	s.verdict("unplugged: no traceable time", !last.Serving || last.Class > 7, "class %d, serving %v", last.Class, last.Serving)
	first = len(s.samples)
	if err := s.plugIn(); err != nil {
		s.verdict("plugged in again", false, "%v", err)
		return
	}
	s.note("insmod gmtest: all is there again, the PHC anew, interface gmt0")
	_, ok := s.until(5*time.Minute, func(x Sample) bool { return class(6)(x) && x.ErrNs < worstNs && x.ErrNs > -worstNs })
	seen := s.samples[first:]
	s.verdict("plugged in again: class 6 and true", ok, "after %d s, true error %d ns", len(seen), seen[len(seen)-1].ErrNs)
	s.honest("plugged in again: no lie", seen, detection)
	s.show("bragi show hardware", "/bin/bragi", "show", "hardware")
	s.show("bragi show alarms", "/bin/bragi", "show", "alarms")
}

// plugIn loads the module again and brings back what went with it.
func (s *stage) plugIn() error {
	if err := command("insmod", "/gmtest.ko", "base_ppb=4600,-2300"); err != nil {
		return err
	}
	for name, value := range sky {
		if err := set(name, value); err != nil {
			return err
		}
	}
	if err := commands("ip addr add 10.9.0.1/24 dev gmt0", "ip link set gmt0 up", "ip link set gmt1 up"); err != nil {
		return err
	}
	s.receiver = exec.Command("/bin/gmcheck", "nmea", unit+"/sky_ns", "1000000")
	s.receiver.Stdout = s.ptmx
	return s.receiver.Start()
}

// hardwareSays looks for words on the operator's screen.
func (s *stage) hardwareSays(when string, words ...string) {
	out, err := exec.Command("/bin/bragi", "show", "hardware").CombinedOutput()
	missing := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.Contains(string(out), w) })
	s.verdict(when+": show hardware says so", err == nil && len(missing) == 0, "missing: %q, %v", missing, err)
}
