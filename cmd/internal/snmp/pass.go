// Package snmp tells the Status to net-snmp's snmpd, which speaks SNMP to the
// network: PTPBASE-MIB of RFC 8173, and BRAGI-MIB with the clock and the alarms.
//
//	manager <--SNMP--> snmpd <--pass_persist, stdin and stdout--> Pass <--control socket--> bragid
//	manager <--trap--- snmpd <--agentxtrap------------------------ Traps <--events--------- bragid
//
// It only tells: every SET is refused. What is not known is left out.
package snmp

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"bragi/cmd/internal/status"
)

// freshFor is how long one Status answers: a walk asks for each object by itself,
// and its objects belong together.
const freshFor = 5 * time.Second

// Pass answers snmpd's questions about one Status after the other.
type Pass struct {
	read    func() (status.Status, error)
	now     func() time.Time
	known   tree
	at      time.Time
	numbers numbers
}

// NewPass makes a Pass; read asks bragid.
func NewPass(read func() (status.Status, error), now func() time.Time) *Pass {
	return &Pass{read: read, now: now}
}

// lineLimit is the longest line that snmpd sends.
const lineLimit = 64 << 10

// Serve speaks pass_persist (snmpd.conf(5)) until in ends.
func (p *Pass) Serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, lineLimit)
	line := func() string {
		if !lines.Scan() {
			return ""
		}
		return strings.TrimSpace(lines.Text())
	}
	for lines.Scan() {
		var answer string
		switch command := strings.ToLower(strings.TrimSpace(lines.Text())); command {
		case "ping":
			answer = "PONG\n"
		case "get", "getnext":
			answer = p.answer(command, line())
		case "set":
			line() // which
			line() // to what
			answer = "not-writable\n"
		case "":
			return lines.Err()
		default:
			answer = none
		}
		if _, err := io.WriteString(out, answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

const none = "NONE\n"

func (p *Pass) answer(command, oid string) string {
	o, ok := ParseOID(oid)
	if !ok {
		return none
	}
	find := p.tree().get
	if command == "getnext" {
		find = p.tree().next
	}
	v, ok := find(o)
	if !ok {
		return none
	}
	return fmt.Sprintf("%v\n%s\n%s\n", v.oid, v.kind, v.text)
}

// tree is made of a Status that is not older than freshFor.
func (p *Pass) tree() tree {
	now := p.now()
	if age := now.Sub(p.at); p.known != nil && age >= 0 && age < freshFor {
		return p.known
	}
	s, err := p.read()
	p.known, p.at = p.known[:0], now
	if err == nil {
		p.known.ptp(&s, &p.numbers)
	}
	p.known.ours(&s, err == nil)
	p.known.sort()
	return p.known
}
