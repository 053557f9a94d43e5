package e2e

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
	ptp "bragi/master/wire"
)

// A client that tells by itself what it computed (slave event monitoring of IEEE
// 1588-2019) is in the Status with it, and on the screens. It answers no question.
func TestWhatAClientComputesIsReadFromItsSignaling(t *testing.T) {
	t.Parallel()
	need(t, "ip")
	b := newHosts(t)
	d := b.startDaemon(`master.monitor=["` + clientAddress + `"]`)
	ports := map[uint16]*net.UDPConn{}
	if err := b.client.Do(func() error {
		for _, port := range []uint16{319, 320} { // the questions that it does not answer are refused by nobody
			c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(clientAddress), port)))
			if err != nil {
				return err
			}
			t.Cleanup(func() { c.Close() })
			ports[port] = c
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	client := ptp.PortIdentity{Clock: ptp.ClockIdentity{1, 2, 3, 0xFF, 0xFE, 4, 5, 6}, Port: 1}
	signal := func(raw []byte) {
		t.Helper()
		tlvs, err := ptp.ParseTLVs(raw)
		if err != nil {
			t.Fatal(err)
		}
		m := ptp.Signaling{Header: ptp.Header{Flags: ptp.FlagUnicast, Source: client, LogInterval: ptp.LogIntervalNone}, Target: ptp.PortIdentity{Clock: ptp.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
		if _, err := ports[320].WriteToUDPAddrPort(m.Append(nil), netip.AddrPortFrom(netip.MustParseAddr(serviceAddress), 320)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 60*time.Second, "a grant", func() bool {
		signal(ptp.UnicastRequest{MessageType: ptp.TypeAnnounce, LogInterval: 1, Duration: 300}.Append(nil))
		time.Sleep(time.Second)
		return len(d.status().Clients) == 1
	})
	identity := d.status().Master.Identity
	parent, err := ptp.ParseClockIdentity(strings.TrimSuffix(identity, "-1"))
	if err != nil {
		t.Fatal(err)
	}
	// By hand: the offset is -1.5 us, the path delay 2.5 us; the rate is not valid.
	value := append(append([]byte{0x80, 0x05, 0, 34}, parent[:]...), 0, 1, 0x06, 0, 0, 7,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFA, 0x24, 0, 0, 0, 0, 0, 0, 0x09, 0xC4, 0, 0, 0, 0, 0, 1)
	var s *status.Says
	eventually(t, 20*time.Second, "what it computed in the Status", func() bool {
		signal(value)
		s = d.status().Clients[0].Says
		return s != nil && s.Source == status.SourceSlaveEvent
	})
	if *s.OwnOffsetNs != -1500 || *s.OwnPathDelayNs != 2500 || s.NeighborPPB != nil || !s.FollowsUs || *s.AgeS > 10 || s.OffsetNs != nil {
		t.Errorf("it says %+v", s)
	}
	for words, args := range map[string][]string{
		"-1.50 us (slave event data)": {"show", "clients"}, "not measured from here": {"show", "client", clientAddress}, "by its slave event data -1.5 us off": {"explain", "client", clientAddress},
	} {
		if text := b.bragi(args...); !strings.Contains(text, words) {
			t.Errorf("bragi %v does not tell %q:\n%s", args, words, text)
		} else {
			t.Logf("bragi %v\n%s", args, text)
		}
	}
}
