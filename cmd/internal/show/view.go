package show

import (
	"fmt"
	"strings"

	"bragi/cmd/internal/status"
	"bragi/holdover/quality"
)

// Peer is a client as the live view draws it: what the client itself says.
type Peer struct {
	Address  string
	As       string // cbr8, rpd, generic
	State    string // Cisco's word
	OffsetNs *float64
	DelayNs  *float64
	MedianNs *float64 // of the offsets of the last seconds
	WorstNs  *float64
	SyncRate float64 // messages per second
	RespRate float64
	Class    int // clockClass that the client sees; -1: none yet
	Granted  int // flows granted, of 3
	Domain   uint8
	Master   string // its address
	Sent     uint64 // packets
	Received uint64
	LockLeft string // how long it may still take to be in phase; "": it was in phase
}

// View is the live view of `make run`: the grandmaster's side, its client's,
// and how it came there. s nil: the daemon does not answer, problem says why.
func View(s *status.Status, problem string, p Peer, hints []string) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-11s %s\n", label, fmt.Sprintf(format, args...))
	}
	if s == nil {
		fmt.Fprintf(&b, "GRANDMASTER\n  %s\n", problem)
	} else {
		viewMaster(&b, line, s)
	}
	viewClient(&b, line, p)
	line("offset", "%s now, %s median, %s worst (last 1024 Syncs)", Ns(p.OffsetNs), Ns(p.MedianNs), Ns(p.WorstNs))
	line("path delay", "%s", Ns(p.DelayNs))
	class := "none yet"
	if p.Class >= 0 {
		class = fmt.Sprintf("%d (%s)", p.Class, quality.ClassName(uint8(p.Class)))
	}
	line("sees class", "%s", class)
	line("receives", "%.1f Sync/s, %.1f Delay_Resp/s, %d of 3 flows granted", p.SyncRate, p.RespRate, p.Granted)
	if s != nil && len(s.Walk) > 0 {
		fmt.Fprintf(&b, "\nWALK\n")
		for _, step := range s.Walk[max(0, len(s.Walk)-6):] {
			class := " -"
			if step.Serving {
				class = fmt.Sprintf("%2d", step.ClockClass)
			}
			fmt.Fprintf(&b, "  %s  class %s  %-30s %s\n", step.At.UTC().Format("15:04:05Z"), class, status.StateWords(step.State, step.StateName), strings.Join(step.Why, ", "))
		}
	}
	if len(hints) > 0 {
		b.WriteString("\n")
		for _, h := range hints {
			fmt.Fprintf(&b, "%s\n", h)
		}
	}
	return b.String()
}

// viewClient is the client's state in the words of the screen that it has itself.
func viewClient(b *strings.Builder, line func(label, format string, args ...any), p Peer) {
	screen := map[string]string{"cbr8": "show ptp clock running", "rpd": "show ptp clock 0 state"}[p.As]
	fmt.Fprintf(b, "\nCLIENT %s, simulated %s", p.Address, p.As)
	if screen != "" {
		fmt.Fprintf(b, ": %s", screen)
	}
	b.WriteString("\n")
	switch p.As {
	case "cbr8":
		port := map[string]string{"FREERUN": "Listening", "ACQUIRING": "Uncalibrated", "HOLDOVER": "Uncalibrated"}[p.State]
		if port == "" {
			port = "Slave"
		}
		fmt.Fprintf(b, "  PTP Ordinary Clock [Domain %d]\n", p.Domain)
		fmt.Fprintf(b, "  %-13s  %-8s %-10s %-10s %s\n", "State", "Ports", "Pkts sent", "Pkts rcvd", "Redundancy Mode")
		fmt.Fprintf(b, "  %-13s  %-8d %-10d %-10d %s\n", p.State, 1, p.Sent, p.Received, "Hot standby")
		fmt.Fprintf(b, "  %-9s %-8s %-6s %-10s %-13s %-9s %s\n", "Name", "Tx Mode", "Role", "Transport", "State", "Sessions", "Port Addr")
		fmt.Fprintf(b, "  %-9s %-8s %-6s %-10s %-13s %-9d %s\n", "TOMASTER", "unicast", "slave", "Lo1588", port, 1, p.Master)
	case "rpd":
		state := p.State
		if state == "PHASE_ALIGNED" {
			state = "PHASE_LOCK"
		}
		fmt.Fprintf(b, "  apr state : %s\n  master ip : %s\n", state, p.Master)
	default:
		line("state", "%s", p.State)
	}
	if p.LockLeft != "" {
		line("to lock", "%s more may pass until it is in phase", p.LockLeft)
	}
}

func viewMaster(b *strings.Builder, line func(label, format string, args ...any), s *status.Status) {
	up := s.UptimeS
	fmt.Fprintf(b, "GRANDMASTER bragid %s on board %q, up %s\n", s.Version, s.Profile, seconds(&up))
	line("receiver", "fix %s, %s satellites, %s UTC, pulse %s", dash(s.GNSS.Fix), count(s.GNSS.SatsUsed), dash(s.GNSS.UTC), s.GNSS.Label)
	line("clock", "%s for %s", status.StateWords(s.Clock.State, s.Clock.StateName), since(*s, s.Clock.StateSince))
	if s.Clock.Serving {
		line("class", "%d (%s), accuracy %s", s.Clock.ClockClass, quality.ClassName(s.Clock.ClockClass), accuracyWords(s.Clock.ClockAccuracy))
	} else {
		line("class", "nothing is served")
	}
	line("error", "%s, inside %s", Estimate(s.Clock.TimeErrorNs, s.Clock.TimeErrorSigmaNs), plusMinus(s.Clock.BoundNs))
	line("holdover", "lasts %s from now, by the forecast", seconds(s.Clock.ForecastS))
	line("serves", "%s at %s, %s out, %d in", Count(s.Master.Clients, "client"), s.Master.Address, Count(s.Master.Sent, "packet"), s.Master.Received)
	for _, a := range s.Alarms {
		line("ALARM", "%s: %s", a.Severity, a.Text)
	}
}

// Walk is how state and class came where they are, oldest first.
func Walk(s status.Status) string {
	var b strings.Builder
	for _, step := range s.Walk {
		class := " -"
		if step.Serving {
			class = fmt.Sprintf("%2d", step.ClockClass)
		}
		fmt.Fprintf(&b, "%s  class %s  %-30s %s\n", utc(step.At), class, status.StateWords(step.State, step.StateName), strings.Join(step.Why, ", "))
	}
	return b.String()
}

// Banner is what greets at a console: who this is, how the clock is, and the most
// severe alarm. s nil: the daemon does not answer.
func Banner(s *status.Status, host string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nbragi PTP grandmaster %s\n", host)
	if s != nil {
		class := "nothing is served"
		if s.Clock.Serving {
			class = fmt.Sprintf("class %d (%s)", s.Clock.ClockClass, quality.ClassName(s.Clock.ClockClass))
		}
		fmt.Fprintf(&b, "Clock   %s, %s, %s\n", status.StateWords(s.Clock.State, s.Clock.StateName), class, Count(s.Master.Clients, "client"))
		if len(s.Alarms) == 0 {
			b.WriteString("Alarms  none\n")
		} else {
			a := s.Alarms[0]
			fmt.Fprintf(&b, "Alarms  %s %s: %s\n", strings.ToUpper(a.Severity), a.Code, a.Text)
			if more := len(s.Alarms) - 1; more > 0 {
				fmt.Fprintf(&b, "        and %s: show alarms\n", Count(more, "other"))
			}
		}
	}
	b.WriteString("Type ? for help.\n")
	return b.String()
}
