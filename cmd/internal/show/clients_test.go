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
