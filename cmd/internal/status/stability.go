package status

// Stability is TDEV and MTIE of the pulse against the served clock while that is locked,
// beside the masks of ITU-T G.8272.
type Stability struct {
	Of      string          `json:"of"` // what was measured by what
	Pulses  uint64          `json:"pulses"`
	NoiseNs *float64        `json:"pulse_noise_ns"` // standard deviation of one pulse: it is in each figure
	Rows    []StabilityRow  `json:"rows"`
	Masks   []StabilityMask `json:"masks"`
}

// StabilityRow is what was measured at one averaging time.
type StabilityRow struct {
	TauS        float64  `json:"tau_s"`
	TDEVNs      *float64 `json:"tdev_ns"` // null: fewer than twelve tau were measured
	MTIENs      *float64 `json:"mtie_ns"` // never less than the true one
	Terms       int      `json:"terms"`   // of TDEV
	WindowS     float64  `json:"window_s"`
	PRTCATDEVNs *float64 `json:"prtc_a_tdev_ns"` // limits; null: the mask says nothing
	PRTCAMTIENs *float64 `json:"prtc_a_mtie_ns"`
	PRTCBTDEVNs *float64 `json:"prtc_b_tdev_ns"`
	PRTCBMTIENs *float64 `json:"prtc_b_mtie_ns"`
}

// StabilityMask is whether what was measured is inside a mask.
type StabilityMask struct {
	Name  string  `json:"name"`
	Met   *bool   `json:"met"`     // null: nothing was measured
	Why   string  `json:"why"`     // the first limit that is broken
	UpToS float64 `json:"up_to_s"` // the longest averaging time that was judged
}
