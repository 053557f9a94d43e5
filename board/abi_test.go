package board

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
)

// The structures and numbers that go to the kernel are those that the C
// compiler makes of the kernel's headers. scripts/abi/make.sh writes the tables;
// the test runs natively and, for the other architectures, under qemu-user.
func TestStructuresAndNumbersAreThoseOfTheKernelsHeaders(t *testing.T) {
	name := "testdata/abi-" + runtime.GOARCH + ".txt"
	file, err := os.Open(name)
	if err != nil {
		t.Fatalf("no table for this architecture: %v: see scripts/abi/make.sh", err)
	}
	defer file.Close()
	ours := goLayout()
	lines := 0
	for s := bufio.NewScanner(file); s.Scan(); lines++ {
		what, value := s.Text()[:strings.LastIndexByte(s.Text(), ' ')], s.Text()[strings.LastIndexByte(s.Text(), ' ')+1:]
		got, ok := ours[what]
		switch {
		case !ok:
			t.Errorf("%s: C says %s, Go's side is not compared", what, value)
		case got != value:
			t.Errorf("%s: C says %s, Go %s", what, value, got)
		}
		delete(ours, what)
	}
	for what := range ours {
		t.Errorf("%s is not in %s: add it to scripts/abi/abi.c", what, name)
	}
	if lines < 90 {
		t.Errorf("%s has %d lines", name, lines)
	}
}

func goLayout() map[string]string {
	m := map[string]string{}
	size := func(name string, n uintptr) { m["sizeof "+name] = fmt.Sprint(n) }
	at := func(name string, n uintptr) { m["offsetof "+name] = fmt.Sprint(n) }
	constant := func(name string, v uint32) { m["const "+name] = fmt.Sprintf("%#x", v) }

	var ts kernelclock.Timespec
	size("__kernel_timespec", unsafe.Sizeof(ts))
	at("__kernel_timespec.tv_sec", unsafe.Offsetof(ts.Sec))
	at("__kernel_timespec.tv_nsec", unsafe.Offsetof(ts.Nsec))

	var tx kernelclock.Timex
	size("__kernel_timex", unsafe.Sizeof(tx))
	for name, n := range map[string]uintptr{
		"modes": unsafe.Offsetof(tx.Modes), "offset": unsafe.Offsetof(tx.Offset), "freq": unsafe.Offsetof(tx.Freq),
		"maxerror": unsafe.Offsetof(tx.Maxerror), "esterror": unsafe.Offsetof(tx.Esterror), "status": unsafe.Offsetof(tx.Status),
		"constant": unsafe.Offsetof(tx.Constant), "precision": unsafe.Offsetof(tx.Precision), "tolerance": unsafe.Offsetof(tx.Tolerance),
		"time.tv_sec": unsafe.Offsetof(tx.TimeSec), "time.tv_usec": unsafe.Offsetof(tx.TimeUsec), "tick": unsafe.Offsetof(tx.Tick),
		"ppsfreq": unsafe.Offsetof(tx.Ppsfreq), "jitter": unsafe.Offsetof(tx.Jitter), "shift": unsafe.Offsetof(tx.Shift),
		"stabil": unsafe.Offsetof(tx.Stabil), "jitcnt": unsafe.Offsetof(tx.Jitcnt), "calcnt": unsafe.Offsetof(tx.Calcnt),
		"errcnt": unsafe.Offsetof(tx.Errcnt), "stbcnt": unsafe.Offsetof(tx.Stbcnt), "tai": unsafe.Offsetof(tx.Tai),
	} {
		at("__kernel_timex."+name, n)
	}

	var caps unix.PtpClockCaps
	size("ptp_clock_caps", unsafe.Sizeof(caps))
	at("ptp_clock_caps.max_adj", unsafe.Offsetof(caps.Max_adj))
	at("ptp_clock_caps.n_ext_ts", unsafe.Offsetof(caps.N_ext_ts))
	at("ptp_clock_caps.n_per_out", unsafe.Offsetof(caps.N_per_out))
	at("ptp_clock_caps.pps", unsafe.Offsetof(caps.Pps))
	at("ptp_clock_caps.n_pins", unsafe.Offsetof(caps.N_pins))
	at("ptp_clock_caps.cross_timestamping", unsafe.Offsetof(caps.Cross_timestamping))

	var ct unix.PtpClockTime
	size("ptp_clock_time", unsafe.Sizeof(ct))
	at("ptp_clock_time.sec", unsafe.Offsetof(ct.Sec))
	at("ptp_clock_time.nsec", unsafe.Offsetof(ct.Nsec))

	var ev unix.PtpExttsEvent
	size("ptp_extts_event", unsafe.Sizeof(ev))
	at("ptp_extts_event.t", unsafe.Offsetof(ev.T))
	at("ptp_extts_event.index", unsafe.Offsetof(ev.Index))
	at("ptp_extts_event.flags", unsafe.Offsetof(ev.Flags))

	var req unix.PtpExttsRequest
	size("ptp_extts_request", unsafe.Sizeof(req))
	at("ptp_extts_request.index", unsafe.Offsetof(req.Index))
	at("ptp_extts_request.flags", unsafe.Offsetof(req.Flags))

	var pin unix.PtpPinDesc
	size("ptp_pin_desc", unsafe.Sizeof(pin))
	at("ptp_pin_desc.name", unsafe.Offsetof(pin.Name))
	at("ptp_pin_desc.index", unsafe.Offsetof(pin.Index))
	at("ptp_pin_desc.func", unsafe.Offsetof(pin.Func))
	at("ptp_pin_desc.chan", unsafe.Offsetof(pin.Chan))

	var so unix.PtpSysOffset
	size("ptp_sys_offset", unsafe.Sizeof(so))
	at("ptp_sys_offset.n_samples", unsafe.Offsetof(so.Samples))
	at("ptp_sys_offset.ts", unsafe.Offsetof(so.Ts))

	var ext unix.PtpSysOffsetExtended
	size("ptp_sys_offset_extended", unsafe.Sizeof(ext))
	at("ptp_sys_offset_extended.n_samples", unsafe.Offsetof(ext.Samples))
	at("ptp_sys_offset_extended.clockid", unsafe.Offsetof(ext.Clockid))
	at("ptp_sys_offset_extended.ts", unsafe.Offsetof(ext.Ts))

	var pr unix.PtpSysOffsetPrecise
	size("ptp_sys_offset_precise", unsafe.Sizeof(pr))
	at("ptp_sys_offset_precise.device", unsafe.Offsetof(pr.Device))
	at("ptp_sys_offset_precise.sys_realtime", unsafe.Offsetof(pr.Realtime))
	at("ptp_sys_offset_precise.sys_monoraw", unsafe.Offsetof(pr.Monoraw))

	var kt unix.PPSKTime
	size("pps_ktime", unsafe.Sizeof(kt))
	at("pps_ktime.sec", unsafe.Offsetof(kt.Sec))
	at("pps_ktime.nsec", unsafe.Offsetof(kt.Nsec))
	at("pps_ktime.flags", unsafe.Offsetof(kt.Flags))
	var ki unix.PPSKInfo
	size("pps_kinfo", unsafe.Sizeof(ki))
	at("pps_kinfo.assert_sequence", unsafe.Offsetof(ki.Assert_sequence))
	at("pps_kinfo.clear_sequence", unsafe.Offsetof(ki.Clear_sequence))
	at("pps_kinfo.assert_tu", unsafe.Offsetof(ki.Assert_tu))
	at("pps_kinfo.clear_tu", unsafe.Offsetof(ki.Clear_tu))
	at("pps_kinfo.current_mode", unsafe.Offsetof(ki.Current_mode))
	var kp unix.PPSKParams
	size("pps_kparams", unsafe.Sizeof(kp))
	at("pps_kparams.api_version", unsafe.Offsetof(kp.Api_version))
	at("pps_kparams.mode", unsafe.Offsetof(kp.Mode))
	at("pps_kparams.assert_off_tu", unsafe.Offsetof(kp.Assert_off_tu))
	at("pps_kparams.clear_off_tu", unsafe.Offsetof(kp.Clear_off_tu))
	var fd unix.PPSFData
	size("pps_fdata", unsafe.Sizeof(fd))
	at("pps_fdata.info", unsafe.Offsetof(fd.Info))
	at("pps_fdata.timeout", unsafe.Offsetof(fd.Timeout))

	networkLayout(size, at, constant)
	for name, v := range map[string]uint32{
		"PTP_PF_PEROUT":     unix.PTP_PF_PEROUT,
		"PTP_CLOCK_GETCAPS": unix.PTP_CLOCK_GETCAPS, "PTP_EXTTS_REQUEST": unix.PTP_EXTTS_REQUEST, "PTP_EXTTS_REQUEST2": unix.PTP_EXTTS_REQUEST2,
		"PTP_PIN_GETFUNC": unix.PTP_PIN_GETFUNC, "PTP_PIN_GETFUNC2": unix.PTP_PIN_GETFUNC2,
		"PTP_PIN_SETFUNC": unix.PTP_PIN_SETFUNC, "PTP_PIN_SETFUNC2": unix.PTP_PIN_SETFUNC2,
		"PTP_SYS_OFFSET": unix.PTP_SYS_OFFSET, "PTP_SYS_OFFSET_EXTENDED": unix.PTP_SYS_OFFSET_EXTENDED, "PTP_SYS_OFFSET_PRECISE": unix.PTP_SYS_OFFSET_PRECISE,
		"PTP_ENABLE_FEATURE": unix.PTP_ENABLE_FEATURE, "PTP_RISING_EDGE": unix.PTP_RISING_EDGE,
		"PTP_PF_NONE": unix.PTP_PF_NONE, "PTP_PF_EXTTS": unix.PTP_PF_EXTTS,
		"PPS_GETPARAMS": unix.PPS_GETPARAMS, "PPS_SETPARAMS": unix.PPS_SETPARAMS, "PPS_FETCH": unix.PPS_FETCH, "PPS_CAPTUREASSERT": ppsCaptureAssert,
		"PPS_CAPTURECLEAR": ppsCaptureClear, "PPS_GETCAP": unix.PPS_GETCAP, "PTP_FALLING_EDGE": unix.PTP_FALLING_EDGE,
		"ADJ_FREQUENCY": kernelclock.AdjFrequency, "ADJ_SETOFFSET": kernelclock.AdjSetOffset, "ADJ_NANO": kernelclock.AdjNano,
		"CLOCK_REALTIME": unix.CLOCK_REALTIME, "CLOCK_MONOTONIC_RAW": unix.CLOCK_MONOTONIC_RAW,
	} {
		constant(name, v)
	}
	m["syscall clock_gettime64"] = fmt.Sprint(kernelclock.GettimeCall)
	m["syscall clock_adjtime64"] = fmt.Sprint(kernelclock.AdjtimeCall)
	return m
}

// networkLayout is what goes to the kernel's network devices.
func networkLayout(size, at func(string, uintptr), constant func(string, uint32)) {
	var ts unix.EthtoolTsInfo
	size("ethtool_ts_info", unsafe.Sizeof(ts))
	at("ethtool_ts_info.cmd", unsafe.Offsetof(ts.Cmd))
	at("ethtool_ts_info.so_timestamping", unsafe.Offsetof(ts.So_timestamping))
	at("ethtool_ts_info.phc_index", unsafe.Offsetof(ts.Phc_index))
	at("ethtool_ts_info.tx_types", unsafe.Offsetof(ts.Tx_types))
	at("ethtool_ts_info.rx_filters", unsafe.Offsetof(ts.Rx_filters))
	var drv unix.EthtoolDrvinfo
	size("ethtool_drvinfo", unsafe.Sizeof(drv))
	at("ethtool_drvinfo.driver", unsafe.Offsetof(drv.Driver))
	var hw unix.HwTstampConfig
	size("hwtstamp_config", unsafe.Sizeof(hw))
	at("hwtstamp_config.flags", unsafe.Offsetof(hw.Flags))
	at("hwtstamp_config.tx_type", unsafe.Offsetof(hw.Tx_type))
	at("hwtstamp_config.rx_filter", unsafe.Offsetof(hw.Rx_filter))
	for name, v := range map[string]uint32{
		"SIOCETHTOOL": unix.SIOCETHTOOL, "SIOCGHWTSTAMP": unix.SIOCGHWTSTAMP, "SIOCSHWTSTAMP": unix.SIOCSHWTSTAMP,
		"SIOCGIFINDEX": unix.SIOCGIFINDEX, "SIOCGIFNAME": unix.SIOCGIFNAME, "SIOCGIFFLAGS": unix.SIOCGIFFLAGS,
		"ETHTOOL_GET_TS_INFO": unix.ETHTOOL_GET_TS_INFO, "ETHTOOL_GDRVINFO": unix.ETHTOOL_GDRVINFO, "RTMGRP_LINK": unix.RTMGRP_LINK,
		"HWTSTAMP_TX_OFF": uint32(TxOff), "HWTSTAMP_TX_ON": uint32(TxStamp), "HWTSTAMP_TX_ONESTEP_SYNC": uint32(TxOneStepSync), "HWTSTAMP_TX_ONESTEP_P2P": uint32(TxOneStepP2P),
		"HWTSTAMP_FILTER_NONE": uint32(RxNone), "HWTSTAMP_FILTER_ALL": uint32(RxAll), "HWTSTAMP_FILTER_PTP_V2_L4_EVENT": uint32(RxPTPv2L4Event),
		"HWTSTAMP_FILTER_PTP_V2_L2_EVENT": uint32(RxPTPv2L2Event), "HWTSTAMP_FILTER_PTP_V2_EVENT": uint32(RxPTPv2Event), "HWTSTAMP_FILTER_NTP_ALL": rxFilterCount - 1,
		"SOF_TIMESTAMPING_TX_HARDWARE": unix.SOF_TIMESTAMPING_TX_HARDWARE, "SOF_TIMESTAMPING_TX_SOFTWARE": unix.SOF_TIMESTAMPING_TX_SOFTWARE,
		"SOF_TIMESTAMPING_RX_HARDWARE": unix.SOF_TIMESTAMPING_RX_HARDWARE, "SOF_TIMESTAMPING_RX_SOFTWARE": unix.SOF_TIMESTAMPING_RX_SOFTWARE,
		"SOF_TIMESTAMPING_SOFTWARE": unix.SOF_TIMESTAMPING_SOFTWARE, "SOF_TIMESTAMPING_RAW_HARDWARE": unix.SOF_TIMESTAMPING_RAW_HARDWARE,
	} {
		constant(name, v)
	}
}

func TestAClockIDIsMadeFromTheFileAsTheKernelDoes(t *testing.T) {
	// (~fd << 3) | 3, as in the kernel's posix-timers.h.
	for fd, want := range map[int]int32{0: -5, 3: -29, 1000: -8005} {
		if got := clockID(fd); got != want {
			t.Errorf("clockID(%d) = %d, want %d", fd, got, want)
		}
	}
}
