package show

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"bragi/board"
	"bragi/cmd/internal/status"
)

// Hardware is the screen of `bragi show hardware`.
func Hardware(s status.Status) string {
	h, c := s.Hardware, s.Hardware.Counter
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Board\t%s: %s\n", dash(h.Profile), h.Accuracy)
	fmt.Fprintf(w, "Clock\t%s (%s)\n", h.PHC, h.Driver)
	if c.Trouble != "" {
		fmt.Fprintf(w, "\t%s\n", c.Trouble)
	}
	steps := "of no known size"
	if c.QuantumPPB > 0 {
		steps = fmt.Sprintf("of %.3g ppb", c.QuantumPPB)
	}
	fmt.Fprintf(w, "Frequency\tsteps %s, at most %.0f ppb\n", steps, c.MaxPPB)
	fmt.Fprintf(w, "Read by\t%s", dash(c.CrossMethod))
	if c.CrossNs > 0 {
		fmt.Fprintf(w, ", %d ns wide, noise %.0f ns at worst", c.CrossNs, c.NoiseNs)
	}
	fmt.Fprintln(w)
	if c.Foreign > 0 || c.Absences > 0 {
		fmt.Fprintf(w, "Disturbed\tset by others %s, steered %s, away %s", Count(c.Foreign, "time"), Count(c.Steered, "time"), Count(c.Absences, "time"))
		if len(c.Suspects) > 0 {
			fmt.Fprintf(w, "; held open by %s", strings.Join(c.Suspects, ", "))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "Inputs\t%s, %s; the pulse by %s, stamped %s\n", Count(c.ExtTS, "external time stamp channel"), Count(c.PerOut, "output"), dash(h.Pulse), pulseLate(s.GNSS))
	if len(c.Pins) > 0 {
		fmt.Fprintf(w, "Pins\t%s\n", strings.Join(c.Pins, ", "))
	}
	fmt.Fprintf(w, "LED\t%s\n", dash(h.LED))
	device(w, h)
	fmt.Fprintf(w, "Sync\t%s: %s\n", h.SyncMode, h.SyncModeWhy)
	switch r := h.ResidualNs; {
	case r.N > 0:
		fmt.Fprintf(w, "Residual\t%+d ns median, p1 %+d, p99 %+d (%s): when it left, less what it said\n", r.P50, r.P1, r.P99, Count(r.N, "Sync"))
	case h.SyncMode == status.SyncHardwareOneStep:
		fmt.Fprintf(w, "Residual\tnone: the hardware says when it left\n")
	default:
		fmt.Fprintf(w, "Residual\tnot measured yet\n")
	}
	n := h.Stamps
	fmt.Fprintf(w, "Stamps sent\t%d asked of the device, %d given, %d withheld, %d refused; twins %d of %d%s\n", n.Asked, n.Stamped, n.Withheld, n.Refused, n.TwinsStamped, n.TwinsSent,
		counted(n.TwinsFailed, ", %d could not be sent"))
	if n.Written+n.Unwritten > 0 {
		fmt.Fprintf(w, "Written\tby the kernel: the time in %d of %d Syncs that were looked at\n", n.Written, n.Written+n.Unwritten)
	}
	fmt.Fprintf(w, "Stamps received\t%d by the device, %d by the kernel in its place, %d refused", n.Received, n.ReceivedSoftware, n.ReceivedRefused)
	if n.WaitedN > 0 {
		fmt.Fprintf(w, "; a kernel stamp counts as %d ns earlier, measured by %s with both stamps", n.WaitedNs, Count(n.WaitedN, "message"))
	}
	fmt.Fprintln(w)
	t, on := s.Master.Traffic, s.Master.Schedule
	fmt.Fprintf(w, "Packets lost\t%d that came (a receive buffer was full); %d not sent: %d busy, %d failed, %d with nobody at the address\n",
		t.Dropped, t.Busy+t.Failed+t.Undelivered, t.Busy, t.Failed, t.Undelivered)
	if on.Ticks > 0 {
		fmt.Fprintf(w, "Schedule\t%s, %d more than 1 ms late, %d skipped after a stop; the latest %.1f ms\n", Count(on.Ticks, "slot"), on.Late, on.Missed, on.LatestMs)
	}
	fmt.Fprintf(w, "Latencies\tingress %.0f ns, egress %.0f ns, asymmetry %.0f ns, as configured\n", h.IngressLatencyNs, h.EgressLatencyNs, h.AsymmetryNs)
	fmt.Fprintf(w, "Egress bound\t%s in clockAccuracy\n", plusMinus(h.EgressNs))
	for i, limit := range h.Limits {
		fmt.Fprintf(w, "%s\t%s\n", pick(i == 0, "Known limits", ""), limit)
	}
	w.Flush()
	return b.String()
}

// counted is a part of a line that is left out where there is nothing to count.
func counted(n uint64, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// device is the network device and what it stamps.
func device(w *tabwriter.Writer, h status.Hardware) {
	d := h.Device
	if d.Name == "" {
		fmt.Fprintf(w, "Interface\t%s\n", dash(h.Interface))
		return
	}
	name := d.Name
	if d.Physical != d.Name {
		name += " on " + d.Physical
	}
	link := pick(d.Carrier, "link up", "no link")
	if d.Carrier && d.SpeedMbs > 0 {
		link += fmt.Sprintf(", %d Mbit/s", d.SpeedMbs)
	}
	fmt.Fprintf(w, "Interface\t%s (%s), %s, %s\n", name, dash(d.Driver), dash(d.MAC), link)
	if d.Trouble != "" {
		fmt.Fprintf(w, "\t%s\n", d.Trouble)
	}
	if len(d.TxModes) == 0 && len(d.RxFilters) == 0 {
		fmt.Fprintf(w, "Can stamp\tnothing by hardware that bragid uses; %s stamps unicast Syncs\n", pick(d.Source == string(board.StampSoftware), "the kernel", "nobody"))
		return
	}
	fmt.Fprintf(w, "Can stamp\tsent: unicast %s, multicast %s, L2 %s (%s); received: %s\n", d.Unicast, d.Multicast, d.L2,
		strings.Join(d.TxModes, ", "), dash(strings.Join(d.RxFilters, ", ")))
	if d.TxSet != "" {
		fmt.Fprintf(w, "Set to\tsent %s, received %s\n", d.TxSet, d.RxSet)
	}
}
