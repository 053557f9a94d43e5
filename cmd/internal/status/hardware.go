package status

// How the time gets into a Sync: Hardware.SyncMode.
const (
	SyncSoftware         = "software"
	SyncPredictedOneStep = "predicted-one-step"
	SyncHardwareOneStep  = "hardware-one-step"
	SyncTwoStep          = "two-step"
)

// Hardware is the board: its clock, its interface, and how the time gets into a
// Sync.
type Hardware struct {
	PHC         string   `json:"phc"`
	Driver      string   `json:"driver"`
	Interface   string   `json:"interface"`
	SyncMode    string   `json:"sync_mode"` // one of the words above
	SyncModeWhy string   `json:"sync_mode_why"`
	ResidualNs  Residual `json:"residual_ns"`
	EgressNs    *float64 `json:"egress_bound_ns"` // what clockAccuracy allows for it
	// Residuals are the same as ResidualNs, of all Syncs that were sampled since the start.
	Residuals Histogram `json:"residuals"`

	Profile  string      `json:"profile"`
	Accuracy string      `json:"accuracy"` // what a client may expect of such a board
	Limits   []string    `json:"limits"`   // known ones, in plain words
	Pulse    string      `json:"pulse"`    // where it comes in: extts:N, /dev/ppsN, auto
	LED      string      `json:"led"`      // that shows the state, or why none does
	Counter  BoardClock  `json:"clock"`
	Device   Device      `json:"device"`
	Stamps   StampCounts `json:"stamps"`

	IngressLatencyNs float64 `json:"ingress_latency_ns"`
	EgressLatencyNs  float64 `json:"egress_latency_ns"`
	AsymmetryNs      float64 `json:"asymmetry_ns"`
}

// BoardClock is what the clock's driver says, and what its readings are like.
type BoardClock struct {
	QuantumPPB  float64  `json:"quantum_ppb"` // smallest change of frequency; 0: not known
	MaxPPB      float64  `json:"max_ppb"`
	ExtTS       int      `json:"ext_ts"`  // inputs that stamp an edge
	PerOut      int      `json:"per_out"` // outputs
	PPS         bool     `json:"pps"`
	Pins        []string `json:"pins"` // name and function
	CrossMethod string   `json:"cross_method"`
	CrossNs     int64    `json:"cross_width_ns"` // of the latest cross timestamp
	NoiseNs     float64  `json:"cross_noise_ns"` // of the latest ones, at worst
	Foreign     uint64   `json:"foreign"`        // readings that showed that somebody else set it
	Steered     uint64   `json:"steered"`        // corrections that another program gave
	Suspects    []string `json:"suspects"`       // programs that held it open then and still do
	Absences    int      `json:"absences"`       // how often it was unplugged and came back
	Trouble     string   `json:"trouble"`        // why it cannot be read now
}

// Device is the network device, and what it stamps.
type Device struct {
	Name      string   `json:"name"`
	Physical  string   `json:"physical"` // the device below a VLAN or bond that has the hardware
	Driver    string   `json:"driver"`
	MAC       string   `json:"mac"`
	Carrier   bool     `json:"carrier"`
	SpeedMbs  int      `json:"speed_mbs"`
	Trouble   string   `json:"trouble"`
	Source    string   `json:"stamps_from"` // hardware, twin, software, none: of the unicast Syncs
	Unicast   string   `json:"unicast"`     // yes, no, not known: whether the hardware stamps it on transmit
	Multicast string   `json:"multicast"`
	L2        string   `json:"l2"`
	TxModes   []string `json:"tx_modes"`
	RxFilters []string `json:"rx_filters"`
	TxSet     string   `json:"tx_set"` // what it is set to
	RxSet     string   `json:"rx_set"`
}

// StampCounts are what became of time stamps since the start.
type StampCounts struct {
	Asked            uint64 `json:"asked"`
	Stamped          uint64 `json:"stamped"`
	Withheld         uint64 `json:"withheld"` // the device sent the message and gave no stamp
	Refused          uint64 `json:"refused"`  // stamps that cannot be
	Lost             uint64 `json:"lost"`     // of the kernel's own
	Received         uint64 `json:"received"`
	ReceivedSoftware uint64 `json:"received_software"`
	ReceivedRefused  uint64 `json:"received_refused"`
	WaitedNs         int64  `json:"waited_ns"` // taken off a receive stamp of the kernel's: by how much it is later than the device's, measured
	WaitedN          int    `json:"waited_n"`  // messages with both stamps that it was measured by, of late
	Written          uint64 `json:"written"`   // samples whose time the kernel wrote
	Unwritten        uint64 `json:"unwritten"` // and those that it was to write and did not
	TwinsSent        uint64 `json:"twins_sent"`
	TwinsStamped     uint64 `json:"twins_stamped"`
	TwinsFailed      uint64 `json:"twins_failed"` // could not be sent
}
