package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"bragi/board/kernelclock"
	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/fold"
	"bragi/gnss/timescale"
	"bragi/master/rehearsal"
	"bragi/master/udp/client"
)

// runFault plays a client that does wrong, and tells what the master made of it.
func (r *rehearse) runFault(ctx context.Context, out io.Writer) error {
	trial, sockets, err := r.dialFault()
	if err != nil {
		return err
	}
	var peers []client.Peer
	for i, seat := range trial.Seats() {
		defer sockets[i].Close()
		peers = append(peers, seat)
	}
	run, end := context.WithCancel(ctx)
	defer end()
	said, started, told := "", kernelclock.Raw(), timescale.Mono{}
	err = client.RunAll(run, sockets, peers, func(now timescale.Mono) {
		if trial.Over() {
			end()
			return
		}
		words, left := trial.Doing()
		if !r.json && (words != said || now.Sub(told) >= progressEvery) {
			r.progress(out, now.Sub(started).Seconds(), "simulated %s %s; %.0f s left at most", r.as, words, left.Seconds())
			said, told = words, now
		}
	})
	if err != nil {
		return err
	}
	report := trial.Report(kernelclock.Raw())
	trial.Leave()
	parting, stop := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
	defer stop()
	if err := client.RunAll(parting, sockets, peers, func(timescale.Mono) {}); err != nil {
		return err
	}
	if err := r.tell(out, report, func(width int) string { return faultSummary(report, width) }); err != nil || report.Verdict != "fail" {
		return err
	}
	return fmt.Errorf("rehearse: fail: %s", failure(report.Findings))
}

func (r *rehearse) dialFault() (*rehearsal.Trial, []*client.Client, error) {
	kind, masters, err := r.whom()
	if err != nil {
		return nil, nil, err
	}
	if r.fault == "" {
		return nil, nil, cli.Usagef("--flood-rate is for --fault flood")
	}
	fault, err := rehearsal.ParseFault(r.fault)
	if err != nil {
		return nil, nil, cli.UsageError{Err: err}
	}
	switch {
	case len(masters) > 1:
		return nil, nil, cli.Usagef("--fault is tried at one master; leave out --master %s", masters[1])
	case r.watch || r.clients != 1 || r.lengthSet:
		return nil, nil, cli.Usagef("--fault goes with neither --watch, --clients nor --for: a trial ends by itself, within two minutes")
	case fault == rehearsal.Flood && r.floodRate == 0:
		return nil, nil, cli.Usagef("--fault flood sends Delay_Req to %v for 10 s as fast as --flood-rate says, which is missing (fix: --flood-rate 1000, at a master that may be loaded like this; 1 to %d a second)", masters[0], rehearsal.MaxFloodRate)
	case fault != rehearsal.Flood && r.floodRate != 0:
		return nil, nil, cli.Usagef("--flood-rate is for --fault flood, not for --fault %s", fault)
	}
	addresses, err := r.addresses(fault.Addresses())
	if err != nil {
		return nil, nil, err
	}
	identity, seed := newIdentity()
	trial, err := rehearsal.NewTrial(rehearsal.TrialConfig{
		Client: rehearsal.Config{Kind: kind, Identity: identity, Domain: r.domain, Seed: seed},
		Fault:  fault, FloodRate: r.floodRate, Master: masters[0],
	})
	if err != nil {
		return nil, nil, cli.UsageError{Err: err}
	}
	var sockets []*client.Client
	for _, address := range addresses {
		one, err := client.Dial(client.Config{Local: address, Masters: masters, EventPort: r.event, GeneralPort: r.general, DSCP: 47})
		if err != nil {
			for _, open := range sockets {
				err = errors.Join(err, open.Close())
			}
			return nil, nil, err
		}
		sockets = append(sockets, one)
	}
	return trial, sockets, nil
}

// addresses are the first n of --source. One need not be named: the route says it.
func (r *rehearse) addresses(n int) (list []netip.Addr, err error) {
	if r.source == "" && n == 1 {
		return []netip.Addr{{}}, nil
	}
	prefix, err := netip.ParsePrefix(r.source)
	if err != nil {
		return nil, cli.Usagef("--source %q is not a prefix (fix: --source CIDR with %d addresses of this machine, such as 10.0.0.2/31)", r.source, n)
	}
	for a := prefix.Addr(); len(list) < n; a = a.Next() {
		if !a.IsValid() || !prefix.Contains(a) {
			return nil, cli.Usagef("--source %v has not the %d addresses that --fault %s needs (fix: a shorter prefix, such as 10.0.0.2/31)", prefix, n, r.fault)
		}
		list = append(list, a)
	}
	return list, nil
}

// faultSummary is the report of a trial for people.
func faultSummary(r rehearsal.FaultReport, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSimulated %s with the fault %s, %.0f s, at %s\n", r.As, r.Fault, r.RunS, r.Master.Address)
	writeFindings(&b, width, r.Findings)
	fmt.Fprintf(&b, "Verdict: %s\n", r.Verdict)
	return b.String()
}

func writeFindings(b *strings.Builder, width int, findings []rehearsal.Finding) {
	for _, f := range findings {
		fold.Write(b, width, fmt.Sprintf("%-8s ", f.Severity), f.Text)
		if f.Action != rehearsal.NothingToDo {
			fold.Write(b, width, "         fix: ", f.Action)
		}
	}
}
