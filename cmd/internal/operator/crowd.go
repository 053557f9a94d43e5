package operator

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/show"
	"bragi/gnss/timescale"
	"bragi/master/rehearsal"
	"bragi/master/udp/client"
)

// crowdReport is what `rehearse --clients N --json` prints.
type crowdReport struct {
	rehearsal.CrowdReport
	OneWay   client.OneWay     `json:"one_way_ns"` // around its median
	Sockets  client.CrowdStats `json:"sockets"`
	OwnCPU   float64           `json:"own_cpu"`    // cores that the load itself took in the window
	OwnRSSMB float64           `json:"own_rss_mb"` // the most it ever had
}

// partingTime is how long a crowd that leaves may take to say so.
const partingTime = 500 * time.Millisecond

// runCrowd plays many clients: they settle, are measured and leave.
func (r *rehearse) runCrowd(ctx context.Context, out io.Writer) error {
	crowd, sockets, err := r.dialCrowd()
	if err != nil {
		return err
	}
	defer sockets.Close()
	ctx, stop := context.WithTimeout(ctx, r.length+partingTime)
	defer stop()
	// Ctrl-C ends the measured time, and the clients still leave.
	run, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()

	var report crowdReport
	start := kernelclock.Raw()
	cpu, begun := ownCPU(), false
	left := timescale.Mono{}
	err = sockets.Run(run, crowd, func(now timescale.Mono, s client.CrowdStats) {
		switch {
		case !left.IsZero():
			if now.Sub(left) >= partingTime {
				end()
			}
		case now.Sub(start) >= r.length || ctx.Err() != nil:
			report.CrowdReport, report.OneWay, report.Sockets = crowd.Report(now, aheadOfUTC(crowd, now)), sockets.OneWay(), s
			report.OwnCPU = (ownCPU() - cpu).Seconds() / max(report.WindowS, 1e-3)
			report.OwnRSSMB = ownRSS()
			if s.Dropped > 0 {
				report.Findings = append(report.Findings, rehearsal.Finding{Code: "LOAD_TOO_SLOW", Severity: "warning",
					Text:   fmt.Sprintf("This machine dropped %d datagrams before the load had read them.", s.Dropped),
					Action: "Do not blame the grandmaster: take a faster machine, or fewer clients."})
			}
			left = now
			crowd.Leave()
		case !begun && now.Sub(start) >= r.settle:
			begun, cpu = true, ownCPU()
			crowd.Begin(now)
			sockets.Begin()
		}
	})
	if err != nil {
		return err
	}
	if err := r.tell(out, report, func(width int) string { return crowdSummary(report, width) }); err != nil || report.Verdict != "fail" {
		return err
	}
	return fmt.Errorf("rehearse: fail: %d of %s passed. %s", report.Passed, show.Count(report.Clients, "client"), failure(report.Findings))
}

func (r *rehearse) dialCrowd() (*rehearsal.Crowd, *client.Crowd, error) {
	kind, masters, err := r.whom()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(masters) > 1:
		return nil, nil, cli.Usagef("many clients have one master; leave out --master %s", r.masters[1])
	case r.watch:
		return nil, nil, cli.Usagef("--watch draws one client; leave it out with --clients %d", r.clients)
	case r.settle < 0 || r.settle >= r.length:
		return nil, nil, cli.Usagef("--settle %v is not within 0 and --for %v", r.settle, r.length)
	}
	source, err := netip.ParsePrefix(r.source)
	if err != nil {
		return nil, nil, cli.Usagef("--source %q is not a prefix such as 10.100.0.0/16, which many clients need", r.source)
	}
	var seed [8]byte
	rand.Read(seed[:]) //nolint:errcheck // it never fails (crypto/rand)
	crowd, err := rehearsal.NewCrowd(rehearsal.CrowdConfig{Kind: kind, Clients: r.clients, Source: source, Domain: r.domain, Seed: binary.NativeEndian.Uint64(seed[:])})
	if err != nil {
		return nil, nil, cli.UsageError{Err: err}
	}
	sockets, err := client.DialCrowd(client.CrowdConfig{Master: masters[0], First: crowd.Address(0), Last: crowd.Address(r.clients - 1),
		EventPort: r.event, GeneralPort: r.general, DSCP: 47})
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		err = fmt.Errorf("%w; here CIDR is %v", err, source.Masked())
	}
	return crowd, sockets, err
}

// ownCPU is the time that this process has computed.
func ownCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ownRSS is the most memory that this process ever had, in MB.
func ownRSS() float64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Maxrss) * 1024 / 1e6
}

// crowdSummary is the report of a crowd for people.
func crowdSummary(r crowdReport, width int) string {
	var b strings.Builder
	line := func(name string, q rehearsal.Quantiles) {
		fmt.Fprintf(&b, "%-13s p50 %.1f us, p99 %.1f us, worst %.1f us (%d)\n", name, float64(q.P50)/1e3, float64(q.P99)/1e3, float64(q.Max)/1e3, q.N)
	}
	fmt.Fprintf(&b, "%s as %s for %.1f s: %d held at their rate, %d with all grants; %.2f %% of the Syncs came\n",
		show.Count(r.Clients, "client"), r.As, r.WindowS, r.Held, r.Granted, 100*r.SyncShare)
	line("Sync spacing", r.Spacing)
	line("Turn-around", r.Turn)
	fmt.Fprintf(&b, "%-13s p1 %.1f us, p99 %.1f us around the median (%d): receive stamp minus what the master says\n", "Sync's time", float64(r.OneWay.P1)/1e3, float64(r.OneWay.P99)/1e3, r.OneWay.N)
	c := r.Counts
	fmt.Fprintf(&b, "Received      %d Sync, %d Follow_Up, %d Announce, %d Delay_Resp\n", c.Sync, c.FollowUp, c.Announce, c.DelayResp)
	fmt.Fprintf(&b, "Sent          %d Delay_Req, %d without an answer; %d requests, %d denied\n", c.DelayReq, c.Unanswered, c.Asked, c.Denials)
	fmt.Fprintf(&b, "The load      %.1f %% of a core, %.1f MB; %d datagrams dropped before it read them, %d not sent, %d of its slots late\n",
		100*r.OwnCPU, r.OwnRSSMB, r.Sockets.Dropped, r.Sockets.SendBusy+r.Sockets.SendFailed, c.LateSlots)
	if x := r.Worst; x != nil {
		answers := "it sent no Delay_Req"
		if x.DelayReqs > 0 {
			answers = fmt.Sprintf("%.1f %% of its Delay_Req answered", 100*x.AnswerShare)
		}
		fmt.Fprintf(&b, "Worst client  %s: %.1f %% of its Syncs, %.1f %% of them in time, %s\n", x.Address, 100*x.SyncShare, 100*x.EvenShare, answers)
	}
	b.WriteString("\n")
	writeFindings(&b, width, r.Findings)
	fmt.Fprintf(&b, "Verdict: %s, %d of %s passed\n", r.Verdict, r.Passed, show.Count(r.Clients, "client"))
	return b.String()
}
