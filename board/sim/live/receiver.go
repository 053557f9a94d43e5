package live

// SetReceiver says what the receiver says of jamming and spoofing (see
// sim.Board.SetSurroundings), and takes its power away for a moment if cycle is
// set. It is false for a receiver that is no u-blox.
func (b *Board) SetReceiver(jamming, spoofing byte, cycle bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.model.SetSurroundings(jamming, spoofing) {
		return false
	}
	if cycle {
		b.model.PowerCycle()
		b.written()
	}
	return true
}
