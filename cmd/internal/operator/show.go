package operator

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/terminal"
	"bragi/cmd/internal/version"
)

func showCommand(o *options) *cobra.Command {
	return cli.Group("show", "Show the daemon's state",
		showClockCommand(o),
		ofStatus(o, "holdover", "The oscillator: what is known of it, and how long holdover lasts", show.Holdover, func(s status.Status) any { return s.Holdover }),
		ofStatusAt(o, "gnss", "The receiver: fix, second, satellites, pulse, set-up", show.GNSS, func(s status.Status) any { return s.GNSS }),
		ofStatusAt(o, "references", "What the clock may follow, and what it follows", show.References, references),
		clientsCommand(o), clientCommand(o),
		ofStatus(o, "twin", "The other grandmaster, and what a change to it would do", show.Twin, func(s status.Status) any { return s.Twin }),
		ofStatus(o, "hardware", "The board's clock and network port, and the measured error of the time in Sync", show.Hardware, func(s status.Status) any { return s.Hardware }),
		ofStatus(o, "interfaces", "The network port: link, stamps, address, packets", show.Interfaces, interfaces),
		alarmsCommand(o), showStabilityCommand(o),
		ofStatus(o, "restart", "What this process took over from the last one, and the longest gap between Announces", show.Restart, func(s status.Status) any { return s.Restart }),
		configScreen(o, "config"), logCommand(o), versionCommand(o), techCommand(o),
		cli.Group("ptp", "As on a Cisco screen",
			cli.Group("clock", "As on a Cisco screen",
				ofStatusAt(o, "running", "The PTP clock, with the words and columns of an ASR900", show.PTPClockRunning,
					func(s status.Status) any { return map[string]any{"clock": s.Clock, "master": s.Master} })),
			ofStatus(o, "port", "The PTP port: its data set and its messages", show.PTPPort, func(s status.Status) any { return s.Master })),
		cli.Group("network-clocks", "As on a Cisco screen",
			ofStatusAt(o, "synchronization", "The references, with the words and columns of an ASR900", show.NetworkClocks, references)),
	)
}

// showClockCommand is the clock now, or its past as a plot.
func showClockCommand(o *options) *cobra.Command {
	type seen struct {
		now  status.Status
		past []status.ClockPoint
	}
	span := time.Duration(0)
	var c *cobra.Command
	c = command(o, "clock", "The clock: state, class, error, bound, and why", cli.NoArgs, screen[seen]{
		ask: func(ctx context.Context, _ []string) (v seen, err error) {
			if span > 24*time.Hour {
				return v, cli.Usagef("--plot %v: use at most 24h", span)
			}
			if span < time.Minute && c.Flags().Changed("plot") {
				return v, cli.Usagef("--plot %v: use at least 1m, for example 1h", span)
			}
			if v.now, err = o.status(ctx, nil); err != nil || span == 0 {
				return v, err
			}
			err = o.client().Get(ctx, "/v1/clock/history", &v.past)
			v.past = slices.DeleteFunc(v.past, func(p status.ClockPoint) bool { return v.now.Time.Sub(p.At) >= span })
			return v, err
		},
		draw: func(v seen, width int) string {
			if span > 0 {
				return show.Plot(v.past, v.now.Time, span, width)
			}
			return show.Clock(v.now)
		},
		json: func(v seen) any {
			if span > 0 {
				return v.past
			}
			return v.now.Clock
		}})
	c.Flags().DurationVar(&span, "plot", 0, "time error, bound and class of the last 1h, or another time up to 24h, as a plot")
	return c
}

// showStabilityCommand is TDEV and MTIE as a table, or one of them as a plot.
func showStabilityCommand(o *options) *cobra.Command {
	measure := ""
	ask := func(ctx context.Context, args []string) (status.Status, error) {
		if measure != "" && !slices.Contains(show.StabilityMeasures, measure) {
			return status.Status{}, cli.Usagef("--plot %q: use %s", measure, strings.Join(show.StabilityMeasures, " or "))
		}
		return o.status(ctx, args)
	}
	draw := func(s status.Status, width int) string {
		if measure != "" {
			return show.StabilityPlot(s, measure, width)
		}
		return show.Stability(s, width)
	}
	c := command(o, "stability", "TDEV and MTIE of the pulse against the clock, beside the masks of G.8272 (PRTC-A, PRTC-B)", cli.NoArgs,
		screen[status.Status]{ask: ask, draw: draw, json: func(s status.Status) any { return s.Stability }})
	c.Flags().StringVar(&measure, "plot", "", "tdev or mtie as a plot, with the masks")
	c.RegisterFlagCompletionFunc("plot", cobra.FixedCompletions(show.StabilityMeasures, cobra.ShellCompDirectiveNoFileComp)) //nolint:errcheck // the flag is there
	return c
}

// alarmsCommand is what is wrong; below it what was.
func alarmsCommand(o *options) *cobra.Command {
	c := ofStatus(o, "alarms", "What is wrong and what to do, the most serious first", show.Alarms, func(s status.Status) any { return s.Alarms })
	c.Annotations = map[string]string{"runs": "yes"} // although it holds another
	c.AddCommand(command(o, "history", "The latest alarms, also those that are over, the newest last", cli.NoArgs, screen[[]status.PastAlarm]{
		ask: func(ctx context.Context, _ []string) (past []status.PastAlarm, err error) {
			return past, o.client().Get(ctx, "/v1/alarms/history", &past)
		},
		draw: func(past []status.PastAlarm, width int) string {
			return show.AlarmHistory(past, o.face.local, width)
		},
		json: func(past []status.PastAlarm) any { return past }, kept: terminal.Newest}))
	return c
}

func references(s status.Status) any {
	return map[string]any{"reference": s.Clock.Reference, "gnss": s.GNSS, "internal": s.Holdover, "references": s.References}
}

func interfaces(s status.Status) any {
	return map[string]any{"device": s.Hardware.Device, "master": s.Master}
}

func versionCommand(o *options) *cobra.Command {
	type versions struct {
		Bragi  string `json:"bragi"`
		Bragid string `json:"bragid"`
	}
	return command(o, "version", "The versions of this program and of the daemon", cli.NoArgs, screen[versions]{
		ask: func(ctx context.Context, args []string) (versions, error) {
			s, err := o.status(ctx, args)
			return versions{version.Version, s.Version}, err
		},
		draw: func(v versions, _ int) string { return version.Line("bragi") + "\nbragid " + v.Bragid + "\n" },
		json: func(v versions) any { return v }})
}

func clientsCommand(o *options) *cobra.Command {
	var filter, order string
	ask := func(ctx context.Context, args []string) (status.Status, error) {
		s, err := o.status(ctx, args)
		if err != nil {
			return s, err
		}
		if s.Clients, err = show.SelectClients(s.Clients, filter, order); err != nil {
			return s, cli.UsageError{Err: err}
		}
		if order == "denials" {
			slices.SortStableFunc(s.Denied, func(a, b status.Denied) int { return cmp.Compare(b.Count, a.Count) })
		}
		return s, nil
	}
	c := command(o, "clients", "The clients with a grant, and the refused ones", cli.NoArgs,
		screen[status.Status]{ask: ask, draw: show.Clients, json: func(s status.Status) any { return s.Clients }})
	c.Flags().StringVar(&filter, "filter", "", "only those in a prefix (10.6.0.0/16), or with this text in address, identity, kind or last denial")
	c.Flags().StringVar(&order, "sort", "", "address, kind, since (the newest first), heard (the longest silent first), requests, denials (the most first)")
	c.RegisterFlagCompletionFunc("sort", cobra.FixedCompletions(show.ClientOrders, cobra.ShellCompDirectiveNoFileComp)) //nolint:errcheck // the flag is there
	return c
}

// clientCommand shows all that is known of one client, or of a refused sender.
func clientCommand(o *options) *cobra.Command {
	type evidence struct {
		Clients []status.Client `json:"clients"`
		Denied  []status.Denied `json:"denied"`
		text    string
	}
	ask := func(ctx context.Context, args []string) (e evidence, err error) {
		address, err := netip.ParseAddr(args[0])
		if err != nil {
			return e, cli.Usagef("%q is not an address (fix: for example 10.0.0.5)", args[0])
		}
		s, err := o.status(ctx, nil)
		if err != nil {
			return e, err
		}
		found := false
		if e.text, found = show.Client(s, address.String()); !found {
			return e, fmt.Errorf("%s has no grant, and nothing of it was refused lately (fix: bragi explain client %s; bragi show log tells of a client that has left)", address, address)
		}
		e.Clients, e.Denied = []status.Client{}, []status.Denied{}
		for _, client := range s.Clients {
			if client.Address == address.String() {
				e.Clients = append(e.Clients, client)
			}
		}
		for _, denied := range s.Denied {
			if denied.Address == address.String() {
				e.Denied = append(e.Denied, denied)
			}
		}
		return e, nil
	}
	c := command(o, "client ADDR", "Everything about one client, or about a refused address", cli.ExactArgs(1, "a client's address"),
		screen[evidence]{ask: ask, draw: func(e evidence, _ int) string { return e.text }, json: func(e evidence) any { return e }})
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var addresses []string
		s, err := o.status(c.Context(), nil)
		if err == nil && len(args) == 0 {
			for _, client := range s.Clients {
				addresses = append(addresses, client.Address)
			}
		}
		return addresses, cobra.ShellCompDirectiveNoFileComp
	}
	return c
}
