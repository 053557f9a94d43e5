package refclock

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bragi/gnss/timescale"
)

func TestADatagramIsChronysStruct(t *testing.T) {
	for ns, wantLost := range map[int64]float64{1_795_392_000_123_456_789: 789e-9, 1_795_392_000_999_999_000: 0, -1: 999e-9} {
		d := Sample{Realtime: timescale.UTCFromNs(ns), OffsetS: -0.25, Leap: -1}.datagram()
		order := binary.NativeEndian
		sec, usec := int64(order.Uint64(d[0:])), int64(order.Uint64(d[8:]))
		offset := math.Float64frombits(order.Uint64(d[16:]))
		if usec < 0 || usec > 999_999 || sec*1e9+usec*1e3 > ns || ns-(sec*1e9+usec*1e3) >= 1000 {
			t.Errorf("%d ns: %d s %d us", ns, sec, usec)
		}
		if math.Abs(offset-(-0.25+wantLost)) > 1e-12 {
			t.Errorf("%d ns: offset %.9f, want %.9f", ns, offset, -0.25+wantLost)
		}
		if pulse, leap, sock := order.Uint32(d[24:]), order.Uint32(d[28:]), order.Uint32(d[36:]); pulse != 0 || leap != 2 || sock != 0x534F434B {
			t.Errorf("pulse %d, leap %d, magic %#x", pulse, leap, sock)
		}
	}
}

func TestAFeedFindsASocketThatIsMadeLaterOrAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	feed := Feed{Path: path}
	defer feed.Close()
	if err := feed.Send(Sample{}); err == nil || !strings.Contains(err.Error(), "fix: start chronyd") {
		t.Fatalf("no socket: %v", err)
	}
	for range 2 {
		listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		_ = feed.Send(Sample{}) // the first one may meet the old socket
		if err := feed.Send(Sample{}); err != nil {
			t.Error(err)
		}
		listener.Close()
		os.Remove(path)
	}
}

func TestAChronyThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	feed := Feed{Path: path}
	defer feed.Close()
	for range 10_000 {
		if err := feed.Send(Sample{}); err != nil {
			return // it said so, and did not wait
		}
	}
	t.Error("10,000 samples went into a socket that nobody reads")
}

// Debian's chronyd takes the samples, and with the right sign: a system clock that is
// 10 ms slow is told as -10 ms. It does not touch the system clock (-x).
func TestChronyTakesTheSamplesWithTheRightSign(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/usr/local/lib/bragi-test/usr/sbin:/usr/local/lib/bragi-test/usr/bin")
	if _, err := exec.LookPath("chronyd"); err != nil {
		t.Skip("SKIPPED: chronyd is not installed (fix: scripts/setup as root)")
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: chronyd wants root")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	socket, command := filepath.Join(dir, "ref.sock"), filepath.Join(dir, "chronyd.sock")
	conf := filepath.Join(dir, "chrony.conf")
	text := fmt.Sprintf("refclock SOCK %s refid GNSS poll 0 delay 0.0002\nport 0\ncmdport 0\nbindcmdaddress %s\npidfile %s/pid\ndriftfile %s/drift\n", socket, command, dir, dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	chronyd := exec.Command("chronyd", "-x", "-d", "-u", "root", "-f", conf)
	chronyd.Stdout, chronyd.Stderr = &said, &said
	chronyd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := chronyd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { chronyd.Process.Signal(syscall.SIGTERM); chronyd.Wait() }() //nolint:errcheck // it ends with the test
	feed := Feed{Path: socket}
	defer feed.Close()
	for range 120 {
		time.Sleep(250 * time.Millisecond)
		_ = feed.Send(Sample{Realtime: timescale.UTCFromNs(time.Now().UnixNano()), OffsetS: 0.010})
		out, err := exec.Command("chronyc", "-h", command, "-c", "sources").Output()
		fields := strings.Split(strings.TrimSpace(string(out)), ",")
		if err != nil || len(fields) < 10 || fields[1] != "*" {
			continue
		}
		offset, err := strconv.ParseFloat(fields[8], 64)
		if err != nil || fields[2] != "GNSS" {
			t.Fatalf("chronyc: %s", out)
		}
		if offset > -0.009 || offset < -0.011 {
			t.Errorf("a system clock that is 10 ms slow: chrony says %v s", offset)
		}
		t.Logf("chronyc: %s", strings.TrimSpace(string(out)))
		return
	}
	t.Errorf("chronyd never selected the reference clock: %s", said.String())
}
