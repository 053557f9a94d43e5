package metrics

import "bragi/cmd/internal/status"

var (
	lines     = describe("syslog_sent_total", "Lines that arrived at a syslog server: its machine took them, and its connection stood for 15 s more; over UDP, nobody refused them for 5 s.", "target")
	linesLost = describe("syslog_lost_total", "Lines that a syslog server did not get.", "target")
	inFlight  = describe("syslog_unconfirmed", "Lines that have left for a syslog server, and of which it is not known yet whether they arrived.", "target")
	waiting   = describe("syslog_waiting", "Lines that wait for a syslog server.", "target")
	reached   = describe("syslog_reached", "1 while nothing is wrong with a syslog server.", "target")
)

func (t teller) syslog(s *status.Status) {
	for _, target := range s.Syslog {
		t.count(lines, target.Sent, target.Target)
		t.count(linesLost, target.Lost, target.Target)
		t.gauge(waiting, float64(target.Waiting), target.Target)
		t.gauge(inFlight, float64(target.Unconfirmed), target.Target)
		t.truth(reached, target.Trouble == "", target.Target)
	}
}
