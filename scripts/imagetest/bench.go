package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"bragi/master/udp/netns"
)

// The network outside of the machine: a namespace with a DHCP server, which gives the machine its one address.
const (
	tap     = "tap0"
	outside = "10.77.0.1"
	inside  = "10.77.0.2"
)

// bench is a machine and what is around it.
type bench struct {
	*machine
	name    string // the board's
	dir     string
	version string
	long    bool
	begun   time.Time
	dhcp    *exec.Cmd
	web     *http.Server
	logs    *syslogServer
	client  *ptp4l             // that was started last
	bundles map[string]*bundle // by what is broken in them

	crafted  *bundle     // the bundles that are refused, all together
	building *os.Process // of a bundle, while it runs
}

// figure tells a number that the scenario measured, and how long the test has run.
func (t *bench) figure(format string, args ...any) {
	fmt.Printf("imagetest %s: %6s %s\n", t.name, time.Since(t.begun).Round(time.Second), fmt.Sprintf(format, args...))
}

// mediumSize is that of the card: larger than the image, so that the data partition grows.
const mediumSize = 512 << 20

func newBench(name, dir string, long bool) (t *bench, err error) {
	t = &bench{name: name, dir: dir, long: long, begun: time.Now()}
	folder := filepath.Join("bin", "imagetest", name)
	image, err := one(folder, "*.img")
	if err != nil {
		return nil, err
	}
	t.version = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(image), "bragi-"+name+"-"), ".img")
	ns, err := netns.New("image")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			ns.Close()
		}
	}()
	if err := ns.IP("tuntap add "+tap+" mode tap", "addr add "+outside+"/24 dev "+tap, "link set "+tap+" up"); err != nil {
		return nil, err
	}
	t.machine, err = newMachine(name, dir, image, filepath.Join(folder, "u-boot.bin"), ns)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(filepath.Join(dir, "leases"))
	t.dhcp = ns.Command("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface="+tap, "--bind-interfaces",
		"--dhcp-range="+inside+","+inside+",12h", "--dhcp-ignore-clid", "--dhcp-leasefile="+filepath.Join(dir, "leases"), "--pid-file=", "--user=root")
	if err := t.dhcp.Start(); err != nil {
		return nil, err
	}
	// Bundles are served to the machine from their folder.
	t.web = &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: time.Minute}
	err = ns.Do(func() error {
		listener, err := net.Listen("tcp", outside+":8000")
		if err == nil {
			go t.web.Serve(listener) //nolint:errcheck // it ends with the bench
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	t.logs, err = listenSyslog(ns)
	return t, err
}

func (t *bench) close() {
	t.over.Store(true)
	t.cut()
	t.stopPTP4L()
	t.stopBuilds()
	_ = t.web.Close()
	_ = t.logs.Close()
	if t.dhcp.Process != nil {
		_ = t.dhcp.Process.Kill()
		_ = t.dhcp.Wait()
	}
	// What else was started in the namespace, a remote login for one, would go on without it.
	if left, err := sh("ip", "netns", "pids", string(t.ns)); err == nil {
		for pid := range strings.FieldsSeq(left) {
			if n, err := strconv.Atoi(pid); err == nil {
				_ = syscall.Kill(n, syscall.SIGKILL)
			}
		}
	}
	t.ns.Close()
}

// login is a verb of bragi on the machine, by a remote login.
func (t *bench) login(ctx context.Context, verb ...string) *exec.Cmd {
	args := t.ns.Exec(append([]string{"ssh", "-i", t.key(), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=" + filepath.Join(t.dir, "known"),
		"-o", "ConnectTimeout=60", "-o", "LogLevel=ERROR", "root@" + inside}, verb...)...)
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

// remote runs a verb of bragi on the machine, by a remote login.
func (t *bench) remote(within time.Duration, verb ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		c := t.login(ctx, verb...)
		var wrong strings.Builder
		c.Stderr = &wrong
		out, err := c.Output()
		if err == nil {
			return string(out), nil
		}
		// The service for remote logins may still be starting.
		if !strings.Contains(wrong.String(), "Connection refused") || ctx.Err() != nil {
			return string(out), fmt.Errorf("bragi %s: %w: %s%s", strings.Join(verb, " "), err, out, strings.TrimSpace(wrong.String()))
		}
		time.Sleep(time.Second)
	}
}

func (t *bench) key() string { return filepath.Join(t.dir, "key") }

// authorize puts a key of the test's own where an operator would put his.
func (t *bench) authorize() error {
	if t.authorized {
		return nil
	}
	if _, err := os.Stat(t.key()); err != nil {
		if _, err := sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", t.key()); err != nil {
			return err
		}
	}
	var err error
	if t.command == nil {
		err = t.write(t.key()+".pub", "ssh", "authorized_keys")
	} else {
		_, err = t.probe(3*time.Minute, "umask 077; wget -q -O /data/ssh/authorized_keys http://"+outside+":8000/key.pub; sync; systemctl start bragi-ssh")
	}
	t.authorized = err == nil
	return err
}

// Where the data partition begins: behind 4 MB and two slots.
const (
	slotSize   = 128 << 20
	dataOffset = 4<<20 + 2*slotSize
)

// onData runs a function on the data partition, as a device, of a machine that is off. The device goes with the file
// that is open here, so that it goes whatever becomes of the test.
func (t *bench) onData(do func(device string) error) error { return onDataOf(t.disk, do) }

func onDataOf(disk string, do func(device string) error) error {
	out, err := sh("losetup", "--find", "--show", "--offset", strconv.Itoa(dataOffset), disk)
	if err != nil {
		return err
	}
	device := strings.TrimSpace(out)
	held, err := os.Open(device)
	_, detached := sh("losetup", "--detach", device)
	if err = errors.Join(err, detached); err != nil {
		return err
	}
	defer held.Close()
	// Its journal is replayed first, as the next start would.
	text, err := sh("e2fsck", "-p", device)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() >= 4) {
		return fmt.Errorf("the data partition is not sound: %s", text)
	}
	return do(device)
}

// write puts a file of the host on the data partition, readable by root alone.
func (t *bench) write(from, folder, name string) error {
	return t.onData(func(device string) error {
		list := filepath.Join(t.dir, "debugfs")
		commands := fmt.Sprintf("cd %s\nwrite %s %s\nset_inode_field %s mode 0100600\n", folder, from, name, name)
		if err := os.WriteFile(list, []byte(commands), 0o600); err != nil {
			return err
		}
		_, err := sh("debugfs", "-w", "-f", list, device)
		return err
	})
}

// read is the content of a file of the data partition.
func (t *bench) read(path string) (text string, err error) {
	err = t.onData(func(device string) (err error) {
		text, err = readFrom(device, path)
		return err
	})
	return text, err
}

func readFrom(device, path string) (string, error) {
	out, err := exec.Command("debugfs", "-R", "cat "+path, device).Output()
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("the data partition has no %s", path)
	}
	return string(out), err
}

// lasting lists the files of the data partition that must outlive a loss of power, with their sums. The other ones are
// of programs that do without them; RAUC replaces its notes, and does with the older ones.
const lasting = `cd /data && find . -type f -size +0 ! -name '*.new' ! -path './journal/*' ! -path './systemd/*' ! -path './chrony/*' ! -path './snmp/*' ! -path './rauc/central.raucs' ! -path './lost+found/*' -exec sha256sum {} +`

// lasts looks whether the medium of a machine that is on has all that the machine believes to be there, as it would be
// found if the power went now. Which files must be among them is told by wanted.
func (t *bench) lasts(wanted ...string) error {
	there, err := t.probe(3*time.Minute, lasting)
	if err != nil {
		return err
	}
	for _, name := range wanted {
		if !strings.Contains(there, "  ./"+name+"\n") {
			return fmt.Errorf("the machine has no /data/%s, but:\n%s", name, there)
		}
	}
	frozen := filepath.Join(t.dir, "frozen.img")
	defer os.Remove(frozen)
	if err := t.freeze(frozen); err != nil {
		return err
	}
	still, err := t.probe(3*time.Minute, lasting)
	if err != nil {
		return err
	}
	return onDataOf(frozen, func(device string) error {
		var lost []string
		for line := range strings.Lines(there) {
			sum, name, _ := strings.Cut(strings.TrimSpace(line), "  .")
			if !strings.Contains(still, line) {
				continue // it was written just now
			}
			text, err := readFrom(device, name)
			if found := sha256.Sum256([]byte(text)); err != nil || hex.EncodeToString(found[:]) != sum {
				lost = append(lost, fmt.Sprintf("%s (%d octets on the medium)", name, len(text)))
			}
		}
		if lost != nil {
			return fmt.Errorf("would be lost if the power went now: %s", strings.Join(lost, ", "))
		}
		t.figure("%d files of the data partition outlive a loss of power", strings.Count(there, "\n"))
		return nil
	})
}

// spoil writes random bytes over a part of the data partition of a machine that is off.
func (t *bench) spoil(from, length int64) error {
	f, err := os.OpenFile(t.disk, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	_, err = f.WriteAt(b, dataOffset+from)
	return errors.Join(err, f.Close())
}

// syslogServer takes what comes to the syslog port outside.
type syslogServer struct {
	net.PacketConn
	mu   sync.Mutex
	said strings.Builder
}

func listenSyslog(ns netns.Namespace) (s *syslogServer, err error) {
	s = &syslogServer{}
	err = ns.Do(func() (err error) {
		s.PacketConn, err = net.ListenPacket("udp4", outside+":514")
		return err
	})
	if err != nil {
		return nil, err
	}
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, _, err := s.ReadFrom(b)
			if err != nil {
				return
			}
			s.mu.Lock()
			fmt.Fprintf(&s.said, "%s\n", b[:n])
			s.mu.Unlock()
		}
	}()
	return s, nil
}

// heard is all that has come.
func (s *syslogServer) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}
