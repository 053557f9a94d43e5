package daemon

import (
	"time"

	"go.uber.org/zap"

	"bragi/cmd/internal/syslog"
	"bragi/master/udp"
)

// What clients bear without an Announce: 10 intervals of 1/8 s at a cBR8, 11 at an
// RPD.
const (
	cbr8Patience = 1250 * time.Millisecond
	rpdPatience  = 1375 * time.Millisecond
)

// tellGap logs that clients waited more than a second for an Announce, and who
// will have looked for another grandmaster. The caller holds the lock; s is newer
// than what is known.
func (d *Daemon) tellGap(s udp.Status) {
	now := s.Stats.AnnounceGap
	var before uint64
	if d.service.Snapshot != nil {
		before = d.service.Stats.AnnounceGap.Long
	}
	if now.Long <= before {
		return
	}
	lost := "no client"
	switch {
	case now.Last > rpdPatience:
		lost = "cBR8s and RPDs"
	case now.Last > cbr8Patience:
		lost = "cBR8s"
	}
	d.log.Warn("Announce was late", syslog.Event("ANNOUNCE_GAP"), zap.Duration("gap", now.Last.Round(time.Millisecond)),
		zap.Uint64("clients", now.Long-before), zap.String("looking_elsewhere", lost))
}
