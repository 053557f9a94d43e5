package master

// Reason says what became of a datagram or a request.
type Reason uint8

// The reasons. All but Accepted are refusals.
const (
	Accepted Reason = iota
	// The form of the datagram.
	Short
	BadVersion
	BadType
	BadLength
	BadTimestamp
	BadTLV
	// Whom and where it was meant for.
	WrongPort
	WrongDomain
	WrongSdoID
	WrongTarget
	OwnIdentity
	NotForMaster
	ManagementOff
	// Who sent it.
	AddressDenied
	RateLimited
	// Delay_Req.
	NoGrant
	NoStamp
	TooFast
	NoCredit
	// Requests.
	NotServing
	Draining
	UnknownMessage
	IntervalTooShort
	IntervalTooLong
	DurationTooShort
	TableFull
	ShareTaken
	OverBudget
	TooManyTLVs
	numReasons = iota
)

var reasonWords = [numReasons]string{
	Accepted:         "accepted",
	Short:            "shorter than a PTP header",
	BadVersion:       "versionPTP is not 2",
	BadType:          "reserved messageType",
	BadLength:        "messageLength does not fit",
	BadTimestamp:     "nanoseconds of 1e9 or more",
	BadTLV:           "malformed TLV",
	WrongPort:        "event and general port mixed up",
	WrongDomain:      "wrong domain",
	WrongSdoID:       "wrong sdoId",
	WrongTarget:      "targetPortIdentity is another clock's",
	OwnIdentity:      "carries our own clock identity",
	NotForMaster:     "message is not for a master",
	ManagementOff:    "management is off",
	AddressDenied:    "address is not allowed",
	RateLimited:      "too many Signaling messages",
	NoGrant:          "Delay_Req without a Delay_Resp grant",
	NoStamp:          "no receive time stamp",
	TooFast:          "more than twice the granted rate",
	NoCredit:         "it sent too little for what it would get; master.trusted may name it",
	NotServing:       "the grandmaster does not serve now",
	Draining:         "the grandmaster is being drained",
	UnknownMessage:   "message type is not granted here",
	IntervalTooShort: "faster than allowed",
	IntervalTooLong:  "slower than allowed",
	DurationTooShort: "shorter than the shortest grant",
	TableFull:        "max_clients reached",
	ShareTaken:       "its address or prefix has its share of max_clients",
	OverBudget:       "packet budget spent",
	TooManyTLVs:      "too many TLVs in one message",
}

// String is the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonWords) {
		return reasonWords[r]
	}
	return "unknown"
}
