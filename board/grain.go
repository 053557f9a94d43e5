package board

import "math"

// A grain is what a clock's driver makes of a frequency correction. The kernel
// takes 2^-16 ppm (0.0153 ppb) and hands back what was asked for; what the
// hardware does is in no interface, so it is computed here as the driver does.
type grain struct {
	quantumPPB float64 // 0: not known
	// dial is the number to give to the kernel (in 2^-16 ppm) for a correction
	// near ppb, and the correction that it has; limit is the driver's, in ppb.
	dial func(ppb, limit float64) (units int64, applied float64)
}

// grainOf knows the drivers by their clock_name (Linux 6.12; by their own name where
// that is a MAC address), and by the largest correction where two have the same. The
// grain of "gem-ptp-timer" and "qoriq ptp clock" comes of a clock rate that nobody
// tells. counterNs is the length of a tick of the PTP
// counter, where a board's is known.
func grainOf(clockName string, maxPPB int32, counterNs int64) grain {
	switch clockName {
	case "fec ptp":
		if counterNs <= 0 {
			counterNs = fecCounterNs
		}
		return grain{1, fecDial(counterNs)}
	case "CTPS timer": // so spelt in cpts.c: mult is 2^31, a step of it 2^-31
		if maxPPB == cptsMaxPPB {
			return grain{steps31, stepDial(steps31)}
		}
	case "igb": // of its chips the 82576 adds 16 * 2^19 every 16 ns, and cuts (igb_ptp.c)
		if maxPPB == i82576MaxPPB {
			return grain{steps23, stepDial(steps23)}
		}
	case "stmmac ptp": // addend is about 2^31
		return grain{steps31, plainDial}
	}
	return grain{0, plainDial}
}

const (
	steps31 = 1e9 / (1 << 31) // 0.466 ppb
	steps23 = 1e9 / (1 << 23) // 119 ppb
	// i82576MaxPPB is the 82576's limit; the 82580's and its successors', which are
	// finer, is another.
	i82576MaxPPB = 999_999_881
	// cptsMaxPPB is cpts.c's limit. am65-cpts.c, whose arithmetic is another, has
	// cpts.c's clock_name, and for its limit a 1024th of its clock's rate in Hz.
	cptsMaxPPB = 1_000_000
)

// toUnits is the nearest number within the limit.
func toUnits(ppb, limit float64) int64 {
	units := math.Round(max(-limit, min(limit, ppb)) * freqUnitsPerPPB)
	if math.Abs(units) > limit*freqUnitsPerPPB {
		units -= math.Copysign(1, units)
	}
	return int64(units)
}

// plainDial is for hardware that is as fine as the kernel, or unknown: what is
// applied is taken to be what the kernel was asked for.
func plainDial(ppb, limit float64) (int64, float64) {
	units := toUnits(ppb, limit)
	return units, float64(units) / freqUnitsPerPPB
}

// stepDial is for a driver that cuts off to whole steps, towards zero.
func stepDial(step float64) func(ppb, limit float64) (int64, float64) {
	return func(ppb, limit float64) (int64, float64) {
		steps := math.Round(max(-limit, min(limit, ppb)) / step)
		if math.Abs(steps)*step > limit {
			steps -= math.Copysign(1, steps)
		}
		// The smallest number that is not cut to the step before.
		units := math.Copysign(math.Ceil(math.Abs(steps)*step*freqUnitsPerPPB), steps)
		return int64(units), steps * step
	}
}

// The FEC adds corrInc ns more (or less) in every period-th tick of its counter,
// which is counterNs long: whole numbers all of them, so that large corrections
// are coarse (16 ppb apart at 20 ppm with 40 ns). Its driver takes whole ppb and
// ignores 0: the correction before stays on.
const fecCounterNs = 8 // 125 MHz

// fecApplied is the correction that the driver makes of whole ppb, not 0
// (fec_ptp_adjfine).
func fecApplied(ppb, counterNs int64) float64 {
	magnitude := uint64(max(ppb, -ppb))
	needed := magnitude * uint64(counterNs)
	increase, period := uint64(counterNs), uint64(1)
	for i, have := uint64(1), uint64(1e9); i <= uint64(counterNs); i, have = i+1, have+1e9 {
		if have >= needed {
			increase, period = i, have/needed
			break
		}
	}
	applied := 1e9 * float64(increase) / (float64(period) * float64(counterNs))
	return math.Copysign(applied, float64(ppb))
}

func fecDial(counterNs int64) func(ppb, limit float64) (int64, float64) {
	return func(ppb, limit float64) (int64, float64) {
		ppb = max(-limit, min(limit, ppb))
		middle := int64(math.Round(ppb))
		// The codes around a correction f are f*f*counterNs/1e9 apart, or 1.
		reach := int64(min(1000, ppb*ppb*float64(counterNs)/1e9)) + 1
		var best int64
		var applied float64
		for code := middle - reach; code <= middle+reach; code++ {
			if code == 0 || math.Abs(float64(code)) > limit {
				continue
			}
			if is := fecApplied(code, counterNs); best == 0 || math.Abs(is-ppb) < math.Abs(applied-ppb) {
				best, applied = code, is
			}
		}
		return wholePPB(best), applied
	}
}

// wholePPB is a number of 2^-16 ppm that the kernel rounds down to ppb
// (scaled_ppm_to_ppb: (1 + units) * 125 >> 13).
func wholePPB(ppb int64) int64 {
	units := (ppb<<13 + 124) / 125
	for (units+1)*125>>13 < ppb {
		units++
	}
	for (units+1)*125>>13 > ppb {
		units--
	}
	return units
}
