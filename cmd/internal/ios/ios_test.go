package ios

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t testing.TB, text string) *Import {
	t.Helper()
	result, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func field(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/asr900.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheFieldConfigurationBecomesFourKeysAndNoError(t *testing.T) {
	result := read(t, field(t))
	const want = `[master]
squelch = 52                 # line 4: network-clock synchronization squelch-threshold QL-PRC
domain = 0                   # line 8: ptp clock ordinary domain 0
sync_mode = "one-step"       # line 11: sync one-step
address = "15.88.15.88"      # line 15: ip address 15.88.15.88 255.255.255.255
`
	if diff := cmp.Diff(want, result.TOML()); diff != "" {
		t.Error(diff)
	}
	if len(result.Errors) > 0 {
		t.Errorf("%+v", result.Errors)
	}
	// Each other line that says something is accounted for.
	lines := map[int]bool{}
	for _, list := range [][]Line{result.Ignored, result.Warnings} {
		for _, l := range list {
			lines[l.Line] = true
		}
	}
	for _, line := range []int{1, 2, 3, 5, 6, 9, 10} {
		if !lines[line] {
			t.Errorf("nothing is said of line %d", line)
		}
	}
}

// The list of inputs: a receiver is a reference, and the times of the choice are taken; of
// each other input it is said why bragi has none, and what to do.
func TestTheListOfInputsBecomesReferencesOrSaysWhyNot(t *testing.T) {
	result := read(t, `network-clock synchronization squelch-threshold QL-PRC
network-clock revertive
network-clock wait-to-restore 10 global
network-clock hold-off 300 global
network-clock input-source 1 gnss R0
network-clock input-source 2 gnss R1
network-clock input-source 3 External R0 10m
network-clock input-source 4 interface GigabitEthernet0/2/5
network-clock input-source 5 ptp domain 0
network-clock input-source 6 controller BITS 0/0
ptp clock ordinary domain 0
priority1 7
end
`)
	const want = `[master]
squelch = 52                 # line 1: network-clock synchronization squelch-threshold QL-PRC
domain = 0                   # line 11: ptp clock ordinary domain 0
priority1 = 7                # line 12: priority1 7
[selection]
revertive = true             # line 2: network-clock revertive
hold_off = "300ms"           # line 4: network-clock hold-off 300 global
[holdover]
wait_to_restore = "10s"      # line 3: network-clock wait-to-restore 10 global
[[reference]]
name = "gnss_r0"             # line 5: network-clock input-source 1 gnss R0
kind = "gnss"                # line 5: network-clock input-source 1 gnss R0
priority = 1                 # line 5: network-clock input-source 1 gnss R0
[[reference]]
name = "gnss_r1"             # line 6: network-clock input-source 2 gnss R1
kind = "gnss"                # line 6: network-clock input-source 2 gnss R1
priority = 2                 # line 6: network-clock input-source 2 gnss R1
`
	if diff := cmp.Diff(want, result.TOML()); diff != "" {
		t.Error(diff)
	}
	if len(result.Errors) > 0 {
		t.Errorf("%+v", result.Errors)
	}
	said := map[int]string{}
	for _, w := range result.Warnings {
		said[w.Line] = w.Text
	}
	for line, part := range map[int]string{6: "no device", 7: "a frequency (10 MHz or BITS)", 8: "synchronous Ethernet", 9: "follows no other", 10: "no input of controller"} {
		if !strings.Contains(said[line], part) || !strings.Contains(said[line], "fix: ") {
			t.Errorf("of line %d it says %q", line, said[line])
		}
	}
}

func TestAQualityLevelThatIsClaimedWhateverTheInputDoesIsPointedOut(t *testing.T) {
	var lines []int
	for _, w := range read(t, field(t)).Warnings {
		if strings.Contains(w.Text, "failed input") {
			lines = append(lines, w.Line)
		}
	}
	if diff := cmp.Diff([]int{1, 5}, lines); diff != "" {
		t.Error(diff)
	}
}

func TestIndentedLinesPromptsAndARunningConfigReadTheSame(t *testing.T) {
	want := read(t, field(t)).Taken
	indented := strings.NewReplacer("\nclock-port", "\n clock-port", "\nsync", "\n  sync", "\ntransport", "\n  transport", "\nip address", "\n ip address").Replace(field(t))
	around := "Building configuration...\n!\nversion 16.12\nservice timestamps log datetime\nhostname bragi\n!\nrouter ospf 1\n network 15.88.15.88 0.0.0.0 area 0\n!\n" +
		"interface GigabitEthernet0/0/0\n ip address 10.0.0.1 255.255.255.0\n load-interval 30\n!\n"
	for name, text := range map[string]string{
		"indented":         indented,
		"carriage returns": strings.ReplaceAll(field(t), "\n", "\r\n"),
		"a prompt":         "bragi#show running-config\n" + field(t) + "bragi#\n",
		"running config":   around + indented,
	} {
		result := read(t, text)
		if len(result.Errors) > 0 {
			t.Errorf("%s: %+v", name, result.Errors)
		}
		got := map[string]string{}
		for _, k := range result.Taken {
			got[k.Key] = k.Value
		}
		for _, k := range want {
			if got[k.Key] != k.Value {
				t.Errorf("%s: %s = %s, want %s", name, k.Key, got[k.Key], k.Value)
			}
		}
	}
}

func TestWhatCannotBeTakenIsAnErrorWithItsLine(t *testing.T) {
	for _, c := range []struct {
		text string
		line int
		part string
	}{
		{"ptp clock ordinary domain 300\n", 1, "0 to 127"},
		{"ptp clock ordinary domain x\n", 1, "0 to 127"},
		{"ptp clock boundary domain 0\n", 1, "no boundary clock"},
		{"!\nptp clock ordinary domain 0\nclock-port TOMASTER slave\n", 3, "client's configuration"},
		{"ptp clock ordinary domain 0\n frobnicate 7\n", 2, "does not know"},
		{"quux\n", 1, "does not know"},
		{"no ptp clock ordinary domain 44\n", 1, "takes something back"},
		{"ptp clock ordinary domain 44\n no sync one-step\n", 2, "takes something back"},
		{"ptp clock ordinary domain 44\nno ptp clock ordinary domain 44\n", 2, "takes something back"},
		{"ptp clock ordinary domain 44\nno network-clock revertive\n", 2, "takes something back"},
		{"ptp clock ordinary domain 0\nptp clock ordinary domain 1\n", 2, "Line 1 says"},
		{"ptp clock ordinary domain 0\n clock-port A master\n transport ipv4 unicast interface Lo7 negotiation\n", 3, "no `ip address`"},
		{"ptp clock ordinary domain 0\n clock-port A master\n transport ipv6 unicast interface Lo7 negotiation\n", 3, "IPv4 unicast"},
		{"interface Loopback1\n ip address 999.1.1.1 255.255.255.255\n", 2, "no IPv4 address"},
		{"network-clock synchronization squelch-threshold QL-SEC\n", 1, "QL-PRC only"},
		{"network-clock input-source x gnss R0\n", 1, "0 to 250"},
		{"network-clock wait-to-restore soon global\n", 1, "whole s"},
		{strings.Repeat("a", 100_000) + "\n", 1, "too long"},
	} {
		result := read(t, c.text)
		if len(result.Errors) != 1 || result.Errors[0].Line != c.line || !strings.Contains(result.Errors[0].Text, c.part) {
			t.Errorf("%.60q: %+v, want line %d with %q", c.text, result.Errors, c.line, c.part)
		}
	}
}

// A configuration has lines with "no" that are in order: they are no error.
func TestALineWithNoThatIsNotAboutTheClockIsNoError(t *testing.T) {
	if r := read(t, "interface Loopback1\n no shutdown\n no ip address\nno ip http server\n"); len(r.Errors) > 0 || r.Speaks() {
		t.Errorf("%+v", r)
	}
}

// What stands twice is taken once, from one block, and each line that is not taken is told.
func TestOfTwoClocksOrPortsTheFirstIsTakenAndTheOtherTold(t *testing.T) {
	const interfaces = "interface Lo1\n ip address 3.3.3.3 255.255.255.255 secondary\n ip address 1.1.1.1 255.255.255.255\ninterface Lo2\n ip address 2.2.2.2 255.255.255.255\n"
	for name, c := range map[string]struct {
		text  string
		taken map[string]string
		told  []int
	}{
		"two ports": {interfaces + "ptp clock ordinary domain 3\n clock-port A master\n  transport ipv4 unicast interface Lo1 negotiation\n clock-port B master\n  transport ipv4 unicast interface Lo2 negotiation\n",
			map[string]string{"master.domain": "3", "master.address": `"1.1.1.1"`}, []int{2, 7, 9, 10}},
		"two clocks": {interfaces + "ptp clock ordinary domain 3\n clock-port A master\nptp clock ordinary domain 4\n priority1 7\n clock-port B master\n  transport ipv4 unicast interface Lo2 negotiation\n",
			map[string]string{"master.domain": "3"}, []int{7, 8, 9, 10, 11}},
		"two clocks, each whole": {interfaces + "ptp clock ordinary domain 3\n transport ipv4 unicast interface Lo1 negotiation\nptp clock ordinary domain 3\n transport ipv4 unicast interface Lo2 negotiation\n",
			map[string]string{"master.domain": "3", "master.address": `"1.1.1.1"`}, []int{2, 8, 9}},
		"two addresses": {"interface Lo1\n ip address 1.1.1.1 255.255.255.255\n ip address 4.4.4.4 255.255.255.255\nptp clock ordinary domain 3\n transport ipv4 unicast interface Lo1 negotiation\n",
			map[string]string{"master.domain": "3", "master.address": `"1.1.1.1"`}, []int{3}},
	} {
		result := read(t, c.text)
		taken, told := map[string]string{}, []int{}
		for _, k := range result.Taken {
			taken[k.Key] = k.Value
		}
		for _, list := range [][]Line{result.Errors, result.Warnings, result.Ignored} {
			for _, l := range list {
				told = append(told, l.Line)
			}
		}
		slices.Sort(told)
		if diff := cmp.Diff(c.taken, taken); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(c.told, told); diff != "" {
			t.Errorf("%s: lines told: %s", name, diff)
		}
		if strings.HasPrefix(name, "two") && name != "two addresses" && len(result.Errors) == 0 {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestALargeConfigurationIsReadAndAHugeOneRefused(t *testing.T) {
	text := strings.Repeat("interface GigabitEthernet0/0/1\n description x\n ip address 10.0.0.1 255.255.255.0\n", 17_000) + field(t)
	if result := read(t, text); len(result.Errors) > 0 || len(result.Taken) != 4 {
		t.Errorf("%d keys, errors %+v", len(result.Taken), result.Errors)
	}
	if _, err := Read(strings.Repeat("!", MaxBytes+1)); err == nil {
		t.Error("a text above the limit was read")
	}
}

func TestTheSnippetNamesOurAddressAndDomain(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.7")
	for client, want := range map[string][]string{
		"cbr8": {"ptp clock ordinary domain 3\n", "clock source 192.0.2.7\n", "sync interval -5\n", "delay-req interval -5\n", "announce timeout 10\n"},
		"rpd":  {"ptp r-dti 1\n", "ptp-domain 3\n", "clock source ip 192.0.2.7\n", "sync interval -5\n"},
	} {
		text, err := Snippet(client, address, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", client, w, text)
			}
		}
	}
	if _, err := Snippet("router", address, 0); err == nil {
		t.Error("an unknown client has a snippet")
	}
	for _, a := range []netip.Addr{{}, netip.MustParseAddr("::1"), netip.MustParseAddr("224.0.0.1"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("240.0.0.1")} {
		if _, err := Snippet("cbr8", a, 0); err == nil || !strings.Contains(err.Error(), "fix: ") {
			t.Errorf("%v has a snippet, or no fix: %v", a, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(field(f))
	f.Fuzz(func(t *testing.T, text string) {
		if result, err := Read(text); err == nil {
			_ = result.TOML()
		}
	})
}
