package live

import (
	"context"

	"bragi/board/sim"
)

// Another runs a second receiver beside the board's own: an antenna, a serial port and a
// pulse of its own, which the clock of b stamps. It has no clock that anybody reads, and is
// kept once a second, too.
func (b *Board) Another(ctx context.Context, config Config) (*Board, error) {
	return startBeside(ctx, config, b)
}

// Lie lets the receiver tell l from now on.
func (b *Board) Lie(l sim.Lie) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.model.Lie(l)
	b.written()
}
