package wire

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// capture makes a pcap file of IPv4 datagrams from and to one UDP port each.
func capture(messages []appender) []byte {
	le := binary.LittleEndian
	be := binary.BigEndian
	// Magic, version 2.4, no zone, no accuracy, snaplen, LINKTYPE_IPV4.
	f := le.AppendUint32(nil, 0xA1B2C3D4)
	f = le.AppendUint32(f, 4<<16|2)
	f = append(f, make([]byte, 8)...)
	f = le.AppendUint32(le.AppendUint32(f, 65535), 228)
	for i, m := range messages {
		payload := m.Append(nil)
		port := uint16(320)
		if MessageType(payload[0] & 0x0F).Event() {
			port = 319
		}
		n := 28 + len(payload)
		f = le.AppendUint32(f, uint32(i))
		f = le.AppendUint32(le.AppendUint32(le.AppendUint32(f, 0), uint32(n)), uint32(n))
		f = be.AppendUint16(append(f, 0x45, 0), uint16(n))
		f = append(f, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 6, 17, 9)
		f = be.AppendUint16(be.AppendUint16(be.AppendUint16(f, port), port), uint16(8+len(payload)))
		f = append(append(f, 0, 0), payload...)
	}
	return f
}

// Wireshark's dissector, another code base, reads in each message that a
// grandmaster sends, field by field, what the codec was told to write.
func TestTsharkAgrees(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("SKIPPED: needs tshark (the Debian package tshark)")
	}
	const master8, client8 = "0x001122fffe334455", "0xa0b1c2fffed3e4f5"
	signal := func(tlv interface{ Append([]byte) []byte }) *Signaling {
		tlvs, err := ParseTLVs(tlv.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		return &Signaling{Header: head(TypeSignaling, 0, FlagUnicast, 0, master, 65535, LogIntervalNone), Target: client, TLVs: tlvs}
	}
	manage := func(tlv []byte) *Management {
		tlvs, err := ParseTLVs(tlv)
		if err != nil {
			t.Fatal(err)
		}
		return &Management{Header: head(TypeManagement, 0, FlagUnicast, 0, master, 9, LogIntervalNone), Target: client, StartingHops: 1, Action: ActionResponse, TLVs: tlvs}
	}
	announce := &Announce{
		Header:           head(TypeAnnounce, 0, FlagUnicast|FlagLeap61|FlagUTCOffsetValid|FlagPTPTimescale|FlagTimeTraceable|FlagFrequencyTraceable, 0, master, 0x1234, -3),
		CurrentUTCOffset: 37, Priority1: 100, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D, Priority2: 101,
		Grandmaster: master.Clock, StepsRemoved: 2, TimeSource: 0x20,
	}
	announce.MinorVersion, announce.Domain = 1, 24
	const fraction = 5<<16 + 1<<15 // 5.5 ns
	at := Timestamp{0x10068A0B1C2, 999_999_999}
	type fields map[string]string
	header := func(f fields, typ, length, seq, log, flags string) fields {
		for k, v := range map[string]string{
			"messagetype": typ, "messagelength": length, "sequenceid": seq, "logmessageperiod": log, "flags": flags,
			"versionptp": "2", "majorsdoid": "0x00", "minorsdoid": "0", "clockidentity": master8, "sourceportid": "1", "controlfield": "0",
		} {
			if _, ok := f[k]; !ok {
				f[k] = v
			}
		}
		return f
	}
	const seconds = "1101266989506" // 0x10068A0B1C2
	messages := []struct {
		name string
		m    appender
		want fields
	}{
		{"Sync", &Sync{head(TypeSync, 0, FlagUnicast, 0, master, 7, LogIntervalNone), at},
			header(fields{"sdr.origintimestamp.seconds": seconds, "sdr.origintimestamp.nanoseconds": "999999999", "domainnumber": "0", "minorversionptp": "0", "correction.ns": "0"},
				"0x00", "44", "7", "127", "0x0400")},
		{"Follow_Up", &FollowUp{head(TypeFollowUp, 0, FlagUnicast, fraction, master, 7, -5), at},
			header(fields{"fu.preciseorigintimestamp.seconds": seconds, "fu.preciseorigintimestamp.nanoseconds": "999999999", "correction.ns": "5", "correction.subns": "0.5"},
				"0x08", "44", "7", "-5", "0x0400")},
		{"Delay_Resp", &DelayResp{head(TypeDelayResp, 0, FlagUnicast, fraction, master, 8, LogIntervalNone), at, client},
			header(fields{"dr.receivetimestamp.seconds": seconds, "dr.receivetimestamp.nanoseconds": "999999999", "dr.requestingsourceportidentity": client8,
				"dr.requestingsourceportid": "2", "correction.ns": "5", "correction.subns": "0.5"}, "0x09", "54", "8", "127", "0x0400")},
		{"Pdelay_Resp", &PdelayResp{head(TypePdelayResp, 0, FlagUnicast, fraction, master, 9, LogIntervalNone), Timestamp{}, client},
			header(fields{"pdrs.requestreceipttimestamp.seconds": "0", "pdrs.requestreceipttimestamp.nanoseconds": "0", "pdrs.requestingportidentity": client8,
				"pdrs.requestingsourceportid": "2", "correction.ns": "5", "correction.subns": "0.5"}, "0x03", "54", "9", "127", "0x0400")},
		{"Announce", announce,
			header(fields{"an.origincurrentutcoffset": "37", "an.priority1": "100", "an.grandmasterclockclass": "6", "an.grandmasterclockaccuracy": "0x21",
				"an.grandmasterclockvariance": "20061", "an.priority2": "101", "an.grandmasterclockidentity": master8, "an.localstepsremoved": "2",
				"timesource": "0x20", "domainnumber": "24", "minorversionptp": "1", "flags.utcreasonable": "1", "flags.timescale": "1", "flags.timetraceable": "1",
				"flags.frequencytraceable": "1", "flags.li61": "1", "flags.li59": "0", "flags.twostep": "0", "flags.unicast": "1"},
				"0x0b", "64", "4660", "-3", "0x043d")},
		{"GRANT", signal(UnicastGrant{TypeDelayResp, -5, 300, true}),
			header(fields{"sig.targetportidentity": client8, "sig.targetportid": "2", "sig.tlv.tlvType": "5", "sig.tlv.lengthField": "8", "sig.tlv.messageType": "0x09",
				"sig.tlv.logInterMessagePeriod": "-5", "sig.tlv.durationField": "300", "sig.tlv.renewalInvited": "1"}, "0x0c", "56", "65535", "127", "0x0400")},
		{"denial", signal(UnicastGrant{TypeSync, -20, 0, false}),
			header(fields{"sig.tlv.tlvType": "5", "sig.tlv.messageType": "0x00", "sig.tlv.logInterMessagePeriod": "-20", "sig.tlv.durationField": "0",
				"sig.tlv.renewalInvited": "0"}, "0x0c", "56", "65535", "127", "0x0400")},
		{"CANCEL", signal(UnicastCancel{TypeAnnounce}),
			header(fields{"sig.tlv.tlvType": "6", "sig.tlv.lengthField": "2", "sig.tlv.messageType": "0x0b"}, "0x0c", "50", "65535", "127", "0x0400")},
		{"ACKNOWLEDGE_CANCEL", signal(UnicastCancelAck{TypeSync}),
			header(fields{"sig.tlv.tlvType": "7", "sig.tlv.lengthField": "2", "sig.tlv.messageType": "0x00"}, "0x0c", "50", "65535", "127", "0x0400")},
		{"RESPONSE", manage(AppendManagementTLV(nil, IDPriority1, []byte{77, 0})),
			header(fields{"mm.targetportidentity": client8, "mm.targetportid": "2", "mm.startingboundaryhops": "1", "mm.boundaryhops": "0", "mm.action": "2",
				"mm.tlvType": "1", "mm.lengthField": "4", "mm.managementId": "8197", "mm.priority1": "77"}, "0x0d", "56", "9", "127", "0x0400")},
		{"MANAGEMENT_ERROR_STATUS", manage(AppendManagementErrorTLV(nil, ErrorNotSettable, IDPriority1)),
			header(fields{"mm.action": "2", "mm.tlvType": "2", "mm.lengthField": "8", "mm.managementErrorId": "4", "mm.managementId": "8197"},
				"0x0d", "60", "9", "127", "0x0400")},
	}
	var all []appender
	columns := map[string]int{}
	file := filepath.Join(t.TempDir(), "messages.pcap")
	args := []string{"-r", file, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"}
	for _, m := range messages {
		all = append(all, m.m)
		for name := range m.want {
			if _, ok := columns[name]; !ok {
				columns[name] = len(columns)
				args = append(args, "-e", "ptp.v2."+name)
			}
		}
	}
	if err := os.WriteFile(file, capture(all), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append(args, "-e", "_ws.malformed", "-e", "ptp.v2.msg_len_too_large")
	var stderr bytes.Buffer
	c := exec.Command(tshark, args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) != len(messages) {
		t.Fatalf("%d lines for %d messages:\n%s", len(lines), len(messages), out)
	}
	for i, m := range messages {
		cells := strings.Split(lines[i], "|")
		for name, want := range m.want {
			if got := cells[columns[name]]; got != want {
				t.Errorf("%s: tshark reads %s as %q, want %q", m.name, name, got, want)
			}
		}
		if bad := strings.Join(cells[len(columns):], ""); bad != "" {
			t.Errorf("%s: tshark finds it malformed: %s", m.name, bad)
		}
	}
}
