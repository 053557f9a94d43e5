package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager3 is an SNMP manager beside an snmpd that is set up by the example in
// configs/snmp.
type manager3 struct {
	t    *testing.T
	dir  string
	at   string // of snmpd
	env  []string
	user []string // SNMPv3, as an option of the programs
}

const (
	ptpBaseOID = ".1.3.6.1.2.1.241"
	bragiOID   = ".1.3.6.1.4.1.8072.9999.9999.319"
)

// freeUDP is a free port of loopback.
func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

// start runs a program for as long as the test, in the way that the others run.
func (m *manager3) start(name string, args ...string) {
	m.t.Helper()
	out, err := os.Create(filepath.Join(m.dir, filepath.Base(name)+".out"))
	if err != nil {
		m.t.Fatal(err)
	}
	c := exec.Command(name, args...)
	c.Env, c.Stdout, c.Stderr = append(c.Environ(), m.env...), out, out
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOnOneThread(c); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { c.Process.Kill(); c.Wait(); out.Close() }) //nolint:errcheck // it may have ended
}

// said is what a program that runs has printed.
func (m *manager3) said(name string) string {
	text, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// ask runs a program of net-snmp's, which asks as the SNMPv3 user.
func (m *manager3) ask(program string, oids ...string) string {
	out, _ := m.run(program, append(append(append([]string{"-m", "", "-On", "-t", "5", "-r", "1"}, m.user...), m.at), oids...)...)
	return out
}

func (m *manager3) run(program string, args ...string) (string, error) {
	c := exec.Command(program, args...)
	c.Env = append(c.Environ(), m.env...)
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// startSNMP sets snmpd and a trap receiver up around a daemon.
func startSNMP(t *testing.T, l *local) *manager3 {
	t.Helper()
	for _, p := range []string{"snmpd", "snmpget", "snmpwalk", "snmptrapd", "agentxtrap"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("SKIPPED: %s is not installed (fix: make setup as root)", p)
		}
	}
	m := &manager3{t: t, dir: t.TempDir(), at: freeUDP(t)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("snmptrapd: %s\nsnmpd: %s\nbragi snmp traps: %s", m.said("snmptrapd.out"), m.said("snmpd.out"), m.said("bragi.out"))
		}
	})
	persistent := filepath.Join(m.dir, "persistent")
	if err := os.Mkdir(persistent, 0o700); err != nil {
		t.Fatal(err)
	}
	m.env = []string{"SNMP_PERSISTENT_DIR=" + persistent, "SNMPCONFPATH=" + m.dir}
	secrets := []string{"-a", "SHA", "-A", "authentication", "-x", "AES", "-X", "encryption"}
	m.user = append([]string{"-v", "3", "-l", "authPriv", "-u", "monitor"}, secrets...)
	sink, agentX := freeUDP(t), filepath.Join(m.dir, "agentx")

	example, err := os.ReadFile(filepath.Join(root, "configs/snmp/snmpd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	bragi := filepath.Join(binaries, "bragi")
	conf := strings.NewReplacer(
		"udp:161", "udp:"+m.at, "/usr/bin/bragi snmp", bragi+" --socket "+filepath.Join(l.dir, "control.sock")+" snmp",
		"agentXSocket unix:/run/agentx/master", "agentXSocket unix:"+agentX, "agentXPerms 0660 0755 root bragi", "",
		"#trapsess -v 3 -Ci -l authPriv -u monitor -a SHA -A AUTHENTICATION -x AES -X ENCRYPTION 10.1.1.5:162",
		"trapsess -v 3 -Ci -l authPriv -u monitor -a SHA -A authentication -x AES -X encryption "+sink,
	).Replace(string(example)) + "\ncreateUser monitor SHA authentication AES encryption\n"
	write := func(name, text string) string {
		path := filepath.Join(m.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("traps.conf", "createUser monitor SHA authentication AES encryption\nauthUser log monitor priv\n")
	m.start("snmptrapd", "-f", "-Lo", "-C", "-c", filepath.Join(m.dir, "traps.conf"), "-m", "", "-On", "-p", filepath.Join(m.dir, "trapd.pid"), "udp:"+sink)
	m.start("snmpd", "-f", "-Lo", "-C", "-c", write("agent.conf", conf), "-m", "", "-p", filepath.Join(m.dir, "agent.pid"))
	eventually(t, 20*time.Second, "snmpd answers", func() bool { return strings.Contains(m.ask("snmpget", bragiOID+".1.1.1.0"), "INTEGER") })
	m.start(bragi, "--socket", filepath.Join(l.dir, "control.sock"), "snmp", "traps", "--agentx", "unix:"+agentX)
	return m
}

// A manager reads clock, data sets, clients and alarms by SNMPv3, hears of the
// antenna that is cut and joined, cannot change anything, and is not answered in
// clear text.
func TestAnSNMPManagerReadsAndHearsOfAlarms(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs half a minute")
	}
	l := startLocal(t, localPorts(t), "master.domain=24", "master.priority1=77", "holdover.learning=0s")
	m := startSNMP(t, l)
	rehearse := exec.Command(filepath.Join(binaries, "bragi"), "rehearse", "--master", "127.0.0.1", "--source", "127.0.0.2/32", "--as", "rpd", "--domain", "24",
		"--event-port", fmt.Sprint(l.ports[0]), "--general-port", fmt.Sprint(l.ports[1]), "--for", "2m")
	rehearse.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOnOneThread(rehearse); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rehearse.Process.Kill(); rehearse.Wait() }) //nolint:errcheck // likewise

	eventually(t, 60*time.Second, "class 6 and a client, by SNMP", func() bool {
		return strings.HasSuffix(m.ask("snmpget", bragiOID+".1.2.3.0"), "Gauge32: 6") && strings.HasSuffix(m.ask("snmpget", bragiOID+".1.3.1.0"), "Gauge32: 1")
	})
	ptp := m.ask("snmpwalk", ptpBaseOID)
	for _, want := range []string{
		".1.2.2.1.9.24.1.0 = Gauge32: 77",                         // ptpbaseClockParentDSGMClockPriority1
		".1.2.2.1.11.24.1.0 = INTEGER: 6",                         // ptpbaseClockParentDSGMClockQualityClass
		".1.2.3.1.9.24.1.0 = INTEGER: 6",                          // ptpbaseClockDefaultDSQualityClass
		".1.2.4.1.4.24.1.0 = INTEGER: 5",                          // ptpbaseClockRunningState: phaseAligned
		".1.2.4.1.5.24.1.0 = Counter64: ",                         // ptpbaseClockRunningPacketsSent
		".1.2.5.1.5.24.1.0 = INTEGER: 37",                         // ptpbaseClockTimePropertiesDSCurrentUTCOffset
		".1.2.5.1.10.24.1.0 = INTEGER: 1",                         // ptpbaseClockTimePropertiesDSPTPTimescale
		".1.2.9.1.6.24.1.0.1 = INTEGER: 6",                        // ptpbaseClockPortRunningState: master
		".1.2.11.1.7.24.1.0.1.1 = STRING: \"127.0.0.2\"",          // ptpbaseClockPortAssociateAddress
		".1.2.11.1.6.24.1.0.1.1 = OID: .1.3.6.1.2.1.241.1.2.12.1", // ptpbaseClockPortAssociateAddressType
	} {
		if !strings.Contains(ptp, ptpBaseOID+want) {
			t.Errorf("no %s in:\n%s", ptpBaseOID+want, ptp)
		}
	}
	var s struct {
		Master struct{ Identity string }
	}
	if err := l.client().Get(t.Context(), "/v1/status", &s); err != nil {
		t.Fatal(err)
	}
	identity := strings.ToUpper(strings.ReplaceAll(s.Master.Identity[:len("001122.fffe.334455")], ".", ""))
	if got := m.ask("snmpget", "-Ox", ptpBaseOID+".1.2.3.1.5.24.1.0"); strings.ReplaceAll(strings.TrimPrefix(got[strings.Index(got, ": ")+1:], "Hex-STRING:"), " ", "") != identity {
		t.Errorf("clockIdentity is %s, want %s", got, identity)
	}
	if got := m.ask("snmpset", bragiOID+".1.2.3.0", "u", "7"); !strings.Contains(got, "noAccess") && !strings.Contains(got, "notWritable") && !strings.Contains(got, "authorizationError") {
		t.Errorf("a SET is answered by %s", got)
	}
	if got, err := m.run("snmpget", "-v", "2c", "-c", "public", "-m", "", "-t", "1", "-r", "0", m.at, bragiOID+".1.2.3.0"); err == nil {
		t.Errorf("SNMPv2c is answered: %s", got)
	}

	if err := l.client().Post(t.Context(), "/v1/sim/antenna", map[string]bool{"ok": false}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	heard := func(kind int, code string) func() bool {
		return func() bool {
			for _, line := range strings.Split(m.said("snmptrapd.out"), "\n") {
				if strings.Contains(line, fmt.Sprintf("= OID: %s.0.%d\t", bragiOID, kind)) && strings.Contains(line, fmt.Sprintf("= STRING: \"%s\"", code)) {
					return true
				}
			}
			return false
		}
	}
	eventually(t, 60*time.Second, "a trap of the antenna", heard(1, "GNSS_NO_FIX"))
	eventually(t, 20*time.Second, "the alarm in the table, and holdover in the MIB of PTP", func() bool {
		return strings.Contains(m.ask("snmpwalk", bragiOID+".1.4"), "\"CLOCK_HOLDOVER\"") && strings.HasSuffix(m.ask("snmpget", ptpBaseOID+".1.2.4.1.4.24.1.0"), "INTEGER: 2")
	})
	if err := l.client().Post(t.Context(), "/v1/sim/antenna", map[string]bool{"ok": true}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 120*time.Second, "a trap that the receiver has a fix again", heard(2, "GNSS_NO_FIX"))

	l.cmd.Process.Kill() //nolint:errcheck // it runs
	eventually(t, 40*time.Second, "the word that bragid is silent, and nothing but this", func() bool {
		return strings.HasSuffix(m.ask("snmpget", bragiOID+".1.1.1.0"), "INTEGER: 2") && strings.Contains(m.said("snmptrapd.out"), fmt.Sprintf("= OID: %s.0.3", bragiOID))
	})
	if got := m.ask("snmpwalk", ptpBaseOID); strings.Contains(got, "INTEGER") {
		t.Errorf("a daemon that is dead has data sets: %s", got)
	}
}
