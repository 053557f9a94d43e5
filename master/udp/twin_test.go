package udp

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/master"
	"bragi/master/wire"
)

// Twins leave as long as a Sync, as Ethernet frames to the address that no
// bridge forwards or by UDP with TTL 1; the kernel stamps them, and a device
// that does not is found out by that.
func TestTwins(t *testing.T) {
	for _, group := range []bool{false, true} {
		inNamespace(t, []string{
			"link set lo up",
			"link add v0 type veth peer name v1",
			"address add 10.9.0.1/24 dev v0",
			"link set v0 up", "link set v1 up",
		}, func(t *testing.T) {
			tap, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(tap)
			v1, err := net.InterfaceByName("v1")
			if err != nil {
				t.Fatal(err)
			}
			const all = unix.ETH_P_ALL
			if err := unix.Bind(tap, &unix.SockaddrLinklayer{Protocol: all << 8, Ifindex: v1.Index}); err != nil {
				t.Fatal(err)
			}
			if err := unix.SetsockoptTimeval(tap, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
				t.Fatal(err)
			}
			// What is sent while the link comes up is dropped.
			for up := time.Now(); time.Since(up) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
				if v0, err := net.InterfaceByName("v0"); err == nil && v0.Flags&net.FlagRunning != 0 {
					break
				}
			}
			s := listen(t, Config{Address: netip.MustParseAddr("10.9.0.1"), Twins: Twins{Group: group}, Identity: serverID})
			defer s.Close()
			m, err := master.New(master.Config{Identity: serverID})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(ctx, m, ahead(0)) }()
			s.SetStamping(Stamping{Test: true, Device: "v0"})
			frame := make([]byte, 2000)
			seen := 0
			for seen < 3 {
				n, err := unix.Read(tap, frame)
				if err != nil {
					t.Fatalf("after %d twins: %v", seen, err)
				}
				f := frame[:n]
				ptp := f[14:]
				switch typ := binary.BigEndian.Uint16(f[12:]); {
				case !group && typ == 0x88F7:
					if !bytes.Equal(f[:6], []byte{0x01, 0x80, 0xC2, 0, 0, 0x0E}) {
						t.Errorf("to %x", f[:6])
					}
				case group && typ == 0x0800 && n > 42 && bytes.Equal(f[30:34], []byte{224, 0, 1, 130}):
					if f[22] != 1 {
						t.Errorf("TTL %d, want 1", f[22])
					}
					ptp = f[42:]
				default:
					continue
				}
				h, err := wire.ParseHeader(ptp)
				if n != syncFrame || err != nil || h.Domain != twinDomain || h.Flags&wire.FlagTwoStep == 0 {
					t.Errorf("%d octets, %+v, %v; want %d octets of nobody's domain", n, h, err, syncFrame)
				}
				seen++
			}
			st := status(t, s, func(st Status) bool { return st.Transport.Twins.Sent == firstTwins })
			const enough = firstTwins - 1 // the last one's stamp waits for the next wake
			if n := st.Transport.Twins; n.Left < enough || n.Stamped != 0 || n.Failed != 0 || n.Error != nil {
				t.Errorf("%+v; want at least %d given to the device, which stamps none", n, enough)
			}
			time.Sleep(2 * firstEvery)
			if st := status(t, s, func(Status) bool { return true }); st.Transport.Twins.Sent != firstTwins {
				t.Errorf("%d twins, although only the first were wanted", st.Transport.Twins.Sent)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// A server without the permission for twins, or with an interface that is not
// there, serves without; when the interface is there again, as another one, they
// are sent by it.
func TestTwinsOfADeviceThatIsReplugged(t *testing.T) {
	inNamespace(t, []string{"link set lo up", "address add 10.9.0.1/32 dev lo"}, func(t *testing.T) {
		s := serve(t, netip.MustParseAddr("10.9.0.1"), 0)
		plug := func() {
			for _, c := range []string{"link add v0 type veth peer name v1", "link set v0 up", "link set v1 up"} {
				if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
					t.Fatalf("ip %s: %v: %s", c, err, out)
				}
			}
		}
		use := Stamping{Test: true, Twins: true, Device: "v0"}
		s.SetStamping(use)
		if st := status(t, s, func(Status) bool { return true }).Transport.Twins; st.Error == nil || st.Sent != 0 {
			t.Errorf("without an interface: %+v", st)
		}
		for range 2 {
			plug()
			s.SetStamping(use)
			if st := status(t, s, func(st Status) bool { return st.Transport.Twins.Left >= 2 }).Transport.Twins; st.Error != nil {
				t.Errorf("plugged in: %+v", st)
			}
			if out, err := exec.Command("ip", "link", "del", "v0").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		status(t, s, func(st Status) bool { return st.Transport.Twins.Failed >= 2 })
	})
}
