package board

import "strings"

// TxMode is what a network device is asked to do with packets that leave
// (hwtstamp_tx_types of linux/net_tstamp.h).
type TxMode int32

const (
	TxOff         TxMode = iota
	TxStamp              // stamp what asks for it
	TxOneStepSync        // write the time into Sync
	TxOneStepP2P         // likewise, and into Pdelay_Resp
)

var txNames = [...]string{"off", "on", "one-step-sync", "one-step-p2p"}

func (m TxMode) String() string { return nameOf(txNames[:], int(m)) }

// RxFilter is which packets are stamped on arrival (hwtstamp_rx_filters).
type RxFilter int32

const (
	RxNone         RxFilter = 0
	RxAll          RxFilter = 1
	RxPTPv2L4Event RxFilter = 6
	RxPTPv2L2Event RxFilter = 9
	RxPTPv2Event   RxFilter = 12
	rxFilterCount           = 16
)

var rxNames = [rxFilterCount]string{
	"none", "all", "some", "ptpv1-l4-event", "ptpv1-l4-sync", "ptpv1-l4-delay-req", "ptpv2-l4-event", "ptpv2-l4-sync", "ptpv2-l4-delay-req",
	"ptpv2-l2-event", "ptpv2-l2-sync", "ptpv2-l2-delay-req", "ptpv2-event", "ptpv2-sync", "ptpv2-delay-req", "ntp-all",
}

func (f RxFilter) String() string { return nameOf(rxNames[:], int(f)) }

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "unknown"
	}
	return names[i]
}

// Stamping is the setting of a device's hardware stamps.
type Stamping struct {
	Tx TxMode
	Rx RxFilter
}

// Answer is whether a device can do something: its driver does not tell all.
type Answer uint8

const (
	Unknown Answer = iota
	Yes
	No
)

func (a Answer) String() string { return [...]string{"not known", "yes", "no"}[a] }

// Abilities is what a network device can stamp: what its driver says
// (ETHTOOL_GET_TS_INFO), and where the driver is one that we know, what it does
// not say.
type Abilities struct {
	Driver                 string
	PHC                    int    // of /dev/ptpN; negative: none
	TxModes                uint32 // set of 1 << TxMode
	RxFilters              uint32 // set of 1 << RxFilter
	HardwareTx, HardwareRx bool
	SoftwareTx             bool
	// What hardware stamps on transmit: UDP to one host, UDP to PTP's groups
	// (224.0.1.129 to 132), Ethernet frames of type 0x88F7.
	Unicast, Multicast, L2 Answer
}

// Offers tells whether the driver claims a mode.
func (a Abilities) Offers(m TxMode) bool {
	return a.HardwareTx && a.TxModes&(1<<uint(m)) != 0
}

// OffersFilter tells whether the driver claims a filter.
func (a Abilities) OffersFilter(f RxFilter) bool {
	return a.HardwareRx && a.RxFilters&(1<<uint(f)) != 0
}

// Modes and Filters are what the driver claims, besides off and none.
func (a Abilities) Modes() []TxMode {
	var list []TxMode
	for m := TxStamp; int(m) < len(txNames); m++ {
		if a.Offers(m) {
			list = append(list, m)
		}
	}
	return list
}

// Filters likewise.
func (a Abilities) Filters() []RxFilter {
	var list []RxFilter
	for f := RxAll; f < rxFilterCount; f++ {
		if a.OffersFilter(f) {
			list = append(list, f)
		}
	}
	return list
}

// Foreign is what is left when the stamps are of another clock than the one that
// is served: the kernel's.
func (a Abilities) Foreign() Abilities {
	a.HardwareTx, a.HardwareRx, a.TxModes, a.RxFilters = false, false, 0, 0
	a.Unicast, a.Multicast, a.L2 = No, No, No
	return a
}

// StampSource is where the transmit stamps of unicast Syncs come from.
type StampSource string

const (
	StampHardware StampSource = "hardware" // the Syncs themselves are stamped by the clock
	StampTwin     StampSource = "twin"     // twins of them that the hardware does stamp
	StampSoftware StampSource = "software" // the kernel stamps them when it hands them to the driver
	StampNone     StampSource = "none"
)

// TransmitStamps is the best that the device offers for unicast.
func (a Abilities) TransmitStamps() StampSource {
	switch hardware := a.Offers(TxStamp); {
	case hardware && a.Unicast != No:
		return StampHardware
	case hardware && (a.L2 != No || a.Multicast != No):
		return StampTwin
	case a.SoftwareTx:
		return StampSoftware
	}
	return StampNone
}

// known fills in what the drivers that we know do not say (drivers/net of
// Linux 6.12): which packets their hardware stamps.
func (a Abilities) known() Abilities {
	type stamps struct{ unicast, multicast, l2 Answer }
	all := stamps{Yes, Yes, Yes}
	s, found := map[string]stamps{
		"fec":            all,
		"st_gmac":        all,
		"igb":            all,
		"igc":            all,
		"cpsw":           {No, Yes, Yes}, // AM335x TRM 14.3.2.2.1: 224.0.1.129 to 132, and L2
		"cpsw-switch":    {No, Yes, Yes},
		"am65-cpsw-nuss": {No, Yes, Yes},
	}[strings.TrimSpace(a.Driver)]
	switch {
	case !a.HardwareTx:
		s = stamps{No, No, No}
	case !found:
		return a
	}
	a.Unicast, a.Multicast, a.L2 = s.unicast, s.multicast, s.l2
	return a
}
