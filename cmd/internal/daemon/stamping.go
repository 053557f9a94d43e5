package daemon

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/syslog"
	"bragi/master/udp"
)

// Time stamps: what the interface promised is asked of it, what it gives is
// counted, and where it does not keep its promise the next best mode serves.

const (
	// withheld is how many stamps in a row the interface may owe of messages that
	// the kernel gave it.
	withheld = 24
	// leftTwins is how many twins without a stamp show that it stamps nothing.
	leftTwins = 8
	// unwrittenSyncs is how many samples within a second, all without the kernel's
	// time, show that its program is not there.
	unwrittenSyncs = 8
	// again is when a broken promise is tried anew.
	again = 10 * time.Minute
	// calm is how long the residual must be small before two-step ends again.
	calm = time.Minute
	// setBackShown is how long the alarm stays after another program changed the
	// interface's stamps.
	setBackShown = time.Minute
	// receiveNs is what a software receive stamp is believed to be off by on a board
	// whose clock stamps no request: an interrupt's latency. After so many messages
	// with both stamps it is known, and taken off.
	receiveNs  = 5000
	knownWaits = 16
	// deviceNs is what a device's own stamp is believed to be off by: the grain of
	// its clock and the way between stamp and wire.
	deviceNs = 50
)

// stampWatch is what has been seen of the stamps so far.
type stampWatch struct {
	inUse              udp.Stamping
	start              udp.StampStats // as it was when the device last gave a good stamp
	broken             string         // the promise that was not kept; "": none
	retry              time.Time      // when it is tried anew
	high               bool           // the residual is beyond its limit
	quietAt            time.Time      // since when it is small again
	changes            uint64         // of the link's carrier
	disarmed           bool           // without a carrier none is used
	told               bool           // why there are no twins
	written, unwritten uint64         // of the samples, as it was a second ago
	relinked           time.Time      // when the kernel's program was last linked anew
	setBack            time.Time      // when the interface's setting was last put back
}

// latencies are the configured ones.
func latencies(b config.Board) udp.Latencies {
	return udp.Latencies{EgressNs: float64(b.EgressLatency), IngressNs: float64(b.IngressLatency), AsymmetryNs: float64(b.Asymmetry)}
}

// arm asks the interface for the stamps that the mode wants. What it refuses is
// struck from its abilities, and the mode chosen anew.
func (h *hardware) arm(cfg *config.Config) udp.Stamping {
	a := h.profile.Refine(h.abilities)
	if h.nic != nil && (a.HardwareTx || a.HardwareRx) {
		tx := board.TxStamp
		if h.mode == board.HardwareOneStep {
			tx = board.TxOneStepSync
		}
		granted, err := h.nic.SetStamping(tx, board.RxPTPv2L4Event)
		switch {
		case err != nil:
			h.granted = board.Stamping{}
			h.refuse(cfg, h.abilities.Foreign(), "; "+err.Error())
		case granted.Tx != tx && tx == board.TxOneStepSync:
			h.abilities.TxModes &^= 1 << uint(board.TxOneStepSync)
			h.refuse(cfg, h.abilities, "; the driver refuses one-step")
			return h.arm(cfg)
		default:
			h.granted = granted
			source := a.TransmitStamps()
			oneStep := tx == board.TxOneStepSync
			return udp.Stamping{
				Transmit: source == board.StampHardware, Receive: granted.Rx != board.RxNone, OneStep: oneStep, TwoStep: h.mode == board.TwoStep,
				Device: h.nic.Physical(), Test: a.L2 != board.No || cfg.Board.Twins == "udp", Twins: source == board.StampTwin || oneStep,
			}
		}
	}
	return udp.Stamping{TwoStep: h.mode == board.TwoStep}
}

// refuse chooses the mode anew, with less.
func (h *hardware) refuse(cfg *config.Config, a board.Abilities, note string) {
	h.abilities = a
	h.mode, h.why = board.ChooseSyncMode(h.abilities, h.profile, board.Wanted(cfg.Master.SyncMode))
	h.why += note
}

// useStamps begins with the stamps that the interface promises.
func (d *Daemon) useStamps(server *udp.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stamps.inUse = d.devices.hardware.arm(d.cfg)
	d.stamps.start = d.service.Transport.Stamps
	server.SetStamping(d.stamps.inUse)
	h := &d.devices.hardware
	d.writeOrigins(server)
	d.log.Info("Sync: "+string(h.mode), syslog.Event("SYNC_MODE"), zap.String("why", h.why+h.writing))
}

// writeOrigins lets the kernel write the time into the Syncs that are predicted,
// at the device that has the hardware, or takes its program away. The caller holds
// mu.
func (d *Daemon) writeOrigins(server *udp.Server) {
	h, index := &d.devices.hardware, 0
	h.writing = ""
	var err error
	if d.cfg.Master.KernelSync && h.mode == board.PredictedOneStep {
		index, err = h.index(d.cfg)
	}
	if err == nil {
		err = server.OriginWriter(index)
	}
	switch {
	case errors.Is(err, unix.EPERM):
		h.writing = "; the kernel does not write it nearer to the wire: " + err.Error() + " (fix: run as root, or with CAP_BPF and CAP_NET_ADMIN)"
	case err != nil:
		h.writing = "; the kernel does not write it nearer to the wire: " + err.Error()
	case index > 0:
		h.writing = writtenByKernel
	}
}

// judgeStamps looks once a second at what the stamps are worth.
func (d *Daemon) judgeStamps(server *udp.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.service.Snapshot == nil {
		return
	}
	if err := d.service.Transport.Twins.Error; err != nil && !d.stamps.told {
		d.stamps.told = true
		d.log.Warn(err.Error(), syslog.Event("SYNC_MODE"))
	}
	now := time.Now()
	d.judgeSetting(server, now)
	d.judgePromise(server, now)
	d.judgeResidual(server, now)
	d.judgeWriting(server, now)
}

// judgeWriting links the kernel's program anew when the Syncs that it was to write
// come by without: somebody may have taken it away. Where they leave by another
// device that does not help, and is said.
func (d *Daemon) judgeWriting(server *udp.Server, now time.Time) {
	w, n := &d.stamps, d.service.Transport.Stamps
	missed, done := n.Unwritten-w.unwritten, n.Written-w.written
	w.unwritten, w.written = n.Unwritten, n.Written
	switch {
	case missed < unwrittenSyncs || done > 0:
		if done > 0 && d.devices.hardware.writing == notSeen {
			d.devices.hardware.writing = writtenByKernel
		}
	case now.Sub(w.relinked) > again:
		w.relinked = now
		_ = server.OriginWriter(0) // nothing can fail when it is taken away
		d.writeOrigins(server)
	default:
		d.devices.hardware.writing = notSeen
	}
}

// What is said of the kernel's part in a predicted Sync.
const (
	writtenByKernel = "; the kernel brings it up to date as it hands the Sync to the driver"
	notSeen         = "; the kernel's program does not see the Syncs: they leave by another device than board.interface"
)

// judgeSetting puts back what another program, or the driver when the link came
// up, has set of the interface's stamps. A new link is a new chance.
func (d *Daemon) judgeSetting(server *udp.Server, now time.Time) {
	w, h := &d.stamps, &d.devices.hardware
	if h.nic == nil || h.granted == (board.Stamping{}) && w.broken == "" {
		return
	}
	link, err := h.nic.Link()
	if err != nil {
		return // its own alarm tells
	}
	fresh := link.Changes != w.changes
	if fresh {
		w.changes = link.Changes
		if link.Carrier && w.broken != "" {
			w.retry = now
		}
	}
	if w.broken != "" || w.disarmed || !link.Carrier || fresh {
		return // what the link's coming and going changed, watchLink puts right
	}
	set, err := h.nic.Stamping()
	switch {
	case err == nil && set != h.granted:
		d.outside[alarms.HardwareStamps] = fmt.Sprintf("something else set the time stamps of %s to tx %v, rx %v; they were set back", h.nic.Physical(), set.Tx, set.Rx)
		w.setBack = now
		d.rearm(server)
	case !w.setBack.IsZero() && now.Sub(w.setBack) > setBackShown:
		w.setBack = time.Time{}
		delete(d.outside, alarms.HardwareStamps)
	}
}

// judgePromise finds a device that stamps less than its driver says.
func (d *Daemon) judgePromise(server *udp.Server, now time.Time) {
	w, h, n, twins := &d.stamps, &d.devices.hardware, d.service.Transport.Stamps, d.service.Transport.Twins
	if w.broken != "" {
		if now.After(w.retry) {
			w.broken = ""
			delete(d.outside, alarms.HardwareStamps)
			h.choose(d.cfg, d.devices.clock)
			d.rearm(server)
		}
		return
	}
	if n.Stamped-n.Refused != w.start.Stamped-w.start.Refused {
		w.start = n // a good one
	}
	a := h.abilities
	switch owed, refused := n.Withheld-w.start.Withheld, n.Refused-w.start.Refused; {
	case w.inUse.Transmit && owed+refused >= withheld:
		w.broken = fmt.Sprintf("%d unicast Syncs in a row were given to %s and not stamped, or with a time that cannot be", owed+refused, h.nic.Physical())
		a.Unicast = board.No
		if twins.Left >= leftTwins && twins.Stamped == 0 {
			a = a.Foreign()
		}
	case w.inUse.Twins && twins.Failed >= leftTwins && twins.Sent == 0:
		w.broken = fmt.Sprintf("%d twins could not be sent by %s", twins.Failed, h.nic.Physical())
		a = a.Foreign()
	case (w.inUse.Twins || w.inUse.Test && a.L2 == board.Yes) && twins.Left >= leftTwins && twins.Stamped == 0:
		w.broken = fmt.Sprintf("%d messages were given to %s at the start and not stamped", twins.Left, h.nic.Physical())
		a = a.Foreign()
	default:
		return
	}
	w.retry = now.Add(again)
	d.outside[alarms.HardwareStamps] = w.broken
	h.refuse(d.cfg, a, "; "+w.broken)
	// No stamps of the clock that was found to give none, whatever the driver says.
	d.rearm(server)
}

// rearm applies the mode that was chosen; without a carrier as far as it needs no
// stamps of the hardware.
func (d *Daemon) rearm(server *udp.Server) {
	h := &d.devices.hardware
	d.stamps.inUse = udp.Stamping{TwoStep: h.mode == board.TwoStep}
	if !d.stamps.disarmed {
		d.stamps.inUse = h.arm(d.cfg)
	}
	d.stamps.inUse.TwoStep = d.stamps.inUse.TwoStep || d.stamps.high && d.cfg.Master.OnResidual == "two-step"
	d.stamps.start = d.service.Transport.Stamps
	server.SetStamping(d.stamps.inUse)
	d.writeOrigins(server)
	d.log.Warn("Sync: "+string(h.mode), syslog.Event("SYNC_MODE"), zap.String("why", h.why+h.writing))
}

// judgeResidual compares what a predicted Sync may say wrong with the limit,
// which a reload may have taken away.
func (d *Daemon) judgeResidual(server *udp.Server, now time.Time) {
	limit := float64(d.cfg.Master.ResidualLimit)
	bound, known := d.service.Transport.Residual.BoundNs()
	w := &d.stamps
	was := w.high
	switch {
	case limit < 0 || w.inUse.OneStep:
		w.high = false
	case !known:
		return
	case bound > limit:
		w.high, w.quietAt = true, time.Time{}
	case w.high && w.quietAt.IsZero():
		w.quietAt = now
	case w.high && now.Sub(w.quietAt) > calm:
		w.high = false
	}
	if w.high {
		d.outside[alarms.ResidualHigh] = fmt.Sprintf("%.0f ns, limit %.0f ns", bound, limit)
	} else {
		delete(d.outside, alarms.ResidualHigh)
	}
	if w.high != was && d.cfg.Master.OnResidual == "two-step" {
		d.rearm(server)
	}
}

// egressBoundNs bounds the error between the served clock and the wire as far as
// it has been measured.
func (d *Daemon) egressBoundNs() (bound float64, ok bool) {
	t, w := d.service.Transport, &d.stamps
	switch {
	case w.inUse.OneStep, w.inUse.TwoStep && w.inUse.Transmit:
		bound, ok = deviceNs, true
	default:
		bound, ok = t.Residual.BoundNs()
	}
	if w.inUse.Twins && !w.inUse.OneStep {
		bound += float64(t.Stamps.Beyond.P99 - t.Stamps.Beyond.P1)
		ok = ok && t.Stamps.Beyond.N > 0
	}
	if n := t.Stamps; w.inUse.Receive && n.ReceivedSoftware > n.Received {
		if n.Waited.N >= knownWaits {
			bound += float64(n.Waited.P99 - n.Waited.P1)
		} else {
			bound += receiveNs
		}
	}
	return bound, ok
}
