package timescale

// Edge is one pulse of a receiver, read in two clocks.
type Edge struct {
	Local   Local   // the served clock's reading at the edge
	Mono    Mono    // CLOCK_MONOTONIC_RAW at the edge
	SigmaNs float64 // one standard deviation of Local, in ns: grain, interrupt latency, cross timestamp
	Falling bool    // the line went down; false: up, or the input does not tell
}
