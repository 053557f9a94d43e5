package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What docs/IMAGE.md says that a board at rest writes to its card: in a day in which nothing is logged, and for each
// five minutes in which something is.
const (
	restDay = 6e6
	restLog = 250e3
)

// restLength holds three savings of what was learned of the oscillator, and three times console.idle.
const restLength = 30 * time.Minute

// written reads what was written so far: by part of the medium, by program, and to the file system's journal. What
// waits in memory is written first, so that two readings have all that came between them.
const written = `sync
for part in vda vda/vda1 vda/vda2 vda/vda3; do awk -v p="${part##*/}" '{printf "octets to %s\t%d\n", p, $7 * 512}' /sys/block/$part/stat; done
awk '/transactions/ {print "transactions of the file system\t" $1}' /proc/fs/jbd2/vda3-*/info
for p in /proc/[0-9]*; do awk -v n="octets by $(cat $p/comm)" '/^write_bytes/ {print n "\t" $2}' $p/io; done 2>/dev/null`

// Two of its names.
const (
	toMedium = "octets to vda"
	byLog    = "octets by systemd-journal"
)

func (t *bench) written() (map[string]int64, error) {
	out, err := t.probe(3*time.Minute, written)
	if err != nil {
		return nil, err
	}
	c := map[string]int64{}
	for line := range strings.Lines(out) {
		name, number, ok := strings.Cut(strings.TrimSpace(line), "\t")
		n, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("what was written: %q", line)
		}
		c[name] += n
	}
	return c, nil
}

// rest measures what an appliance writes when nothing happens: locked, with a client, and with a memory of its
// oscillator, which the board of software keeps only when it is told to.
func rest(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	for _, line := range []struct{ verb, answer string }{
		{"configure terminal", `\(config\)#`},
		{"holdover state_file /var/lib/bragi/oscillator", `\(config\)#`},
		{"commit", `Waits for .do restart.: holdover.state_file`},
		{"end", `bragi-\w+#`},
		{"restart", `bragid was restarted`},
		{"exit", `Type . for help`}, // the next session, in which nobody types
	} {
		if err := t.console(line.verb, line.answer); err != nil {
			return err
		}
	}
	client, err := t.servedAt6()
	if err != nil {
		return err
	}
	defer client.stop()
	time.Sleep(3 * time.Minute) // the start's own lines are on the card
	before, err := t.written()
	if err != nil {
		return err
	}
	if _, err := t.probe(time.Minute, "touch /run/rest"); err != nil {
		return err
	}
	time.Sleep(restLength)
	after, err := t.written()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if n := after[name] - before[name]; n != 0 {
			t.figure("at rest for %s: %d %s", restLength, n, name)
		}
	}
	slots, err := t.sinceRest()
	if err != nil {
		return err
	}
	log := float64(after[byLog] - before[byLog])
	quiet := float64(after[toMedium]-before[toMedium]) - log
	day := quiet * float64(24*time.Hour) / float64(restLength)
	t.figure("at rest: %.1f MB a day without the log's pages; the log: %.0f kB in each of %d five minutes with a line", day/1e6, log/1e3/float64(max(slots, 1)), slots)
	if day > restDay || log > restLog*float64(slots) {
		return fmt.Errorf("at rest %.1f MB a day are written, at most %.1f are stated; by the log %.0f kB in %d five minutes with a line, at most %.0f each", day/1e6, restDay/1e6, log/1e3, slots, restLog/1e3)
	}
	return nil
}

// sinceRest tells what has changed since /run/rest was made, and returns in how many five minutes something was logged.
func (t *bench) sinceRest() (slots int, err error) {
	out, err := t.probe(time.Minute, `cd /data && find . -newer /run/rest -exec stat -c '%n (%s octets)' {} +`)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(out) {
		t.figure("changed at rest: %s", strings.TrimSpace(line))
	}
	if out, err = t.probe(3*time.Minute, `journalctl -q --no-pager -o short-unix --since "@$(stat -c %Y /run/rest)"`); err != nil {
		return 0, err
	}
	slot := map[int64]bool{}
	for line := range strings.Lines(out) {
		at, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		t.figure("logged at rest: %s", text)
		s, err := strconv.ParseFloat(at, 64)
		if err != nil {
			return 0, fmt.Errorf("the log: %q", line)
		}
		slot[int64(s)/300] = true
	}
	return len(slot), nil
}
