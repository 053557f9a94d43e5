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

// patience is how long snmpd waits for a Status: the manager behind it gives up soon. A
// Status that is late, as one of 10,000 clients on a busy board, is awaited in the
// background: until it is there the last one answers, but not one older than keptFor.
const (
	patience = 2 * time.Second
	keptFor  = 30 * time.Second
)

// Pass answers snmpd's questions about one Status after the other.
type Pass struct {
	read    func() (status.Status, error)
	now     func() time.Time
	known   tree
	at      time.Time    // when known was made, or found too late to be made anew
	good    time.Time    // when the Status of known was asked for; zero: it is of none
	late    bool         // the answer that is awaited is late
	asked   time.Time    // when it was asked for
	coming  chan reading // nil: none is awaited
	numbers numbers
}

type reading struct {
	status status.Status
	err    error
}

// NewPass makes a Pass; read asks bragid. It ends by itself when bragid does not answer.
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

// tree is made of a Status that is not older than freshFor, where bragid is not late.
func (p *Pass) tree() tree {
	now := p.now()
	if age := now.Sub(p.at); p.known != nil && age >= 0 && age < freshFor && !p.late {
		return p.known
	}
	if p.coming == nil {
		coming := make(chan reading, 1)
		p.coming, p.asked = coming, now
		go func() {
			s, err := p.read()
			coming <- reading{s, err}
		}()
	}
	if age := now.Sub(p.at); p.late && age >= 0 && age < freshFor { // a walk waits once, not for each object
		select {
		case r := <-p.coming:
			p.take(r, now)
		default:
			p.forgetOld(now)
		}
		return p.known
	}
	select {
	case r := <-p.coming:
		p.take(r, now)
	case <-time.After(patience):
		p.late, p.at = true, p.now()
		p.forgetOld(p.at)
	}
	return p.known
}

// take makes the tree of what was awaited. One that failed after it was late says no
// more than that.
func (p *Pass) take(r reading, now time.Time) {
	late := p.late
	p.coming, p.late, p.at = nil, false, now
	switch {
	case r.err == nil:
		p.good = p.asked
		p.known = p.known[:0]
		p.known.ptp(&r.status, &p.numbers)
		p.known.ours(&r.status, true)
		p.known.sort()
	case late:
		p.forgetOld(now)
	default:
		p.unanswered()
	}
}

// forgetOld lets a Status that is too old answer no more.
func (p *Pass) forgetOld(now time.Time) {
	if age := now.Sub(p.good); p.good.IsZero() || age < 0 || age > keptFor {
		p.unanswered()
	}
}

// unanswered makes the tree of a bragid that does not answer.
func (p *Pass) unanswered() {
	p.good = time.Time{}
	p.known = p.known[:0]
	p.known.ours(&status.Status{}, false)
	p.known.sort()
}
