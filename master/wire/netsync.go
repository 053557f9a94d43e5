package wire

import "encoding/binary"

// NetSync Monitor: an extension of linuxptp (net_sync_monitor), of no standard. A
// Delay_Req with an empty TLV asks a client for its own time. The client answers
// as a master would, whatever its state: a Delay_Resp, which says in a TLV what
// the client knows of itself, then a Sync and its Follow_Up. All have the
// request's sequenceId, and go to the ports 319 and 320 of the one who asks.
const (
	TLVNetSyncRequest  TLVType = 0x21FE
	TLVNetSyncResponse TLVType = 0x21FF
)

// NetSyncRequestLen is the messageLength of a Delay_Req that asks.
const NetSyncRequestLen = SyncLen + TLVHeaderLen

// AppendNetSyncRequest adds a Delay_Req that asks a client for its time to b.
func AppendNetSyncRequest(b []byte, h Header) []byte {
	b = h.append(b, TypeDelayReq, NetSyncRequestLen)
	return appendTLVHeader(Timestamp{}.append(b), TLVNetSyncRequest, 0)
}

// AsksNetSync tells whether a message that ParseHeader has taken is such a Delay_Req.
func AsksNetSync(h *Header, b []byte) bool {
	if h.MessageType != TypeDelayReq {
		return false
	}
	tlvs, err := TLVsOf(h, b)
	for more := err == nil; more; {
		var typ TLVType
		if typ, _, more = tlvs.Next(); more && typ == TLVNetSyncRequest {
			return true
		}
	}
	return false
}

// PortState is the state of a PTP port (table 20).
type PortState uint8

// The states of a client's port that matter here.
const (
	PortUncalibrated PortState = 8
	PortSlave        PortState = 9
)

var portStates = [...]string{
	1: "INITIALIZING", 2: "FAULTY", 3: "DISABLED", 4: "LISTENING", 5: "PRE_MASTER", 6: "MASTER", 7: "PASSIVE",
	PortUncalibrated: "UNCALIBRATED", PortSlave: "SLAVE",
}

// String is the standard's word.
func (s PortState) String() string {
	if int(s) < len(portStates) && portStates[s] != "" {
		return portStates[s]
	}
	return "unknown"
}

// NetSync is what a client says of itself: members of its parentDS, currentDS and
// timePropertiesDS (8.2.2 to 8.2.4).
type NetSync struct {
	State       PortState
	Parent      PortIdentity // whom it follows
	Grandmaster ClockIdentity
	ClockClass  ClockClass // of that grandmaster
	// OffsetFromMaster and MeanPathDelay are in ns times 65536; positive: the client is
	// ahead of its master.
	OffsetFromMaster, MeanPathDelay int64
	StepsRemoved                    uint16
	CurrentUTCOffset                int16
	Flags                           Flags     // FlagLeap61 to FlagFrequencyTraceable
	LastSync                        Timestamp // when the last Sync came, by the client's clock
}

const (
	netSyncHead = 6  // portState, reserved, and the parent's networkProtocol and addressLength
	netSyncTail = 64 // parentDS 32, currentDS 18, timePropertiesDS 4, a Timestamp
)

// ParseNetSync reads the value of a NetSync response.
func ParseNetSync(v []byte) (NetSync, error) {
	if len(v) < netSyncHead+netSyncTail {
		return NetSync{}, ErrTLV
	}
	// The parent's address, of 4, 6 or 16 octets by its protocol, lies between.
	tail := netSyncHead + int(binary.BigEndian.Uint16(v[4:]))
	if len(v) < tail+netSyncTail {
		return NetSync{}, ErrTLV
	}
	parent, current, properties := v[tail:], v[tail+32:], v[tail+50:]
	last, err := parseTimestamp(v[tail+54:])
	return NetSync{
		State:            PortState(v[0]),
		Parent:           parsePortIdentity(parent),
		ClockClass:       ClockClass(parent[19]),
		Grandmaster:      ClockIdentity(parent[24:32]),
		StepsRemoved:     binary.BigEndian.Uint16(current),
		OffsetFromMaster: int64(binary.BigEndian.Uint64(current[2:])),
		MeanPathDelay:    int64(binary.BigEndian.Uint64(current[10:])),
		CurrentUTCOffset: int16(binary.BigEndian.Uint16(properties)),
		Flags:            Flags(properties[2]),
		LastSync:         last,
	}, err
}

// TLVsOf are the TLVs behind the body of a message that ParseHeader has taken.
func TLVsOf(h *Header, b []byte) (TLVs, error) {
	return ParseTLVs(b[minLength[h.MessageType]:h.Length])
}
