package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bragi/master/udp/netns"
)

// board is what differs between the emulated boards.
type board struct {
	emulator string
	machine  []string
	watchdog bool // it has one, and Debian's kernel drives it
	arch     string
	goEnv    []string
}

var boards = map[string]board{
	"qemu-arm64": {"qemu-system-aarch64", []string{"-M", "virt", "-cpu", "cortex-a53", "-device", "i6300esb"}, true, "arm64", []string{"GOARCH=arm64"}},
	"qemu-arm":   {"qemu-system-arm", []string{"-M", "virt,highmem=off", "-cpu", "cortex-a15"}, false, "armhf", []string{"GOARCH=arm", "GOARM=7"}},
}

// machine is an emulated board with its medium. It may be switched on and off often.
type machine struct {
	board
	dir   string // for the medium and the serial line's record
	disk  string
	image string // what is flashed
	uboot string
	ns    netns.Namespace

	command *exec.Cmd
	ended   chan struct{}
	keys    io.WriteCloser // to the serial line
	shell   *shell
	since   time.Time // when it was switched on
	slot    string    // that was kept last, and its version
	running string

	memory     string      // in MB; "": as little as a board may have
	room       int64       // the medium ends here, in octets; 0: where its file ends
	bad        []int64     // octets of the medium that cannot be read: whoever reads over one of them gets an error
	over       atomic.Bool // it is not switched on any more
	resumed    bool        // the medium is that of an earlier test
	authorized bool        // it takes the remote login of the test

	mu     sync.Mutex
	said   bytes.Buffer // on the serial line, since it was switched on
	more   chan struct{}
	record *os.File
}

// drive is how the emulator takes the medium. What it was given to write is in the host's memory, and stays when the
// emulator is ended: that is a power cut here. The host need not bring it to its own disk, which others use.
const drive = "if=none,format=raw,cache=unsafe"

// leastMemory is what a board may have at the least, in MB.
const leastMemory = "256"

// on switches the machine on.
func (m *machine) on() error {
	if m.command != nil {
		return errors.New("the machine is on already")
	}
	if m.over.Load() {
		return errors.New("the test is over")
	}
	_ = os.Remove(m.port())
	// The boot loader sees the medium as an SD card; Linux takes the same by virtio, which is 25 times as fast.
	file := drive + ",file.locking=off,file.filename=" + m.disk
	virtio, err := m.medium()
	if err != nil {
		return err
	}
	args := append([]string{"netns", "exec", string(m.ns), m.emulator}, m.machine...)
	args = append(args, "-smp", "1", "-m", cmp.Or(m.memory, leastMemory), "-bios", m.uboot, "-display", "none", "-monitor", "none", "-serial", "stdio",
		"-drive", file+",id=sd", "-device", "sdhci-pci", "-device", "sd-card,drive=sd",
		"-drive", virtio+",id=virtio", "-device", "virtio-blk-pci,drive=virtio",
		"-netdev", "tap,id=net,ifname="+tap+",script=no,downscript=no", "-device", "virtio-net-pci,netdev=net,romfile=",
		"-device", "virtio-rng-pci",
		"-chardev", "socket,id=probe,server=on,wait=off,path="+m.port(), "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=probe")
	m.command = exec.Command("ip", args...)
	if m.keys, err = m.command.StdinPipe(); err != nil {
		return err
	}
	m.mu.Lock()
	m.said.Reset()
	m.more = make(chan struct{})
	m.mu.Unlock()
	m.command.Stdout, m.command.Stderr = line{m}, line{m}
	m.since, m.ended = time.Now(), make(chan struct{})
	if err := startFirst(m.command); err != nil {
		m.command = nil
		return err
	}
	go func() {
		_ = m.command.Wait()
		close(m.ended)
	}()
	if m.shell, err = attach(m.port()); err != nil {
		m.cut()
	}
	return err
}

// startFirst starts a command that goes before all else. What runs beside the machine must not starve it: its clocks are
// read in pairs, and its pulses are as good as these pairs. Where sessions are scheduled as groups, a process's own
// priority counts within its session alone: so it has one of its own.
func startFirst(c *exec.Cmd) error {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, c.Process.Pid, -10)
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", c.Process.Pid), []byte("-10"), 0) // there is none without such groups
	return nil
}

// medium is what Linux sees of it, as the emulator takes it.
func (m *machine) medium() (string, error) {
	drive := drive
	if m.room > 0 {
		drive += fmt.Sprintf(",size=%d", m.room)
	}
	if len(m.bad) == 0 {
		return drive + ",file.locking=off,file.filename=" + m.disk, nil
	}
	var rules strings.Builder
	for _, octet := range m.bad {
		fmt.Fprintf(&rules, "[inject-error]\nevent = \"none\"\niotype = \"read\"\nerrno = \"5\"\nsector = \"%d\"\n", octet/512)
	}
	list := filepath.Join(m.dir, "bad")
	drive += ",file.driver=blkdebug,file.config=" + list + ",file.image.driver=file,file.image.locking=off,file.image.filename=" + m.disk
	return drive, os.WriteFile(list, []byte(rules.String()), 0o600)
}

// port is the socket of the shell inside that the test's images have.
func (m *machine) port() string { return filepath.Join(m.dir, "probe") }

// cut takes the power away, without a word to the machine.
func (m *machine) cut() {
	if m.command == nil {
		return
	}
	_ = m.command.Process.Signal(syscall.SIGKILL)
	<-m.ended
	if m.shell != nil {
		_ = m.shell.Close()
		m.shell = nil
	}
	m.command = nil
}

// freeze copies the medium of a machine that is on, as it is now: the machine stands still meanwhile.
func (m *machine) freeze(to string) error {
	process := m.command.Process
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	_, err := sh("cp", "--sparse=always", m.disk, to)
	return errors.Join(err, process.Signal(syscall.SIGCONT))
}

// line takes what comes from the serial line.
type line struct{ m *machine }

func (l line) Write(p []byte) (int, error) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.said.Write(p)
	_, _ = l.m.record.Write(p)
	close(l.m.more)
	l.m.more = make(chan struct{})
	return len(p), nil
}

// expect waits until the serial line has said what, after what it has said up to mark, and returns the match and
// where it ends. An answer in bad, if any, ends the wait.
func (m *machine) expect(what, bad string, mark int, within time.Duration) ([]string, int, error) {
	pattern := regexp.MustCompile(what)
	var wrong *regexp.Regexp
	if bad != "" {
		wrong = regexp.MustCompile(bad)
	}
	limit := time.After(within)
	for {
		m.mu.Lock()
		said, more := strings.ReplaceAll(m.said.String()[mark:], "\r", ""), m.more
		length := m.said.Len()
		m.mu.Unlock()
		if found := pattern.FindStringSubmatch(said); found != nil {
			return found, length, nil
		}
		if wrong != nil {
			if found := wrong.FindString(said); found != "" {
				return nil, length, fmt.Errorf("the serial line said %q, and not %q", found, what)
			}
		}
		select {
		case <-more:
		case <-m.ended:
			return nil, length, fmt.Errorf("the machine ended while %q was awaited; it said last:\n%s", what, tail(said))
		case <-limit:
			return nil, length, fmt.Errorf("the serial line did not say %q within %s; it said last:\n%s", what, within, tail(said))
		}
	}
}

func (m *machine) mark() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.said.Len()
}

// tail is the end of a text.
func tail(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return "  | " + strings.Join(lines[max(0, len(lines)-12):], "\n  | ")
}

// newMachine gives a board a fresh medium with an image on it.
func newMachine(name, dir, image, uboot string, ns netns.Namespace) (*machine, error) {
	b, ok := boards[name]
	if !ok {
		return nil, fmt.Errorf("%q is not an emulated board", name)
	}
	m := &machine{board: b, dir: dir, disk: filepath.Join(dir, "medium.img"), image: image, uboot: uboot, ns: ns}
	if _, err := os.Stat(m.disk); err == nil {
		m.resumed = true
	} else if err := m.fresh(); err != nil {
		return nil, err
	}
	record, err := os.Create(filepath.Join(dir, "serial.log"))
	m.record = record
	return m, err
}

// fresh flashes the medium of a machine that is off.
func (m *machine) fresh() error {
	if _, err := sh("cp", "--sparse=always", m.image, m.disk); err != nil {
		return err
	}
	m.authorized = false
	return os.Truncate(m.disk, mediumSize) // an SD card of the emulator has a power of two
}
