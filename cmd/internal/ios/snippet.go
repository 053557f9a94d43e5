package ios

import (
	"fmt"
	"net/netip"
)

// Unicast tells whether the address can be that of one IPv4 host.
func Unicast(a netip.Addr) bool {
	return a.Is4() && a.As4()[0] > 0 && a.As4()[0] < 224
}

// Snippet is what an operator pastes at a client, "cbr8" or "rpd", so that it asks
// the master at this address. The lines for an RPD are entered on its core.
func Snippet(client string, master netip.Addr, domain int) (string, error) {
	if !Unicast(master) {
		return "", fmt.Errorf("%v is no IPv4 unicast address, and the clients need the master's (fix: set master.address, or say --master ADDR)", master)
	}
	switch client {
	case "cbr8":
		return fmt.Sprintf(`ptp clock ordinary domain %d
 servo tracking-type R-DTI
 clock-port TOMASTER slave
  announce interval -3
  announce timeout 10
  delay-req interval -5
  sync interval -5
  transport ipv4 unicast interface Lo1588 negotiation
  clock source %s
`, domain, master), nil
	case "rpd":
		return fmt.Sprintf(`ptp r-dti 1
 ptp-domain %d
 clock-port 1
  clock source ip %s
  sync interval -5
  announce interval -3
`, domain, master), nil
	}
	return "", fmt.Errorf("%q is no client (fix: say cbr8 or rpd)", client)
}
