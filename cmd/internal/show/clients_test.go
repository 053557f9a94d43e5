package show

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

// Ten thousand clients are filtered by prefix or text, and sorted, address by
// address as numbers.
func TestManyClientsAreSortedAndFiltered(t *testing.T) {
	var list []status.Client
	for i := range 10_000 {
		list = append(list, status.Client{Address: fmt.Sprintf("10.%d.%d.%d", i%3, i/250, 250-i%250), Kind: []string{"RPD", "cBR8"}[i%2], SinceS: float64(i), DelayReq: uint64(i * 7 % 9973), Denials: uint64(i % 11)})
	}
	addresses := func(filter, order string) []string {
		t.Helper()
		got, err := SelectClients(list, filter, order)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range got {
			out = append(out, c.Address)
		}
		return out
	}
	if all := addresses("", ""); len(all) != 10_000 || all[0] != "10.0.0.1" || !strings.HasPrefix(all[9999], "10.2.39.") || slices.Index(all, "10.0.0.10") > slices.Index(all, "10.0.0.100") {
		t.Errorf("%d clients, %s to %s", len(all), all[0], all[len(all)-1])
	}
	for _, a := range addresses("10.1.0.0/16", "") {
		if !strings.HasPrefix(a, "10.1.") {
			t.Fatalf("%s is not in the prefix", a)
		}
	}
	if n := len(addresses("rpd", "")); n != 5000 {
		t.Errorf("%d RPDs", n)
	}
	byRequests, err := SelectClients(list, "", "requests")
	if err != nil || !slices.IsSortedFunc(byRequests, func(a, b status.Client) int { return int(b.DelayReq) - int(a.DelayReq) }) {
		t.Errorf("not sorted by requests: %v", err)
	}
	for _, bad := range [][2]string{{"10.1.0.0/77", ""}, {"", "colour"}} {
		if _, err := SelectClients(list, bad[0], bad[1]); err == nil || !strings.Contains(err.Error(), "fix: ") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// The column and the list below it do not contradict each other.
func TestWhoIsRefusedBesideItsGrantsHasALastDenial(t *testing.T) {
	s := status.Status{Clients: []status.Client{{Address: "10.0.0.5", Identity: "a-1"}, {Address: "10.0.0.6", Identity: "b-1"}},
		Denied: []status.Denied{{Address: "10.0.0.5", Identity: "a-1", Reason: "draining", Count: 9}, {Address: "10.0.0.6", Identity: "b-1", Reason: "no credit", Count: 2, Over: true}}}
	for line := range strings.Lines(Clients(s, 0)) {
		if strings.HasPrefix(line, "10.0.0.5") && !strings.Contains(line, "draining") || strings.HasPrefix(line, "10.0.0.6") && strings.Contains(line, "no credit") {
			t.Error(line)
		}
	}
}

// The column is there as soon as one client is asked, on a narrow terminal too.
func TestWhatClientsSayIsAColumn(t *testing.T) {
	s := status.Status{Clients: []status.Client{{Address: "10.6.0.2"}, {Address: "10.6.0.3"}, {Address: "10.6.0.4"}, {Address: "10.6.0.5"}}}
	if text := Clients(s, 0); strings.Contains(text, "CLIENT SAYS") {
		t.Errorf("nobody is asked:\n%s", text)
	}
	says := func(offsetNs float64) *status.Says {
		return &status.Says{Source: status.SourceNetSync, Asked: 2, Answered: 2, AgeS: new(3.0), OffsetNs: &offsetNs, PathDelayNs: new(3000.0), OwnOffsetNs: new(-40.0), OwnPathDelayNs: new(3100.0),
			PortState: "SLAVE", Parent: "aa-1", FollowsUs: true, Grandmaster: "aa", ClockClass: 6}
	}
	s.Clients[0].Says, s.Clients[1].Says, s.Clients[2].Says = says(312), &status.Says{Asked: 1, Silent: true}, says(-41_000)
	s.Clients[2].Says.FollowsUs, s.Clients[2].Says.Silent = false, true
	text := Clients(s, 80)
	for _, end := range []string{"CLIENT SAYS", "+312 ns, SLAVE", "no answer", "-41.00 us, SLAVE, follows another, silent now", "-"} {
		if !strings.Contains(text, "  "+end+"\n") {
			t.Errorf("no line ends in %q:\n%s", end, text)
		}
	}
	one, _ := Client(s, "10.6.0.2")
	for _, words := range []string{"SLAVE, 3.0s ago; 2 of 2 questions answered", "+312 ns measured from here, -40 ns as it says", "us, aa-1, grandmaster aa of class 6"} {
		if !strings.Contains(one, words) {
			t.Errorf("no %q:\n%s", words, one)
		}
	}
	if silent, _ := Client(s, "10.6.0.3"); !strings.Contains(silent, "nothing: 1 question (NetSync Monitor) without an answer") {
		t.Errorf("%s", silent)
	}
	if other, _ := Client(s, "10.6.0.4"); !strings.Contains(other, "another: aa-1") {
		t.Errorf("%s", other)
	}
}

func TestAClientOutOfCreditDoesNotLookServed(t *testing.T) {
	s := sample()
	c := &s.Clients[0]
	c.OutOfCredit, c.Paused, c.DelayReq = true, 123, 0
	text, _ := Client(s, c.Address)
	for _, want := range []string{"USED UP", "123 messages", "no Delay_Req came", "master.trusted"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// What a client tells by itself names its source and its age, beside what others answer.
func TestWhatAClientTellsByItselfNamesItsSource(t *testing.T) {
	tells := status.Says{Source: status.SourceSlaveEvent, Asked: 4, Silent: true, AgeS: new(3.0), OwnOffsetNs: new(-150.0), OwnPathDelayNs: new(3100.0), NeighborPPB: new(-12.5), Parent: "aa-1", FollowsUs: true}
	other := tells
	other.FollowsUs, other.OwnOffsetNs, other.NeighborPPB = false, nil, nil
	s := status.Status{Clients: []status.Client{{Address: "10.6.0.2", Says: &tells}, {Address: "10.6.0.3", Says: &other}}}
	text := Clients(s, 80)
	for _, end := range []string{"-150 ns (slave event data), 3.0s ago", "- (slave event data), follows another, 3.0s ago"} {
		if !strings.Contains(text, "  "+end+"\n") {
			t.Errorf("no line ends in %q:\n%s", end, text)
		}
	}
	one, _ := Client(s, "10.6.0.2")
	for _, words := range []string{"by slave event data, 3.0s ago", "-150 ns as it says; not measured from here", "3.10 us as it says", "runs -12.50 ppb against its own", "us, aa-1\n"} {
		if !strings.Contains(one, words) {
			t.Errorf("no %q:\n%s", words, one)
		}
	}
	if text, _ := Client(s, "10.6.0.3"); !strings.Contains(text, "another: aa-1\n") || strings.Contains(text, "ppb") {
		t.Errorf("%s", text)
	}
}
