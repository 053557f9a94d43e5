/* What the C compiler makes of the kernel's structures and numbers that board/
 * uses, one a line: board's test compares Go's own with it. See make.sh. */
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <linux/pps.h>
#include <linux/ptp_clock.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/timex.h>

#define SIZE(s) printf("sizeof %s %zu\n", #s, sizeof(struct s))
#define AT(s, f) printf("offsetof %s.%s %zu\n", #s, #f, offsetof(struct s, f))
#define CONST(c) printf("const %s 0x%lx\n", #c, (unsigned long)(c) & 0xffffffff)
#define CALL(c, n) printf("syscall %s %ld\n", c, (long)(n))

int main(void)
{
	SIZE(__kernel_timespec);
	AT(__kernel_timespec, tv_sec); AT(__kernel_timespec, tv_nsec);

	SIZE(__kernel_timex);
	AT(__kernel_timex, modes); AT(__kernel_timex, offset); AT(__kernel_timex, freq); AT(__kernel_timex, maxerror);
	AT(__kernel_timex, esterror); AT(__kernel_timex, status); AT(__kernel_timex, constant); AT(__kernel_timex, precision);
	AT(__kernel_timex, tolerance); AT(__kernel_timex, time.tv_sec); AT(__kernel_timex, time.tv_usec); AT(__kernel_timex, tick);
	AT(__kernel_timex, ppsfreq); AT(__kernel_timex, jitter); AT(__kernel_timex, shift); AT(__kernel_timex, stabil);
	AT(__kernel_timex, jitcnt); AT(__kernel_timex, calcnt); AT(__kernel_timex, errcnt); AT(__kernel_timex, stbcnt);
	AT(__kernel_timex, tai);

	SIZE(ptp_clock_caps);
	AT(ptp_clock_caps, max_adj); AT(ptp_clock_caps, n_ext_ts); AT(ptp_clock_caps, n_per_out); AT(ptp_clock_caps, pps);
	AT(ptp_clock_caps, n_pins); AT(ptp_clock_caps, cross_timestamping);

	SIZE(ptp_clock_time);
	AT(ptp_clock_time, sec); AT(ptp_clock_time, nsec);

	SIZE(ptp_extts_event);
	AT(ptp_extts_event, t); AT(ptp_extts_event, index); AT(ptp_extts_event, flags);

	SIZE(ptp_extts_request);
	AT(ptp_extts_request, index); AT(ptp_extts_request, flags);

	SIZE(ptp_pin_desc);
	AT(ptp_pin_desc, name); AT(ptp_pin_desc, index); AT(ptp_pin_desc, func); AT(ptp_pin_desc, chan);

	SIZE(ptp_sys_offset);
	AT(ptp_sys_offset, n_samples); AT(ptp_sys_offset, ts);

	/* newer kernels have clockid in the place of rsv[0] */
	SIZE(ptp_sys_offset_extended);
	AT(ptp_sys_offset_extended, n_samples); AT(ptp_sys_offset_extended, ts);
	printf("offsetof ptp_sys_offset_extended.clockid %zu\n", offsetof(struct ptp_sys_offset_extended, n_samples) + sizeof(unsigned int));

	SIZE(ptp_sys_offset_precise);
	AT(ptp_sys_offset_precise, device); AT(ptp_sys_offset_precise, sys_realtime); AT(ptp_sys_offset_precise, sys_monoraw);

	SIZE(pps_ktime);
	AT(pps_ktime, sec); AT(pps_ktime, nsec); AT(pps_ktime, flags);
	SIZE(pps_kinfo);
	AT(pps_kinfo, assert_sequence); AT(pps_kinfo, clear_sequence); AT(pps_kinfo, assert_tu); AT(pps_kinfo, clear_tu); AT(pps_kinfo, current_mode);
	SIZE(pps_kparams);
	AT(pps_kparams, api_version); AT(pps_kparams, mode); AT(pps_kparams, assert_off_tu); AT(pps_kparams, clear_off_tu);
	SIZE(pps_fdata);
	AT(pps_fdata, info); AT(pps_fdata, timeout);

	SIZE(ethtool_ts_info);
	AT(ethtool_ts_info, cmd); AT(ethtool_ts_info, so_timestamping); AT(ethtool_ts_info, phc_index);
	AT(ethtool_ts_info, tx_types); AT(ethtool_ts_info, rx_filters);
	SIZE(ethtool_drvinfo);
	AT(ethtool_drvinfo, driver);
	SIZE(hwtstamp_config);
	AT(hwtstamp_config, flags); AT(hwtstamp_config, tx_type); AT(hwtstamp_config, rx_filter);
	CONST(SIOCETHTOOL); CONST(SIOCGHWTSTAMP); CONST(SIOCSHWTSTAMP); CONST(SIOCGIFINDEX); CONST(SIOCGIFNAME); CONST(SIOCGIFFLAGS);
	CONST(ETHTOOL_GET_TS_INFO); CONST(ETHTOOL_GDRVINFO); CONST(RTMGRP_LINK);
	CONST(HWTSTAMP_TX_OFF); CONST(HWTSTAMP_TX_ON); CONST(HWTSTAMP_TX_ONESTEP_SYNC); CONST(HWTSTAMP_TX_ONESTEP_P2P);
	CONST(HWTSTAMP_FILTER_NONE); CONST(HWTSTAMP_FILTER_ALL); CONST(HWTSTAMP_FILTER_PTP_V2_L4_EVENT);
	CONST(HWTSTAMP_FILTER_PTP_V2_L2_EVENT); CONST(HWTSTAMP_FILTER_PTP_V2_EVENT); CONST(HWTSTAMP_FILTER_NTP_ALL);
	CONST(SOF_TIMESTAMPING_TX_HARDWARE); CONST(SOF_TIMESTAMPING_TX_SOFTWARE); CONST(SOF_TIMESTAMPING_RX_HARDWARE);
	CONST(SOF_TIMESTAMPING_RX_SOFTWARE); CONST(SOF_TIMESTAMPING_SOFTWARE); CONST(SOF_TIMESTAMPING_RAW_HARDWARE);

	CONST(PTP_PF_PEROUT);
	CONST(PTP_CLOCK_GETCAPS); CONST(PTP_EXTTS_REQUEST); CONST(PTP_EXTTS_REQUEST2);
	CONST(PTP_PIN_GETFUNC); CONST(PTP_PIN_GETFUNC2); CONST(PTP_PIN_SETFUNC); CONST(PTP_PIN_SETFUNC2);
	CONST(PTP_SYS_OFFSET); CONST(PTP_SYS_OFFSET_EXTENDED); CONST(PTP_SYS_OFFSET_PRECISE);
	CONST(PTP_ENABLE_FEATURE); CONST(PTP_RISING_EDGE); CONST(PTP_PF_NONE); CONST(PTP_PF_EXTTS);
	CONST(PPS_GETPARAMS); CONST(PPS_SETPARAMS); CONST(PPS_FETCH); CONST(PPS_CAPTUREASSERT); CONST(PPS_CAPTURECLEAR); CONST(PPS_GETCAP);
	CONST(PTP_FALLING_EDGE);
	CONST(ADJ_FREQUENCY); CONST(ADJ_SETOFFSET); CONST(ADJ_NANO);
	CONST(CLOCK_REALTIME); CONST(CLOCK_MONOTONIC_RAW);

#ifdef __NR_clock_gettime64
	CALL("clock_gettime64", __NR_clock_gettime64);
	CALL("clock_adjtime64", __NR_clock_adjtime64);
#else /* 64-bit architectures: 64-bit time has no number of its own */
	CALL("clock_gettime64", __NR_clock_gettime);
	CALL("clock_adjtime64", __NR_clock_adjtime);
#endif
	return 0;
}
