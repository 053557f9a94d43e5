package udp

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"bragi/master"
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

// setDSCP sets IP_TOS, and after it SO_PRIORITY, which IP_TOS resets.
func (s *Server) setDSCP(dscp uint8) error {
	for _, p := range []*port{s.event, s.general} {
		if err := unix.SetsockoptInt(p.fd, unix.IPPROTO_IP, unix.IP_TOS, int(dscp)<<2); err != nil {
			return fmt.Errorf("udp: DSCP %d: %w", dscp, os.NewSyscallError("setsockopt", err))
		}
		if err := unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_PRIORITY, s.cfg.Priority); err != nil {
			return fmt.Errorf("udp: %w", os.NewSyscallError("setsockopt", err))
		}
	}
	return nil
}
