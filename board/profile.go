package board

import (
	"slices"
	"strings"
	"time"
)

// Profile is what is known of a board before its devices are asked.
type Profile struct {
	Name string
	// Unicast, Multicast and L2 are what the board's MAC stamps on transmit;
	// Unknown: as the driver says.
	Unicast, Multicast, L2 Answer
	// Pulse is where the pulse comes in when gnss.pps is "auto": "extts:N", a
	// device, or "" for whichever is found.
	Pulse string
	// GPIO is how late pps-gpio stamps the pulse on this board; zero: nobody has
	// measured it.
	GPIO PulseDelay
	// LEDs are the names of the light that shows the state, as device trees of the board
	// have it, that of the image's kernel first; none: no light is known.
	LEDs []string
	// CounterNs is the length of a tick of the PTP clock's counter, where its
	// driver's arithmetic depends on it; 0: not known.
	CounterNs int64
	// Accuracy is what a unicast client may expect, in plain words.
	Accuracy string
	// Limits are the board's known limits, in plain words.
	Limits []string
}

// profiles are all there are. Latencies inside MAC and PHY differ from PHY to
// PHY and are not known to better than a microsecond without measuring one
// board: no profile has them, and the limits say so.
var profiles = []Profile{
	{
		Name: "beaglebone-black", Unicast: No, Multicast: Yes, L2: Yes, Pulse: "/dev/pps0",
		LEDs:     []string{"beaglebone:green:heartbeat", "beaglebone:green:usr0"}, // the second: older kernels
		GPIO:     PulseDelay{7 * time.Microsecond, 2 * time.Microsecond},          // published: mean 6.9 us, deviation 1.7 us
		Accuracy: "microseconds: about 5 us at a unicast client",
		Limits: []string{
			"the AM335x stamps PTP over Ethernet and IPv4 multicast to 224.0.1.129-132 only: unicast Syncs are timed by twins, Delay_Req by software stamps",
			"no pin reaches the PTP clock's inputs: the pulse comes by pps-gpio, about 7 us late with 2 us of scatter",
			"100 Mbit/s; the MAC cannot write the time into Sync",
			"the PTP clock takes frequency steps of 0.466 ppb",
		},
	},
	{
		Name: "imx6ul", Unicast: Yes, Multicast: Yes, L2: Yes, Pulse: "/dev/pps0",
		CounterNs: 40, // enet_ptp_ref is pll6_enet / 20: 25 MHz (clk-imx6ul.c)
		Accuracy:  "1 us or better to a unicast client; the pulse by pps-gpio limits it to a few us of GNSS",
		Limits: []string{
			"the FEC's PTP clock has no input: the pulse comes by pps-gpio, some us late with a scatter of about 2 us",
			"the MAC cannot write the time into Sync",
			"the driver takes whole ppb only, ignores 0, and rounds large corrections coarsely",
			"some kernels begin the PTP clock anew when the link changes: it is compared and put back",
			"latency inside the PHY is not known: measure it once and set board.egress_latency and board.ingress_latency",
		},
	},
	{
		Name: "imx8mp", Unicast: Yes, Multicast: Yes, L2: Yes, Pulse: "extts:0", LEDs: []string{"yellow:status"},
		Accuracy: "100 ns of GNSS in the clock; about 1 us or better to a unicast client",
		Limits: []string{
			"mainline stmmac cannot write the time into Sync, although the hardware could",
			"the pulse needs Linux 6.7 or later: stmmac of earlier ones turns its stamps on and makes none",
			"one external time stamp channel at a time",
			"latency inside the PHY is not known: measure it once and set board.egress_latency and board.ingress_latency",
		},
	},
	{
		Name: "generic", Accuracy: "what the interface's driver offers; without a PTP clock 10 us or worse",
		Limits: []string{"nothing is known of this board but what its drivers say"},
	},
	{
		Name: "sim", Accuracy: "a board of software, for trying bragi: never serve from it",
		Limits: []string{"oscillator, antenna and receiver are models; the sky is this machine's CLOCK_REALTIME"},
	},
}

// ProfileOf finds a profile by name.
func ProfileOf(name string) (Profile, bool) {
	for _, p := range profiles {
		if p.Name == name {
			p.LEDs, p.Limits = slices.Clone(p.LEDs), slices.Clone(p.Limits)
			return p, true
		}
	}
	return Profile{}, false
}

// ProfileNames lists the profiles.
func ProfileNames() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	return names
}

// PulseDelay is how much later than the pulse an input stamps it.
type PulseDelay struct {
	Delay time.Duration // to be taken off; positive: the stamp is late
	// Uncertainty bounds what is left: it is the same for every pulse, so that no
	// filter sees it.
	Uncertainty time.Duration
}

var (
	// exttsDelay: the hardware stamps by itself. What is left is the way through the
	// pin and its synchroniser.
	exttsDelay = PulseDelay{0, 30 * time.Nanosecond}
	// gpioDelay is for a board that nobody has measured: an interrupt is never early,
	// and on a board of this kind in idle not later than this.
	gpioDelay = PulseDelay{7 * time.Microsecond, 5 * time.Microsecond}
)

// PulseDelay is that of an input as gnss.pps names it, "extts:N" or a device.
func (p Profile) PulseDelay(input string) PulseDelay {
	switch {
	case strings.HasPrefix(input, "extts:"):
		return exttsDelay
	case p.GPIO != PulseDelay{}:
		return p.GPIO
	}
	return gpioDelay
}

// Refine adds what the profile knows to what the driver said.
func (p Profile) Refine(a Abilities) Abilities {
	if !a.HardwareTx {
		return a
	}
	for _, x := range []struct {
		to   *Answer
		from Answer
	}{{&a.Unicast, p.Unicast}, {&a.Multicast, p.Multicast}, {&a.L2, p.L2}} {
		if x.from != Unknown && *x.to != No {
			*x.to = x.from
		}
	}
	return a
}
