package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bragi/board/kernelclock"
	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/terminal"
	"bragi/gnss/timescale"
	"bragi/master/rehearsal"
	"bragi/master/udp/client"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// rehearse is a client of ours in the place of a cable network's device.
type rehearse struct {
	o       *options
	masters []string
	as      string
	domain  uint8
	clients int
	source  string
	event   uint16
	general uint16
	length  time.Duration
	settle  time.Duration
	json    bool
	watch   bool

	fault     string
	floodRate int
	lengthSet bool // --for was named

	stamps     string
	port       string
	discipline string
}

func rehearseCommand(o *options) *cobra.Command {
	r := &rehearse{o: o}
	c := &cobra.Command{
		Use:   "rehearse --master ADDR [--master ADDR] --as cbr8|rpd|generic [--clients N --source CIDR]",
		Short: "Play a client of any grandmaster, and judge what it sees",
		Long: "Rehearse plays a unicast client of any grandmaster, with the rates and timeouts of a Cisco cBR8 or an RPD.\n" +
			"It reports what it sees. It steers only a clock of its own, in memory. At the end it judges: each finding says\n" +
			"what it means and what to do. Exit code 0: pass; 1: fail, for a finding that is an error (with --watch always 0).\n" +
			"With several masters it follows the best one, and changes when that one falls silent or refuses. The report says\n" +
			"what the change did to the time.\n" +
			"With more clients than one, or a --source wider than /32, it is a load. Each client has an address of its own\n" +
			"out of --source. One verdict tells how many of them passed, which was the worst, and why. Exit code 0: all passed.\n" +
			"With --fault the client does something wrong, to see what the master makes of it: renew-late, wrong-domain,\n" +
			"no-delay-req, flood, vanish, duplicate-identity, move-address. The last two need two addresses: --source CIDR.\n" +
			"With --discipline a PTP hardware clock follows the client's clock, from the first PHASE_ALIGNED on. It is set to the\n" +
			"grandmaster's time, and it is left running at the end. Without it no clock is touched; the system clock never is.",
		Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			r.lengthSet = c.Flags().Changed("for")
			ctx, stop := untilHangUp(c.Context())
			defer stop()
			return r.run(ctx, c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringArrayVar(&r.masters, "master", nil, "the grandmaster's address; once for each of several masters")
	f.StringVar(&r.as, "as", "generic", "what to play: cbr8, rpd or generic")
	f.Uint8Var(&r.domain, "domain", 0, "PTP domain")
	f.IntVar(&r.clients, "clients", 1, "the number of clients")
	f.StringVar(&r.source, "source", "", "the client's own address, ADDR/32; for many clients the prefix of their addresses; empty: what the route says")
	f.DurationVar(&r.settle, "settle", 5*time.Second, "with many clients: wait so long before the measured time begins")
	f.Uint16Var(&r.event, "event-port", socket.EventPort, "the event port of client and master")
	f.Uint16Var(&r.general, "general-port", socket.GeneralPort, "the general port of client and master")
	f.DurationVar(&r.length, "for", time.Minute, "how long")
	f.StringVar(&r.fault, "fault", "", "what the client does wrong; one of the words above")
	f.IntVar(&r.floodRate, "flood-rate", 0, "of --fault flood: Delay_Req a second, 1 to 5000, for 10 s")
	f.StringVar(&r.stamps, "stamps", "software", "whose time stamps: software (the kernel's), hardware (the network port's), or auto")
	f.StringVar(&r.port, "interface", "", "the network port of the hardware stamps; empty: the one that has the client's address")
	f.StringVar(&r.discipline, "discipline", "", "steer this PTP hardware clock by the client's clock: /dev/ptpN, or auto for the network port's")
	f.BoolVar(&r.json, "json", false, "print the report as JSON")
	f.BoolVar(&r.watch, "watch", false, "draw client and grandmaster live")
	return c
}

// untilHangUp ends with a terminal that is closed, too: the grants are given back, and the
// report goes where the output goes. Under nohup it does not.
func untilHangUp(ctx context.Context) (context.Context, context.CancelFunc) {
	if signal.Ignored(syscall.SIGHUP) {
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}

// whom reads the flags that one client and many have in common.
func (r *rehearse) whom() (kind rehearsal.Kind, masters []netip.Addr, err error) {
	if kind, err = rehearsal.ParseKind(r.as); err != nil {
		return kind, nil, cli.UsageError{Err: err}
	}
	if len(r.masters) == 0 {
		return kind, nil, cli.Usagef("--master ADDR is missing")
	}
	for _, text := range r.masters {
		master, err := netip.ParseAddr(text)
		if err != nil {
			return kind, nil, cli.Usagef("--master %q is not an address (fix: for example 10.0.0.1)", text)
		}
		if slices.Contains(masters, master) {
			return kind, nil, cli.Usagef("--master %s is there twice", text)
		}
		masters = append(masters, master)
	}
	if own, err := netip.ParsePrefix(r.source); err == nil && own.IsSingleIP() && slices.Contains(masters, own.Addr()) {
		return kind, nil, cli.Usagef("--source %s is also --master: a client cannot ask itself (fix: another address of this machine as --source, or the master's as --master)", r.source)
	}
	if r.length <= 0 {
		return kind, nil, cli.Usagef("--for %v is no time at all", r.length)
	}
	return kind, masters, nil
}

func (r *rehearse) dial() (*client.Client, *rehearsal.Chooser, *hardware, error) {
	kind, masters, err := r.whom()
	if err != nil {
		return nil, nil, nil, err
	}
	var local netip.Addr
	if r.source != "" {
		prefix, err := netip.ParsePrefix(r.source)
		if err != nil {
			return nil, nil, nil, cli.Usagef("--source %q is not of the form ADDR/32", r.source)
		}
		local = prefix.Addr()
	}
	identity, seed := newIdentity()
	core, err := rehearsal.NewChooser(rehearsal.Config{Kind: kind, Identity: identity, Domain: r.domain, Seed: seed}, masters)
	if err != nil {
		return nil, nil, nil, err
	}
	h, err := r.openHardware(local, masters[0])
	if err != nil {
		return nil, nil, nil, err
	}
	sockets, err := client.Dial(client.Config{Local: local, Masters: masters, EventPort: r.event, GeneralPort: r.general, DSCP: 47, Device: h.toMono()})
	if err != nil {
		return nil, nil, nil, errors.Join(err, h.close())
	}
	return sockets, core, h, nil
}

// newIdentity is a portIdentity that nobody has, and a seed.
func newIdentity() (wire.PortIdentity, uint64) {
	var seed [8]byte
	rand.Read(seed[:]) //nolint:errcheck // it never fails (crypto/rand)
	clock := wire.IdentityFromMAC([6]byte{0x02, seed[0], seed[1], seed[2], seed[3], seed[4]})
	return wire.PortIdentity{Clock: clock, Port: 1}, uint64(seed[5])<<8 | uint64(seed[6])
}

// leave cancels the client's grants, so that the master does not send to nobody
// for minutes.
func leave(sockets *client.Client, core *rehearsal.Chooser) error {
	core.Leave()
	ctx, stop := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer stop()
	return sockets.Run(ctx, core, func(timescale.Mono, client.Stats) {})
}

func (r *rehearse) run(ctx context.Context, out io.Writer) error {
	if r.fault != "" || r.floodRate != 0 {
		if err := r.onlyOne("--fault"); err != nil {
			return err
		}
		return r.runFault(ctx, out)
	}
	if r.clients != 1 || r.source != "" && !strings.HasSuffix(r.source, "/32") {
		if err := r.onlyOne("many"); err != nil {
			return err
		}
		return r.runCrowd(ctx, out)
	}
	sockets, core, h, err := r.dial()
	if err != nil {
		return err
	}
	defer h.close() //nolint:errcheck // what it could not put back it can only tell
	defer sockets.Close()
	ctx, stop := context.WithTimeout(ctx, r.length)
	defer stop()
	// The packets' goroutine only copies; another one asks the daemon and draws.
	reports := make(chan rehearsal.Report, 1)
	drawn := make(chan struct{})
	go func() { newFace(r, out).draw(ctx, reports); close(drawn) }()
	err = sockets.Run(ctx, core, func(now timescale.Mono, s client.Stats) {
		h.report.Received, h.report.Sent = s.DeviceRx, s.DeviceTx
		h.steered.steer(now, core, stop)
		select {
		case reports <- core.Report(now):
		default:
		}
	})
	close(reports)
	<-drawn
	if err != nil {
		return err
	}
	h.steered.rest(kernelclock.Raw(), core)
	report := r.judged(core, h)
	if err := leave(sockets, core); err != nil {
		return err
	}
	if h.steered != nil && h.steered.err != nil {
		return fmt.Errorf("rehearse: the clock is not steered any more: %w", h.steered.err)
	}
	if err := r.tell(out, report, func(width int) string { return summary(report, width) }); err != nil || report.Verdict != "fail" || r.watch {
		return err
	}
	return fmt.Errorf("rehearse: fail: %s", failure(report.Findings))
}

// tell prints a report, as JSON or as the text of it.
func (r *rehearse) tell(out io.Writer, report any, draw func(width int) string) error {
	if r.json {
		return printJSON(out, report)
	}
	return r.o.write(out, draw)
}

// progress is a line of what happens, so many seconds after the start.
func (r *rehearse) progress(out io.Writer, seconds float64, format string, values ...any) {
	r.o.write(out, func(int) string { return fmt.Sprintf("%7.1f s  "+format+"\n", append([]any{seconds}, values...)...) }) //nolint:errcheck // the report tells whoever still listens
}

// failure is the finding that a verdict fails by: the first error, whatever was noted before it.
func failure(findings []rehearsal.Finding) string {
	for _, f := range findings {
		if f.Severity == "error" {
			return f.Text + " " + f.Action
		}
	}
	return "no finding says why (fix: look at the report)"
}

// judged is the report at the end, with its verdict. The machine's own clock tells
// about what UTC is.
func (r *rehearse) judged(core *rehearsal.Chooser, h *hardware) rehearsal.Report {
	now := kernelclock.Raw()
	report := core.Report(now)
	report.Stamps, report.Disciplined = h.report, h.steered.result()
	report.AheadOfUTCS = aheadOfUTC(core, now)
	report.Judge()
	return report
}

// aheadOfUTC is by how much the served time is ahead of the machine's own clock, nil
// where none is served.
func aheadOfUTC(core interface {
	Time(at timescale.Mono) (ns int64, ok bool)
}, now timescale.Mono) *float64 {
	ns, ok := core.Time(now)
	if !ok {
		return nil
	}
	ahead := time.Duration(ns - time.Now().UnixNano()).Seconds()
	return &ahead
}

// summary is the report of a rehearsal for people.
func summary(r rehearsal.Report, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSimulated %s, %.0f s: %s for %.0f s", r.As, r.RunS, r.State, r.InStateS)
	if r.TimeToLockS != nil {
		fmt.Fprintf(&b, ", first in phase after %.1f s", *r.TimeToLockS)
	}
	b.WriteString("\n")
	masters(&b, r)
	if m := r.Master; r.Counts["announce"] > 0 {
		fmt.Fprintf(&b, "Grandmaster %s\n  class %d, accuracy %s, time source %s, UTC offset %d s, %s\n", m.Identity, m.Class, m.Accuracy, m.TimeSource, m.UTCOffset,
			map[bool]string{true: "one-step", false: "two-step"}[r.OneStep])
	}
	fmt.Fprintf(&b, "%-10s %7s %8s %5s %6s\n", "Messages", "granted", "a second", "lost", "denied")
	for _, name := range []string{"announce", "sync", "delay_resp"} {
		g := r.Grants[name]
		granted := "no"
		if g.Granted {
			granted = fmt.Sprintf("%.4g/s", math.Exp2(-float64(g.Interval)))
		}
		fmt.Fprintf(&b, "%-10s %7s %8.1f %5d %6d\n", name, granted, r.Rates[name], r.Lost[name], g.Denials)
	}
	if r.Offset.N > 0 {
		fmt.Fprintf(&b, "Offset      median %d ns, 1 %% below %d, 1 %% above %d (%s)\n", r.Offset.Median, r.Offset.P1, r.Offset.P99, show.Count(r.Offset.N, "Sync"))
		fmt.Fprintf(&b, "Path delay  %.0f ns; Sync spacing off by %.0f us (half of them), %.0f us (99 %%)\n", r.PathDelayNs, r.Spacing.P50, r.Spacing.P99)
	}
	if s := r.Stamps; s.Source == "hardware" {
		fmt.Fprintf(&b, "Stamps      the hardware's: %d of what came, %d of what was sent\n", s.Received, s.Sent)
	} else if s.Why != "" {
		fmt.Fprintf(&b, "Stamps      the kernel's: %s\n", s.Why)
	}
	if f := r.Disciplined; f != nil {
		fmt.Fprintf(&b, "%-11s %+d ns from the client's clock (median; 1 %% below %+d, 1 %% above %+d), %s, correction %.1f ppb\n", f.Device, f.Ahead.Median, f.Ahead.P1, f.Ahead.P99, show.Count(int(f.Steps), "step"), f.PPB)
	}
	b.WriteString("\n")
	if n := r.Network; n != nil {
		fmt.Fprintf(&b, "Network     the delay floor moved by %.3f us within 10 minutes; at least %.2f %% of the packets near it (%d s)\n\n", float64(n.MTIENs)/1e3, n.FloorPercent, n.Seconds)
	}
	writeFindings(&b, width, r.Findings)
	fmt.Fprintf(&b, "Verdict: %s\n", r.Verdict)
	return b.String()
}

// masters lists the masters of a client that has several, and the changes between
// them.
func masters(b *strings.Builder, r rehearsal.Report) {
	if len(r.Masters) == 0 {
		return
	}
	fmt.Fprintf(b, "  %-15s %5s %-8s %9s %9s  %s\n", "Master", "class", "accuracy", "priority1", "priority2", "identity")
	for _, m := range r.Masters {
		mark := " "
		if m.Selected {
			mark = "*"
		}
		if m.Identity == "" {
			fmt.Fprintf(b, "%s %-15s no Announce\n", mark, m.Address)
			continue
		}
		fmt.Fprintf(b, "%s %-15s %5d %-8s %9d %9d  %s\n", mark, m.Address, m.Class, m.Accuracy, m.Priority1, m.Priority2, m.Identity)
	}
	for _, s := range r.Switches {
		moved := "not measured yet"
		if s.MovedNs != nil {
			moved = "the time moved by " + rehearsal.Moved(*s.MovedNs)
		}
		fmt.Fprintf(b, "Changed from %s to %s after %.1f s (%s): %s\n", s.From, s.To, s.AtS, s.Why, moved)
	}
}

// face draws a rehearsal while it runs: the live view with --watch, else a
// line for each change of state.
type face struct {
	r     *rehearse
	out   io.Writer
	hints []string
}

func newFace(r *rehearse, out io.Writer) *face {
	f := &face{r: r, out: out}
	socket := ""
	if r.o.socket != control.StandardSocket {
		socket = "BRAGI_SOCKET=" + r.o.socket + " "
	}
	f.hints = []string{
		"In a second terminal:  " + socket + "bin/bragi sim antenna cut       then: antenna restore",
		"                       " + socket + "bin/bragi show clock            why the class is what it is",
		"Ctrl-C ends it.",
	}
	return f
}

const (
	redrawEvery = 500 * time.Millisecond
	lineEvery   = time.Second

	progressEvery = 10 * time.Second
)

// draw draws each report that is due, until there are no more.
func (f *face) draw(ctx context.Context, reports <-chan rehearsal.Report) {
	every := lineEvery
	if f.r.o.face.Draw != nil {
		every = redrawEvery
	}
	due, moves, switches, told := 0.0, 0, 0, 0.0
	for report := range reports {
		if !f.r.watch && !f.r.json {
			for ; switches < len(report.Switches); switches++ {
				change := report.Switches[switches]
				told = report.RunS
				f.r.progress(f.out, change.AtS, "changes from %s to %s (%s)", change.From, change.To, change.Why)
			}
			for ; moves < len(report.Moves); moves++ {
				told = report.RunS
				f.r.progress(f.out, report.Moves[moves].AtS, "%s", report.Moves[moves].State)
			}
			if report.RunS >= told+progressEvery.Seconds() {
				told = report.RunS
				f.r.progress(f.out, report.RunS, "%s still%s; of %v. Announce %.1f/s, Sync %.1f/s, Delay_Resp %.1f/s", report.State, lockLeft(report), f.r.length,
					report.Rates["announce"], report.Rates["sync"], report.Rates["delay_resp"])
			}
		}
		if f.r.watch && report.RunS >= due && ctx.Err() == nil {
			due = report.RunS + every.Seconds()
			f.drawView(ctx, report)
		}
	}
}

// lockLeft is what is left of the time that a client may take to be in phase.
func lockLeft(r rehearsal.Report) string {
	if r.LockLeftS == nil {
		return ""
	}
	return fmt.Sprintf(" (it has %v more to be in phase)", whole(*r.LockLeftS))
}

// whole is a time in s, as Go writes it, in whole seconds.
func whole(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}

func (f *face) drawView(ctx context.Context, report rehearsal.Report) {
	var s *status.Status
	var got status.Status
	problem := ""
	ask, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	if err := f.r.o.client().Get(ask, "/v1/status", &got); err != nil {
		problem = err.Error()
	} else {
		s = &got
	}
	if ctx.Err() != nil {
		return // nobody hears the daemon any more, and the last screen is as good
	}
	if draw := f.r.o.face.Draw; draw != nil {
		draw(show.View(s, problem, f.peer(report), f.hints), terminal.Beginning) //nolint:errcheck // a terminal that is gone ends the program by its hang-up
		return
	}
	fmt.Fprintln(f.out, oneLine(s, problem, report))
}

func (f *face) peer(r rehearsal.Report) show.Peer {
	p := show.Peer{Address: strings.TrimSuffix(f.r.source, "/32"), As: r.As, State: r.State, Class: -1, SyncRate: r.Rates["sync"], RespRate: r.Rates["delay_resp"],
		Domain: r.Master.Domain, Master: r.Master.Address, Sent: r.Counts["delay_req"] + r.Counts["signaling_sent"]}
	for _, received := range []string{"announce", "sync", "follow_up", "delay_resp", "signaling"} {
		p.Received += r.Counts[received]
	}
	if r.LockLeftS != nil {
		p.LockLeft = whole(*r.LockLeftS).String()
	}
	if r.Offset.N > 0 {
		last, median := float64(r.Offset.Last), float64(r.Offset.Median)
		worst := math.Max(float64(r.Offset.Max), -float64(r.Offset.Min))
		p.OffsetNs, p.MedianNs, p.WorstNs, p.DelayNs = &last, &median, &worst, &r.PathDelayNs
	}
	if r.Counts["announce"] > 0 {
		p.Class = int(r.Master.Class)
	}
	for _, g := range r.Grants {
		if g.Granted {
			p.Granted++
		}
	}
	return p
}

// oneLine is the live view where there is no terminal.
func oneLine(s *status.Status, problem string, r rehearsal.Report) string {
	gm := problem
	if s != nil {
		class := "-"
		if s.Clock.Serving {
			class = fmt.Sprint(s.Clock.ClockClass)
		}
		gm = fmt.Sprintf("class %s %s error %s bound %s", class, status.StateWords(s.Clock.State, s.Clock.StateName), show.Estimate(s.Clock.TimeErrorNs, s.Clock.TimeErrorSigmaNs), show.Ns(s.Clock.BoundNs))
	}
	offset := float64(r.Offset.Median)
	return fmt.Sprintf("grandmaster: %s | client: %s offset %s, %.1f Sync/s, sees class %d", gm, r.State, show.Ns(&offset), r.Rates["sync"], r.Master.Class)
}
