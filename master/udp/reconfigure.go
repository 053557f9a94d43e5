package udp

import (
	"context"
	"fmt"

	"bragi/master"
	"bragi/master/udp/socket"
)

// Reconfigure changes the master while it serves (see master.Reconfigure), and
// the DSCP of what is sent.
func (s *Server) Reconfigure(ctx context.Context, c master.Config, dscp uint8) error {
	done := make(chan error, 1)
	s.post(func(m *master.Master, l *loop) {
		err := m.Reconfigure(Now(), c, &l.out)
		l.flush()
		l.report()
		if err == nil {
			err = s.setDSCP(dscp)
		}
		done <- err
	})
	select {
	case err := <-done:
		return err
	case <-s.done:
		return ErrNotServing
	case <-ctx.Done():
		return fmt.Errorf("udp: not reconfigured: %w", ctx.Err())
	}
}

// setDSCP sets it for both sockets.
func (s *Server) setDSCP(dscp uint8) error {
	for _, p := range []*port{s.event, s.general} {
		if err := socket.SetDSCP(p.FD, dscp, s.cfg.Priority); err != nil {
			return err
		}
	}
	return nil
}
