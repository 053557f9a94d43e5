package ubx

import "fmt"

// The classes.
const (
	ClassNAV = 0x01
	ClassINF = 0x04
	ClassACK = 0x05
	ClassCFG = 0x06
	ClassMON = 0x0A
	ClassTIM = 0x0D
	ClassSEC = 0x27
)

// The messages.
const (
	NavPOSLLH  Name = 0x0102
	NavSTATUS  Name = 0x0103
	NavDOP     Name = 0x0104
	NavSOL     Name = 0x0106
	NavPVT     Name = 0x0107
	NavTIMEGPS Name = 0x0120
	NavTIMEUTC Name = 0x0121
	NavCLOCK   Name = 0x0122
	NavTIMEGLO Name = 0x0123
	NavTIMEBDS Name = 0x0124
	NavTIMEGAL Name = 0x0125
	NavTIMELS  Name = 0x0126
	NavSVINFO  Name = 0x0130
	NavSAT     Name = 0x0135
	NavSVIN    Name = 0x013B
	NavSIG     Name = 0x0143
	NavEOE     Name = 0x0161

	InfERROR   Name = 0x0400
	InfWARNING Name = 0x0401
	InfNOTICE  Name = 0x0402
	InfTEST    Name = 0x0403
	InfDEBUG   Name = 0x0404

	AckNAK Name = 0x0500
	AckACK Name = 0x0501

	CfgPRT    Name = 0x0600
	CfgMSG    Name = 0x0601
	CfgRST    Name = 0x0604
	CfgRATE   Name = 0x0608
	CfgCFG    Name = 0x0609
	CfgANT    Name = 0x0613
	CfgNAV5   Name = 0x0624
	CfgTP5    Name = 0x0631
	CfgITFM   Name = 0x0639
	CfgTMODE2 Name = 0x063D
	CfgGNSS   Name = 0x063E
	CfgTMODE3 Name = 0x0671
	CfgVALSET Name = 0x068A
	CfgVALGET Name = 0x068B
	CfgVALDEL Name = 0x068C
	MonVER    Name = 0x0A04
	MonHW     Name = 0x0A09
	MonHW2    Name = 0x0A0B
	MonRF     Name = 0x0A38
	TimTP     Name = 0x0D01
	TimSVIN   Name = 0x0D04
	TimTOS    Name = 0x0D12
	SecUNIQID Name = 0x2703
	SecSIG    Name = 0x2709
	SecSIGLOG Name = 0x2710
)

var names = map[Name]string{
	NavPOSLLH: "NAV-POSLLH", NavSTATUS: "NAV-STATUS", NavDOP: "NAV-DOP", NavSOL: "NAV-SOL", NavPVT: "NAV-PVT",
	NavTIMEGPS: "NAV-TIMEGPS", NavTIMEUTC: "NAV-TIMEUTC", NavCLOCK: "NAV-CLOCK", NavTIMEGLO: "NAV-TIMEGLO",
	NavTIMEBDS: "NAV-TIMEBDS", NavTIMEGAL: "NAV-TIMEGAL", NavTIMELS: "NAV-TIMELS", NavSVINFO: "NAV-SVINFO",
	NavSAT: "NAV-SAT", NavSVIN: "NAV-SVIN", NavSIG: "NAV-SIG", NavEOE: "NAV-EOE",
	InfERROR: "INF-ERROR", InfWARNING: "INF-WARNING", InfNOTICE: "INF-NOTICE", InfTEST: "INF-TEST", InfDEBUG: "INF-DEBUG",
	AckNAK: "ACK-NAK", AckACK: "ACK-ACK",
	CfgPRT: "CFG-PRT", CfgMSG: "CFG-MSG", CfgRST: "CFG-RST", CfgRATE: "CFG-RATE", CfgCFG: "CFG-CFG", CfgANT: "CFG-ANT",
	CfgNAV5: "CFG-NAV5", CfgTP5: "CFG-TP5", CfgITFM: "CFG-ITFM", CfgTMODE2: "CFG-TMODE2", CfgGNSS: "CFG-GNSS",
	CfgTMODE3: "CFG-TMODE3", CfgVALSET: "CFG-VALSET", CfgVALGET: "CFG-VALGET", CfgVALDEL: "CFG-VALDEL",
	MonVER: "MON-VER", MonHW: "MON-HW", MonHW2: "MON-HW2", MonRF: "MON-RF",
	TimTP: "TIM-TP", TimSVIN: "TIM-SVIN", TimTOS: "TIM-TOS",
	SecUNIQID: "SEC-UNIQID", SecSIG: "SEC-SIG", SecSIGLOG: "SEC-SIGLOG",
}

// String is u-blox's name of the message, without the UBX before it.
func (n Name) String() string {
	if s, found := names[n]; found {
		return s
	}
	return fmt.Sprintf("0x%02X-0x%02X", n.Class(), n.ID())
}
