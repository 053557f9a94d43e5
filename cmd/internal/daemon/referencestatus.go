package daemon

import (
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/holdover"
	"bragi/holdover/quality"
)

var referenceKinds = map[pipeline.ReferenceKind]string{pipeline.GNSS: config.KindGNSS, pipeline.PPS: config.KindPPS, pipeline.Internal: config.KindInternal}

// referencesStatus is what the clock may follow.
func referencesStatus(l *pipeline.Look, cfg *config.Config) status.References {
	s := status.References{Order: pipeline.Automatic.String(), Revertive: cfg.Selection.Revertive, HoldOffS: cfg.Selection.HoldOff.Seconds(),
		WaitToRestoreS: cfg.Holdover.Restore.Seconds(), LimitNs: float64(cfg.Selection.Limit), Dispute: l.Dispute, ComparedTo: l.ComparedTo, List: []status.Reference{}}
	out := quality.OutputQL(l.Announcement, cfg.Master.QualityProfile(), oscillatorQL(l, cfg))
	s.QL, s.QLClass = out.String(), out.Class()
	for _, r := range l.References {
		ql := qlOf(l, cfg, &r)
		one := status.Reference{Name: r.Name, Kind: referenceKinds[r.Kind], Priority: r.Priority, Followed: r.Followed, Selected: r.Selected,
			Why: r.Why, QL: ql.String(), QLClass: ql.Class(), Fails: r.Fails, PulseAgeS: known(r.PulseAge), AheadNs: known(r.AheadNs), MeanNs: known(r.LevelNs),
			TDEVNs: spread(r.TDEVNs), MTIENs: spread(r.MTIENs), ComparedS: r.Seconds}
		switch {
		case l.Forced: // of two orders it is the one at work
			if r.Kind == pipeline.Internal {
				one.Mark = "#"
			}
		case r.Order == pipeline.Forced:
			one.Mark = "#"
		case r.Order == pipeline.Manual:
			one.Mark = "&"
		case r.Followed:
			one.Mark = "*"
		}
		if r.Order != pipeline.Automatic {
			s.Order = r.Order.String()
		}
		if r.Followed {
			s.Followed = r.Name
		}
		if r.WaitS > 0 {
			one.RestoreS = known(r.WaitS)
		}
		if one.State = referenceState(l, &r); one.State == "disputed" {
			one.Why = l.Dispute
		}
		one.Good = (one.State == "followed" || one.State == "good") && ql != quality.QLDNU && ql != quality.QLFailed
		if r.Receiver != nil {
			one.Fix, one.Label = r.Receiver.Epoch.Fix.String(), r.Receiver.Pairing.State.String()
		} else if r.Kind == pipeline.GNSS {
			one.Fix, one.Label = l.Reference.Epoch.Fix.String(), l.Reference.Pairing.State.String()
		}
		s.List = append(s.List, one)
	}
	return s
}

func referenceState(l *pipeline.Look, r *pipeline.ReferenceLook) string {
	switch {
	case r.Kind == pipeline.Internal && !r.Followed:
		return "good"
	case r.Awaited && !r.Odd:
		return "awaited"
	case r.Refused:
		return "refused"
	case r.Odd && !r.Lockout && !r.Failed():
		return "odd" // by force it may be followed
	case r.Followed:
		return "followed"
	case r.Lockout:
		return "locked out"
	case !r.Good:
		return "failed"
	case l.Dispute != "":
		return "disputed"
	case r.Selected:
		return "selected"
	case !r.Counts:
		return "restoring"
	}
	return "good"
}

// qlOf is a reference's quality level. What is odd, refused or locked out is not to be used.
func qlOf(l *pipeline.Look, cfg *config.Config, r *pipeline.ReferenceLook) quality.QL {
	switch {
	case r.Kind == pipeline.Internal:
		return oscillatorQL(l, cfg)
	case r.Lockout, r.Odd && !r.Failed(), l.Dispute != "":
		return quality.QLDNU
	case !r.Good:
		return quality.QLFailed
	case r.Refused, r.Selected && !r.Followed:
		return quality.QLDNU // the clock does not believe it, or not yet
	}
	return quality.QLPRC
}

func oscillatorQL(l *pipeline.Look, cfg *config.Config) quality.QL {
	kind := cfg.Holdover.Oscillator
	return quality.OscillatorQL(kind.Category(), kind <= holdover.XO, l.Report.EverLocked)
}

func spread(s pipeline.Spread) status.Spread {
	return status.Spread{S1: known(s[0]), S10: known(s[1]), S100: known(s[2])}
}
