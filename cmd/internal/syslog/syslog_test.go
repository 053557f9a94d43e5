package syslog

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

func TestLinesHaveTheFormOfTheirRFC(t *testing.T) {
	line := Line{At: time.Date(2026, 11, 22, 20, 30, 1, 250e6, time.UTC), Severity: 4, MsgID: "CLOCK_CLASS", Text: "clockClass 6 to 7"}
	for form, want := range map[Format]string{
		RFC5424: "<188>1 2026-11-22T20:30:01.250000Z gm1 bragid 42 CLOCK_CLASS - clockClass 6 to 7",
		RFC3164: "<188>Nov 22 20:30:01 gm1 bragid[42]: clockClass 6 to 7",
	} {
		if got := string(line.Append(nil, form, "gm1", "bragid", 42)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", form, got, want)
		}
	}
}

func TestParseTargetRefusesWhatIsNoServer(t *testing.T) {
	for in, want := range map[string]string{"udp://10.1.1.1:1514": "10.1.1.1:1514", "udp://10.1.1.1": "10.1.1.1:514", "udp://[fd00::1]:514": "[fd00::1]:514"} {
		got, err := ParseTarget(in)
		if err != nil || got.String() != want {
			t.Errorf("ParseTarget(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"10.1.1.1:514", "tcp://10.1.1.1:514", "udp://host.example:514", "udp://10.1.1.1:99999"} {
		if got, err := ParseTarget(in); err == nil {
			t.Errorf("ParseTarget(%q) = %v, want an error", in, got)
		}
	}
}

// The ring keeps the newest lines and says how many it dropped.
func TestRingDropsTheOldest(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	sender := NewSender(RFC5424, []netip.AddrPort{netip.MustParseAddrPort(server.LocalAddr().String())})
	for range ringLines + 3 {
		sender.Put(status.Record{Words: status.Words{Name: "X", Text: "x"}})
	}
	if !sender.flush() {
		t.Fatal("flush failed on loopback")
	}
	server.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 2048)
	n, _, err := server.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(buf[:n]); !strings.Contains(got, "SYSLOG_DROPPED - 3 older lines") {
		t.Errorf("first line %q does not tell of 3 dropped lines", got)
	}
}
