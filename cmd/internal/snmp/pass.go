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

// lineLimit is longer than any line that snmpd sends; a longer one is answered with NONE.
const lineLimit = 64 << 10

// Serve speaks pass_persist (snmpd.conf(5)) until in ends.
func (p *Pass) Serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, lineLimit)
	for {
		asked, err := readLine(lines)
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		line := func() string {
			text, _ := readLine(lines) // the end is seen with the next command
			return text
		}
		var answer string
		switch command := strings.ToLower(asked); command {
		case "ping":
			answer = "PONG\n"
		case "get", "getnext":
			answer = p.answer(command, line())
		case "set":
			line() // which
			line() // to what
			answer = "not-writable\n"
		case "":
			return nil
		default:
			answer = none
		}
		if _, err := io.WriteString(out, answer); err != nil {
			return err
		}
	}
}

// tooLong stands for a line longer than lineLimit: it is no command and no OID.
const tooLong = "?"

// readLine reads a line to its end, without the spaces around it. The last one may
// lack its end.
func readLine(r *bufio.Reader) (string, error) {
	text, err := r.ReadSlice('\n')
	if err == io.EOF && len(text) > 0 {
		err = nil
	}
	if err != bufio.ErrBufferFull {
		return strings.TrimSpace(string(text)), err
	}
	for err == bufio.ErrBufferFull {
		_, err = r.ReadSlice('\n')
	}
	if err == io.EOF {
		err = nil
	}
	return tooLong, err
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
