// Package netns makes network namespaces and joins them by veth pairs, for tests
// and benchmarks: nothing that is sent in them leaves the machine. It needs root
// and the ip command (iproute2).
package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Unavailable says why there can be no namespaces here; nil when there can.
func Unavailable() error {
	if os.Geteuid() != 0 {
		return errors.New("needs root for network namespaces (fix: run it as root)")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return errors.New("needs the ip command for network namespaces (fix: make setup as root)")
	}
	return nil
}

// Namespace is a network namespace, by its name in `ip netns`.
type Namespace string

var made atomic.Int64

// A locked main thread is never the one that enters a namespace. It could not end with
// its goroutine, and what is told of the whole process (/proc/net) would be told of it.
func init() { runtime.LockOSThread() }

// New makes a namespace whose loopback is up. The label is in its name, beside what
// makes that one of its own.
func New(label string) (Namespace, error) {
	n := Namespace(fmt.Sprintf("bragi-%s-%d-%d", label, os.Getpid(), made.Add(1)))
	if err := run("ip", "netns", "add", string(n)); err != nil {
		return "", err
	}
	if err := n.IP("link set lo up"); err != nil {
		n.Close()
		return "", err
	}
	return n, nil
}

// Close takes the namespace away, and the devices in it. What runs there goes on
// without a name. Of no namespace it does nothing.
func (n Namespace) Close() {
	if n != "" {
		exec.Command("ip", "netns", "del", string(n)).Run() //nolint:errcheck // it may be gone
	}
}

// IP runs commands of ip in the namespace, each a line of words, until one fails.
func (n Namespace) IP(lines ...string) error {
	for _, line := range lines {
		if err := run("ip", append([]string{"-n", string(n)}, strings.Fields(line)...)...); err != nil {
			return err
		}
	}
	return nil
}

// Exec is the command line that runs a command in the namespace.
func (n Namespace) Exec(args ...string) []string {
	return append([]string{"ip", "netns", "exec", string(n)}, args...)
}

// Command is a command that runs in the namespace.
func (n Namespace) Command(args ...string) *exec.Cmd {
	line := n.Exec(args...)
	return exec.Command(line[0], line[1:]...)
}

// Enter brings the goroutine into the namespace, with all that it opens and starts
// from now on. It cannot leave: its thread ends with it.
func (n Namespace) Enter() error {
	runtime.LockOSThread() // never unlocked
	fd, err := unix.Open("/var/run/netns/"+string(n), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("netns: %s: %w", n, os.NewSyscallError("open", err))
	}
	defer unix.Close(fd) //nolint:errcheck // it was only read
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("netns: %s: %w", n, os.NewSyscallError("setns", err))
	}
	return nil
}

// Do runs f on a goroutine in the namespace and waits for it.
func (n Namespace) Do(f func() error) error {
	result := make(chan error, 1)
	go func() {
		err := n.Enter()
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}

// End is one end of a veth pair.
type End struct {
	In      Namespace
	Device  string
	Address string // with its prefix, 10.99.0.1/24
}

// Join makes a veth pair between two namespaces, which may be one, and sets both
// ends up.
func Join(a, b End) error {
	if err := a.In.IP(fmt.Sprintf("link add %s type veth peer name %s netns %s", a.Device, b.Device, b.In)); err != nil {
		return err
	}
	return errors.Join(a.up(), b.up())
}

func (e End) up() error {
	return e.In.IP("addr add "+e.Address+" dev "+e.Device, "link set "+e.Device+" up")
}

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
