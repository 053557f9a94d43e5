package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bragi/master/wire"
)

// The client: linuxptp's ptp4l with hardware stamps, on gmt1 in a network of its
// own, steering that port's clock. What it thinks of itself is not asked:
// phc_minus_peer_ns is the truth.

const (
	clientLog    = "/tmp/ptp4l.log"
	clientConfig = `[global]
slaveOnly 1
time_stamping hardware
network_transport UDPv4
delay_mechanism E2E
domainNumber 0
logAnnounceInterval 0
logSyncInterval -4
logMinDelayReqInterval -4
announceReceiptTimeout 10
unicast_req_duration 60
inhibit_multicast_service 1
delay_filter_length 30
first_step_threshold 0.00001
step_threshold 0.0001
tx_timestamp_timeout 50
fault_reset_interval 1
summary_interval 4
use_syslog 0
verbose 1
uds_address /tmp/ptp4l
[unicast_master_table]
table_id 1
logQueryInterval 0
UDPv4 10.9.0.1
[PORT]
unicast_master_table 1
`
)

// startClient starts ptp4l in a new network and moves gmt1 there.
func (s *stage) startClient() error {
	port := s.port(1)
	if err := os.WriteFile("/tmp/ptp4l.cfg", []byte(strings.Replace(clientConfig, "PORT", port, 1)), 0o644); err != nil {
		return err
	}
	log, err := os.Create(clientLog)
	if err != nil {
		return err
	}
	defer log.Close()
	s.client, err = s.inNetwork(log, log, "/bin/ptp4l -f /tmp/ptp4l.cfg -m")
	return err
}

// inNetwork starts a program in a new network that has gmt1, and the client's
// address at its port.
func (s *stage) inNetwork(out, errs io.Writer, program string) (*exec.Cmd, error) {
	cmd := exec.Command("/bin/sh", "-c", "until ip link set gmt1 up; do sleep 0.2; done; ip link set lo up; "+s.beside()+"ip addr add 10.9.0.2/24 dev "+s.port(1)+"; exec "+program)
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return cmd, moveDevice("gmt1", cmd.Process.Pid)
}

// playSeat has bragi's own client in ptp4l's place: it measures by its port's stamps, and
// that port's clock follows it.
func playSeat(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	var out, errs bytes.Buffer
	const rehearse = "/bin/bragi rehearse --master 10.9.0.1 --as cbr8 --interface gmt1 --discipline auto --json "
	// The second one comes when the first one steers, and never gets to its sockets.
	second := "(sleep 60; " + rehearse + "--for 1s --event-port 3190 --general-port 3200 2>/tmp/second >/dev/null; echo $? >>/tmp/second) & "
	client, err := s.inNetwork(&out, &errs, "/bin/sh -c '"+second+"exec "+rehearse+"--stamps hardware --for 150s'")
	s.client = client
	if err != nil {
		s.verdict("bragi rehearse starts", false, "%v", err)
		return
	}
	s.watch(clientSettles)
	s.follows("the hardware's clock follows", 90*time.Second, 0, seatNs)
	err = client.Wait()
	s.follows("it goes on when the rehearsal has ended", 5*time.Second, 0, 4*seatNs)
	s.client = nil
	var report struct {
		Verdict string
		Stamps  struct {
			Source   string
			Received uint64 `json:"hardware_received"`
			Sent     uint64 `json:"hardware_sent"`
		}
		Counts      map[string]uint64
		Disciplined struct {
			Device string
			Steps  int
		}
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &report)
	}
	s.verdict("it passes, by the hardware's stamps", err == nil && report.Verdict == "pass" && report.Stamps.Source == "hardware" && report.Disciplined.Steps == 1 &&
		report.Stamps.Received*100 >= report.Counts["sync"]*99 && report.Stamps.Sent*100 >= report.Counts["delay_req"]*95, "%+v, %v %s", report, err, strings.TrimSpace(errs.String()))
	refusal, _ := os.ReadFile("/tmp/second")
	s.verdict("a clock that is in use is refused", strings.Contains(string(refusal), "is in use by bragi[") && strings.HasSuffix(string(refusal), "\n1\n"), "%s", refusal)
	s.showFaces()
}

// seatNs is how far the clock that bragi's own client steers may be from bragid's.
const seatNs = 50

// rehearse lets bragi's own client follow by software stamps: of it is asked only
// whether it gets on; the Syncs are judged by the wire's oracle.
func (s *stage) rehearse() {
	var out, errs bytes.Buffer
	client, err := s.inNetwork(&out, &errs, "/bin/bragi rehearse --master 10.9.0.1 --as generic --for 40s --json")
	if err != nil {
		s.verdict("bragi rehearse starts", false, "%v", err)
		return
	}
	s.watch(15 * time.Second)
	r := s.said(15 * time.Second)
	s.verdict("each Sync is true", r.n > 50 && r.least == 0 && r.most == 0, "%d Syncs, %d to %d ns", r.n, r.least, r.most)
	err = client.Wait()
	var report struct {
		State   string `json:"state"`
		OneStep bool   `json:"one_step"`
		Master  struct {
			Class int `json:"class"`
		} `json:"master"`
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &report)
	}
	s.verdict("bragi rehearse is in phase", err == nil && report.State == "PHASE_ALIGNED" && report.OneStep && report.Master.Class == 6,
		"%+v, %v %s", report, err, strings.TrimSpace(errs.String()))
}

// beside is what else there is in the client's network.
func (s *stage) beside() string {
	switch {
	case s.board.beacon:
		return "/bin/guest beacon gmt1 & "
	case s.board.vlan:
		return "ip link add link gmt1 name " + s.port(1) + " type vlan id 100; ip link set " + s.port(1) + " up; "
	}
	return ""
}

// beacon sends PTP over Ethernet, five Syncs of nobody's domain a second, until it
// fails: such as a neighbour's twins are. A port that stamps no unicast stamps
// them on arrival.
func beacon(name string) error {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: device.Index}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	frame := append([]byte{0x01, 0x80, 0xC2, 0, 0, 0x0E}, device.HardwareAddr...)
	frame = append(frame, 0x88, 0xF7)
	frame = (&wire.Sync{Header: wire.Header{Domain: 127, Flags: wire.FlagTwoStep}}).Append(frame)
	for ; ; time.Sleep(200 * time.Millisecond) {
		if _, err := unix.Write(fd, frame); err != nil {
			return os.NewSyscallError("write", err)
		}
	}
}

// moveDevice gives a network device to the network of a process, by rtnetlink:
// a RTM_SETLINK with IFLA_NET_NS_PID.
func moveDevice(name string, pid int) error {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	request := make([]byte, 16+16+8)
	order := binary.NativeEndian
	order.PutUint32(request[0:], uint32(len(request)))
	order.PutUint16(request[4:], unix.RTM_SETLINK)
	order.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	order.PutUint32(request[16+4:], uint32(device.Index))
	order.PutUint16(request[32:], 8)
	order.PutUint16(request[34:], unix.IFLA_NET_NS_PID)
	order.PutUint32(request[36:], uint32(pid))
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	if n >= 20 && order.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		if e := int32(order.Uint32(answer[16:])); e != 0 {
			return fmt.Errorf("moving %s: %w", name, unix.Errno(-e))
		}
	}
	return nil
}

// begin configures bragid anew and waits until the client follows it.
func (s *stage) begin(what, profile, boardLines, masterLines string) bool {
	s.until(30*time.Second, func(x Sample) bool { return x.Answers })
	s.note("bragid is started anew: %s", what)
	if err := s.configure(profile, boardLines, masterLines); err != nil {
		s.verdict(what, false, "%v", err)
		return false
	}
	if s.restart() != nil || !s.lock(what+": class 6") {
		return false
	}
	s.watch(clientSettles)
	return true
}

// clientSettles is what ptp4l's servo takes to follow, after it was lost.
const clientSettles = 45 * time.Second

// peers are the sizes of the client's true errors against what bragid serves,
// with `want` taken off, ascending.
func peers(seen []Sample, want int64) (m []int64) {
	for _, x := range seen {
		if x.Client {
			d := -x.PeerNs - want
			m = append(m, max(d, -d))
		}
	}
	slices.Sort(m)
	return m
}

// follows judges the client in the next seconds: each of them within worst.
func (s *stage) follows(what string, d time.Duration, want, worst int64) []Sample {
	seen := s.watch(d)
	m := peers(seen, want)
	s.verdict(what, len(m) == len(seen) && percentile(m, 100) <= worst,
		"client less grandmaster, %d s: p50 %d ns, p99 %d ns, worst %d ns from %d ns, limit %d ns", len(m), percentile(m, 50), percentile(m, 99), percentile(m, 100), want, worst)
	return seen
}

// mode judges how bragid says that the time gets into a Sync.
func (s *stage) mode(want string) {
	c, err := ask()
	s.verdict("mode "+want, err == nil && c.Hardware.SyncMode == want, "%s: %s %v", c.Hardware.SyncMode, c.Hardware.SyncModeWhy, err)
}

// said is what the oracle of the wire found in the last Syncs and Follow_Ups:
// the true time at which each left less what it says.
type said struct{ n, p1, p50, p99, least, most int64 }

func (s *stage) said(d time.Duration) (r said) {
	if err := os.WriteFile(unit+"/sync_error_ns", []byte("0"), 0o644); err != nil {
		s.verdict("sync_error_ns", false, "%v", err)
	}
	s.watch(d)
	text, err := os.ReadFile(unit + "/sync_error_ns")
	if err == nil {
		_, err = fmt.Sscan(strings.TrimSpace(string(text)), &r.n, &r.p1, &r.p50, &r.p99, &r.least, &r.most)
	}
	if err != nil {
		s.verdict("sync_error_ns", false, "%v", err)
	}
	s.note("the wire's oracle: %d messages, true departure less what they say: p1 %d, p50 %d, p99 %d, least %d, most %d ns", r.n, r.p1, r.p50, r.p99, r.least, r.most)
	return r
}
