package snmp

import (
	"encoding/hex"
	"net"
	"slices"
	"strconv"
	"strings"

	"bragi/cmd/internal/status"
)

// PTPBASE-MIB of RFC 8173, as far as a grandmaster has it: its names are in the
// comments. What the RFC asks of a clock that follows another is not there, and what
// is not known is left out: the intervals of a port, which each client's grant sets.

// ptpBase is ptpbaseMIB.
var ptpBase = mustOID("1.3.6.1.2.1.241")

// below is the entry of a table in ptpbaseMIBObjects.
func below(group, table uint32) OID { return ptpBase.add(1, group, table, 1) }

var (
	systemTable       = below(1, 1)              // ptpbaseSystemEntry
	systemDomainTable = below(1, 2)              // ptpbaseSystemDomainEntry
	systemInfo        = ptpBase.add(1, 1)        // ptpbaseMIBSystemInfo, whose third is a scalar
	currentDS         = below(2, 1)              // ptpbaseClockCurrentDSEntry
	parentDS          = below(2, 2)              // ptpbaseClockParentDSEntry
	defaultDS         = below(2, 3)              // ptpbaseClockDefaultDSEntry
	running           = below(2, 4)              // ptpbaseClockRunningEntry
	timeProperties    = below(2, 5)              // ptpbaseClockTimePropertiesDSEntry
	portTable         = below(2, 7)              // ptpbaseClockPortEntry
	portDS            = below(2, 8)              // ptpbaseClockPortDSEntry
	portRunning       = below(2, 9)              // ptpbaseClockPortRunningEntry
	associates        = below(2, 11)             // ptpbaseClockPortAssociateEntry
	transportIPv4     = ptpBase.add(1, 2, 12, 1) // ptpbaseTransportTypeIPversion4
	overEthernet      = ptpBase.add(1, 2, 13, 1) // ptpbaseEncapsulationTypeEthernet
)

// Values of the RFC's textual conventions.
const (
	ordinaryClock   = 1          // PtpClockType
	profileDefault  = 1          // PtpClockProfileType
	profileTelecom  = 2          //
	roleMaster      = 1          // PtpClockRoleType
	portMaster      = 6          // PtpClockPortState
	portPassive     = 7          //
	modeUnicast     = 1          // PtpClockTxModeType
	mechanismE2E    = 1          // PtpClockMechanismType
	versionPTP      = 2          //
	onlyInstance    = 0          // PtpClockInstanceType: this clock is the only one
	onlyPort        = 1          // PtpClockPortNumber
	noChangeRate    = 0x7FFFFFFF // IEEE 1588-2008, 7.6.4.4: not computed
	longestPortName = 64
)

// stateNumbers are PtpClockStateType, by Cisco's words.
var stateNumbers = map[string]int64{"FREERUN": 1, "HOLDOVER": 2, "ACQUIRING": 3, "FREQ_LOCKED": 4, "PHASE_ALIGNED": 5}

// ptp tells PTPBASE-MIB. Before the service has begun there is no clock to tell of.
func (t *tree) ptp(s *status.Status, numbers *numbers) {
	m, c := &s.Master, &s.Clock
	identity, port, ok := portIdentity(m.Identity)
	if !ok {
		return
	}
	domain := uint32(m.Domain)
	profile := int64(profileDefault)
	if m.PTPProfile == "g8275.2" {
		profile = profileTelecom
	}
	t.entry(systemTable, domain, onlyInstance).unsigned(3, 1) // ptpDomainClockPortsTotal
	t.entry(systemDomainTable, ordinaryClock).unsigned(2, 1)  // ptpbaseSystemDomainTotals
	t.entry(systemInfo, 0).integer(3, profile)                // ptpbaseSystemProfile
	clock := []uint32{domain, ordinaryClock, onlyInstance}    // the index of each data set
	portIndex := append(slices.Clip(clock), onlyPort)         // and of each table of ports
	quality := func(e entry, class, accuracy uint32) {
		e.integer(class, int64(c.ClockClass))
		if n, ok := number(c.ClockAccuracy); ok {
			e.integer(accuracy, n)
		}
	}

	e := t.entry(currentDS, clock...)
	e.unsigned(4, 0)             // StepsRemoved
	e.octets(5, make([]byte, 8)) // OffsetFromMaster: it has none
	e.octets(6, make([]byte, 8)) // MeanPathDelay

	e = t.entry(parentDS, clock...)
	e.octets(4, append(slices.Clip(identity), 0, 0)) // ParentPortIdentity: a grandmaster's own clock, port 0
	e.truth(5, false)                                // ParentStats; 6, Offset, is left out: not computed is 0xFFFF, which its range lacks
	e.integer(7, noChangeRate)                       // ClockPhChRate
	e.octets(8, identity)                            // GMClockIdentity
	priorities(e, m, 9, 10)                          // GMClockPriority1, GMClockPriority2
	quality(e, 11, 12)                               // GMClockQualityClass, -Accuracy
	if n, ok := number(c.Variance); ok {
		e.unsigned(13, uint64(n)) // GMClockQualityOffset
	}

	e = t.entry(defaultDS, clock...)
	e.truth(4, s.Hardware.SyncMode == status.SyncTwoStep) // TwoStepFlag
	e.octets(5, identity)                                 // ClockIdentity
	priorities(e, m, 6, 7)                                // Priority1, Priority2
	e.truth(8, false)                                     // SlaveOnly
	quality(e, 9, 10)                                     // QualityClass, QualityAccuracy
	if n, ok := number(c.Variance); ok {
		e.integer(11, n) // QualityOffset
	}

	e = t.entry(running, clock...)
	if n, ok := stateNumbers[c.State]; ok {
		e.integer(4, n) // State
	}
	e.counter(5, m.Sent)     // PacketsSent
	e.counter(6, m.Received) // PacketsReceived

	e = t.entry(timeProperties, clock...)
	e.truth(4, c.UTCOffsetValid)     // CurrentUTCOffsetValid
	e.integer(5, int64(c.UTCOffset)) // CurrentUTCOffset
	e.truth(6, c.Leap59)             // Leap59
	e.truth(7, c.Leap61)             // Leap61
	e.truth(8, c.TimeTraceable)      // TimeTraceable
	e.truth(9, c.FrequencyTraceable) // FreqTraceable
	e.truth(10, c.PTPTimescale)      // PTPTimescale
	if n, ok := number(c.TimeSource); ok {
		e.integer(11, n) // Source
	}

	name := m.Interface
	if name == "" {
		name = "ptp"
	}
	e = t.entry(portTable, portIndex...)
	e.words(5, name, longestPortName)                     // Name
	e.integer(6, roleMaster)                              // Role
	e.truth(7, s.Hardware.SyncMode == status.SyncTwoStep) // SyncTwoStep; 8 and 9, one peer's address, are left out: there are many
	e.unsigned(10, uint64(m.Clients))                     // NumOfAssociatedPorts

	e = t.entry(portDS, portIndex...)
	e.words(5, name, longestPortName)                                     // Name
	e.octets(6, append(slices.Clip(identity), byte(port>>8), byte(port))) // PortIdentity
	e.integer(12, mechanismE2E)                                           // DelayMech
	e.unsigned(15, versionPTP)                                            // PTPVersion

	e = t.entry(portRunning, portIndex...)
	e.words(5, name, longestPortName) // Name
	state := int64(portPassive)
	if c.Serving {
		state = portMaster
	}
	e.integer(6, state)      // State
	e.integer(7, roleMaster) // Role
	if nic, err := net.InterfaceByName(m.Interface); err == nil {
		e.integer(8, int64(nic.Index)) // InterfaceIndex
	}
	e.object(9, transportIPv4) // Transport
	if d := s.Hardware.Device; d.Name != "" && (d.Physical == "" || d.Physical == d.Name) {
		e.object(10, overEthernet) // EncapsulationType
	}
	e.integer(11, modeUnicast) // TxMode
	e.integer(12, modeUnicast) // RxMode
	e.counter(13, m.Received)  // PacketsReceived
	e.counter(14, m.Sent)      // PacketsSent

	numbers.assign(s.Clients)
	for i := range s.Clients {
		client := &s.Clients[i]
		number, ok := numbers.of(client)
		if !ok {
			continue
		}
		e = t.entry(associates, append(slices.Clip(portIndex), number)...)
		e.object(6, transportIPv4)            // AddressType
		e.words(7, client.Address, 255)       // Address
		e.counter(8, client.Sent)             // PacketsSent
		e.counter(9, client.Received)         // PacketsReceived
		e.counter(10, sum(client.Unanswered)) // InErrors; 11, OutErrors, is not known of one client
	}
}

func priorities(e entry, m *status.Master, first, second uint32) {
	if m.Priority1 != nil && m.Priority2 != nil {
		e.unsigned(first, uint64(*m.Priority1))
		e.unsigned(second, uint64(*m.Priority2))
	}
}

func sum(counts map[string]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// number reads "0x21".
func number(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 0, 64)
	return n, err == nil
}

// portIdentity reads "001122.fffe.334455-1".
func portIdentity(s string) (clock []byte, port uint16, ok bool) {
	text, portText, _ := strings.Cut(s, "-")
	clock, err := hex.DecodeString(strings.ReplaceAll(text, ".", ""))
	n, portErr := strconv.ParseUint(portText, 10, 16)
	return clock, uint16(n), err == nil && portErr == nil && len(clock) == 8
}
