package holdover

import "bragi/gnss/timescale"

// DoubtReceiver adds to ReceiverBoundNs what is wrong with every pulse alike for now, in
// ns.
func (c *Clock) DoubtReceiver(ns float64) { c.receiverNs = ns }

// Reconfigure takes of c what can change while the clock runs: Spec, Learning,
// MaxHoldover, Settle, OnAcquire, OnReturn, WaitToRestore, MaxSlewPPB and
// FreeRunAfter. The state follows with the next Tick. A first slew that goes on
// ends with AcquireStep.
func (c *Clock) Reconfigure(next Config) {
	next = next.withDefaults()
	c.cfg.Spec, c.cfg.Learning, c.cfg.MaxHoldover, c.cfg.Settle = next.Spec, next.Learning, next.MaxHoldover, next.Settle
	c.cfg.OnReturn, c.cfg.WaitToRestore, c.cfg.MaxSlewPPB = next.OnReturn, next.WaitToRestore, next.MaxSlewPPB
	c.cfg.OnAcquire, c.cfg.FreeRunAfter = next.OnAcquire, next.FreeRunAfter
	if c.cfg.OnAcquire == AcquireStep && !c.life.EverLocked {
		c.life.Aligned = false // firstStep decides again
	}
}

// OwnBoundNs is the bound of the served clock's time error at now without what
// DoubtReceiver added; NaN while nothing is known.
func (c *Clock) OwnBoundNs(now timescale.Mono) float64 { return c.bound(now) - c.receiverNs }
