// Package netport owns the network port by which the grandmaster serves: what
// its hardware can stamp, how the time gets into a Sync, which stamps are used,
// the link, and what is measured of the way to the wire.
//
//	what the driver promises --> Choose --> Mode --> arm --> the stamps that are used --> master/udp
//	master/udp's counters --> Observe --> Judge (once a second) --> a promise that is not kept: the next best mode
//	link --> Watch --> without a carrier no hardware stamps; with it the clock is compared, then all is chosen anew
//	all of it --> Status, Troubles, EgressBoundNs
//
// A Port has its own lock. It never holds it while it calls Config.Compare. It
// knows neither receiver nor servo, and starts one goroutine, in Watch.
package netport
