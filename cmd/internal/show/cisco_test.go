package show

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The selected reference has the star; a reference that is not used never claims a
// quality, and nothing that bragi does not have is on.
func TestNetworkClocksTellsTheSelectedReference(t *testing.T) {
	s := sample()
	const want = ` Interface  SigType  Mode/QL  Prio  QL_IN      ESMC Tx  ESMC Rx
 GNSS       1PPS     NA/Dis   1     QL-FAILED  NA       NA
*Internal   NA       NA/Dis   251   QL-SEC     NA       NA
`
	text := NetworkClocks(s, 80)
	if _, table, _ := strings.Cut(text, "Nominated Interfaces\n"); cmp.Diff(want, table) != "" {
		t.Errorf("%s", cmp.Diff(want, table))
	}
	s.Clock.Reference = "gnss"
	if text := NetworkClocks(s, 80); !strings.Contains(text, "*GNSS") || !strings.Contains(text, "T0 : GNSS") || strings.Contains(text, "QL-FAILED") {
		t.Errorf("%s", text)
	}
}
