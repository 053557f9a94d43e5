package udp

import (
	"context"

	"bragi/master"
)

// Changed is sent to when grants began, ended, changed or were renewed: when
// what a restart must know is another. One that is not taken stands for all
// after it.
func (s *Server) Changed() <-chan struct{} { return s.changed }

// Changes are master.Changes as they were when Changed was last sent to.
func (s *Server) Changes() (grants, renewals uint64) { return s.grants.Load(), s.renewals.Load() }

// noteChanges tells of changes in the master. It waits for nobody.
func (l *loop) noteChanges() {
	grants, renewals := l.m.Changes()
	if grants == l.s.grants.Load() && renewals == l.s.renewals.Load() {
		return
	}
	l.s.grants.Store(grants)
	l.s.renewals.Store(renewals)
	select {
	case l.s.changed <- struct{}{}:
	default:
	}
}

// Export copies what a restart must know of the master into saved, whose memory
// is used again, in steps that hold no packet up for long. After an error saved
// belongs to the server. After Serve has ended the error is ErrNotServing: then
// the master is the caller's.
func (s *Server) Export(ctx context.Context, saved *master.Saved) error {
	from, whole := 0, make(chan struct{}, 1)
	s.postParts(func(m *master.Master, _ *loop) (more bool) {
		if from = m.ExportPart(Now(), saved, from); from < 0 {
			whole <- struct{}{}
		}
		return from >= 0
	})
	_, err := wait(ctx, s, whole)
	return err
}
