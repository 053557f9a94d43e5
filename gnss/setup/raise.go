package setup

import (
	"fmt"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// A list of the satellites of four constellations fills a second of a line at
// 9600 baud. A rate that the host found by listening, and that is below
// raisedBaud, is raised to it, after all else; when the receiver does not answer
// at the new rate it is told to go back.
const raisedBaud = 38_400

const (
	// rateSettle is what a UART is given to change its rate.
	rateSettle = 300 * time.Millisecond
	// All is decided before gnss/port takes the noise of a wrong rate for a
	// receiver that changed it.
	raiseTries = 2
)

// raising is how far that is.
type raising uint8

const (
	notRaised raising = iota
	raised            // asked at the new rate
	lowered           // asked at the old one again
	done
)

// raise begins it, if it is wanted.
func (m *Machine) raise(now timescale.Mono) bool {
	uart := m.form() == formItems || m.port.ID == ubx.PortUART1 || m.port.ID == ubx.PortUART2
	if m.baud == 0 || m.baud >= raisedBaud || !uart || m.keepBaud || m.raising != notRaised {
		return false
	}
	m.raising = raised
	m.changeBaud(now, raisedBaud)
	return true
}

// changeBaud tells the receiver, the host, and asks whether all is well.
func (m *Machine) changeBaud(now timescale.Mono, baud int) {
	if m.form() == formItems {
		m.order = ubx.AppendMessage(nil, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM, ubx.Item{Key: ubx.KeyUART1Baud, Value: uint64(baud)}))
	} else {
		p := m.port
		p.Baud = uint32(baud)
		m.order = ubx.AppendMessage(nil, ubx.CfgPRT, p.Payload())
	}
	m.orderBaud = baud
	m.ask(now, ubx.MonVER, nil, raiseTries)
	m.asked.deadline = now.Add(rateSettle)
}

// raiseAnswered ends it: the receiver is understood.
func (m *Machine) raiseAnswered(now timescale.Mono) {
	r := Result{Name: fmt.Sprintf("%d baud", raisedBaud), Outcome: Set}
	if m.raising == lowered {
		r.Outcome, r.Detail, m.keepBaud = Absent, fmt.Sprintf("no answer at that rate: the receiver stays at %d", m.baud), true
	} else {
		m.baud = raisedBaud
	}
	m.raising = done
	m.results = append(m.results, r)
	m.ready(now)
}

// raiseUnanswered goes back to the old rate, and gives up when nothing is heard
// there either: the port looks for the rate then.
func (m *Machine) raiseUnanswered(now timescale.Mono) {
	if m.raising == raised {
		m.raising = lowered
		m.changeBaud(now, m.baud)
		return
	}
	m.keepBaud, m.raising = true, done
	m.fail(fmt.Sprintf("%d baud", raisedBaud), "no answer, and none at the old rate")
	m.planRedo(now)
	m.ready(now)
}
