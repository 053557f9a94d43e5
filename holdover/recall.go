package holdover

import "time"

// MemoryAge tells how old Config.Memory is, which nobody knows before the first
// labelled pulse: a board without a battery starts with a wrong date. It is
// told before that pulse. A memory of the future is none of ours and is
// forgotten.
func (c *Clock) MemoryAge(age time.Duration) {
	if age < 0 {
		c.cfg.Memory = nil
		return
	}
	c.cfg.MemoryAge = age
}
