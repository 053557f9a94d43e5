package status

// Traffic counts PTP messages since the start. Each datagram that came is in
// Received once.
type Traffic struct {
	Received []ReceivedCount   `json:"received"`
	Requests []RequestCount    `json:"requests"`
	Sent     map[string]uint64 `json:"sent"` // by messageType
	// What never became a message or never left.
	Dropped uint64 `json:"dropped"` // by the kernel, since a receive buffer was full
	Busy    uint64 `json:"busy"`    // not sent, since a send buffer or a queue was full
	Failed  uint64 `json:"failed"`  // refused by the kernel for their destination
	Paused  uint64 `json:"paused"`  // not sent, since an address that is not trusted had no credit
	// Undelivered are in Sent, and never left: their address does not answer ARP.
	Undelivered uint64 `json:"undelivered"`
}

// ReceivedCount is how many messages of a type had one fate.
type ReceivedCount struct {
	Type     string `json:"type"`   // messageType, "unreadable"
	Reason   string `json:"reason"` // "accepted", or why it was refused
	Answered bool   `json:"answered"`
	N        uint64 `json:"n"`
}

// RequestCount is how many requests for grants of a message type had one outcome.
type RequestCount struct {
	Message string `json:"message"`
	Reason  string `json:"reason"` // "accepted": granted
	N       uint64 `json:"n"`
}

// Histogram is a distribution of time errors since the start. Counts has one more
// than UpToNs: the last is of what lies beyond. Each limit is inside its bucket.
type Histogram struct {
	UpToNs []float64 `json:"up_to_ns"`
	Counts []uint64  `json:"counts"`
	SumNs  float64   `json:"sum_ns"`
}
