package netport

import "bragi/master/udp"

const (
	// receiveNs is what a software receive stamp is believed to be off by on a board
	// whose clock stamps no request: an interrupt's latency. After so many messages
	// with both stamps it is known, and taken off.
	receiveNs  = 5000
	knownWaits = 16
	// deviceNs is what a device's own stamp is believed to be off by: the grain of
	// its clock and the way between stamp and wire.
	deviceNs = 50
)

// EgressBoundNs bounds the error between the served clock and the wire as far as
// it has been measured; ok is false before that.
func (p *Port) EgressBoundNs() (bound float64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return egressBoundNs(p.inUse, p.transport)
}

func egressBoundNs(inUse udp.Stamping, t udp.Stats) (bound float64, ok bool) {
	switch {
	case inUse.OneStep, inUse.TwoStep && inUse.Transmit:
		bound, ok = deviceNs, true
	default:
		bound, ok = t.Residual.BoundNs()
	}
	if inUse.Twins && !inUse.OneStep {
		bound += float64(t.Stamps.Beyond.P99 - t.Stamps.Beyond.P1)
		ok = ok && t.Stamps.Beyond.N > 0
	}
	if n := t.Stamps; inUse.Receive && n.ReceivedSoftware > n.Received {
		if n.Waited.N >= knownWaits {
			bound += float64(n.Waited.P99 - n.Waited.P1)
		} else {
			bound += receiveNs
		}
	}
	return bound, ok
}
