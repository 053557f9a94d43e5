// SPDX-License-Identifier: GPL-2.0
/*
 * gmcheck - what a test needs of a PTP clock, a network port and a receiver, by
 * the kernel's own interfaces; static, for the guest.  On 32 bit it is built
 * with a 64-bit time_t, so that it lives beyond 2038.
 *
 *	caps DEV			PTP_CLOCK_GETCAPS, pins, and a request that must be refused
 *	extts DEV CHANNEL N v1|v2	N edges, by the first or second version of the ioctls
 *	adj DEV PPM | settime DEV SEC	steer and set the clock; DEV "system" sets CLOCK_REALTIME
 *	sysoff DEV			PTP_SYS_OFFSET_EXTENDED
 *	pin DEV PIN FUNC CHANNEL	give a pin its function
 *	perout DEV PERIOD_NS		PPS OUT on
 *	hwts IF TX RX			SIOCSHWTSTAMP
 *	send IF DST N | recv IF N	Sync messages with their hardware stamps
 *	nmea .../sky_ns N		a receiver: RMC sentences, 100 ms after each second of sky time;
 *					status V while the knob "antenna" beside sky_ns is 0
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/ptp_clock.h>
#include <linux/sockios.h>
#define CLK(fd) ((~(clockid_t)(fd) << 3) | 3)
#define RC(x) do { int r_ = (x); printf(#x " -> %s\n", r_ < 0 ? strerror(errno) : "ok"); } while (0)
static int op(const char *d) { int f = open(d, O_RDWR); if (f < 0) { perror(d); exit(1); } return f; }

static int extts(int fd, int ch, int n, int v)
{
	struct ptp_extts_request e = { .index = ch, .flags = PTP_ENABLE_FEATURE | PTP_RISING_EDGE };
	struct ptp_clock_caps k;
	long long last = 0;

	ioctl(fd, PTP_CLOCK_GETCAPS, &k);
	if (k.n_pins) {
		struct ptp_pin_desc p = { .index = ch, .func = PTP_PF_EXTTS, .chan = ch };
		if (ioctl(fd, v == 1 ? PTP_PIN_SETFUNC : PTP_PIN_SETFUNC2, &p)) perror("SETFUNC");
	}
	if (ioctl(fd, v == 1 ? PTP_EXTTS_REQUEST : PTP_EXTTS_REQUEST2, &e)) { perror("EXTTS_REQUEST"); return 1; }
	while (n-- > 0) {
		struct pollfd pf = { fd, POLLIN, 0 };
		struct ptp_extts_event ev;
		struct timespec mono;

		if (poll(&pf, 1, 2500) <= 0) { printf("extts v%d ch%d: NO EVENT in 2.5 s\n", v, ch); continue; }
		if (read(fd, &ev, sizeof ev) != sizeof ev) { perror("read"); break; }
		clock_gettime(CLOCK_MONOTONIC_RAW, &mono);
		long long t = ev.t.sec * 1000000000LL + ev.t.nsec;
		printf("extts v%d ch%d %lld.%09u  step-1s %+lld ns  (read at raw %lld.%06ld)\n", v, ev.index, (long long)ev.t.sec, ev.t.nsec,
		       last ? t - last - 1000000000LL : 0, (long long)mono.tv_sec, mono.tv_nsec / 1000);
		last = t;
	}
	e.flags = 0;
	ioctl(fd, PTP_EXTTS_REQUEST, &e);
	return 0;
}

static void show(struct msghdr *m, const unsigned char *b, int n, const char *lab)
{
	printf("%s len %d", lab, n);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
			struct timespec *t = (void *)CMSG_DATA(c);
			printf(" sw %lld.%09ld hw %lld.%09ld", (long long)t[0].tv_sec, t[0].tv_nsec, (long long)t[2].tv_sec, t[2].tv_nsec);
		}
	if (b && n >= 44)
		printf(" seq %u origin %lld.%09u", b[30] << 8 | b[31], ((long long)b[34] << 40 | (long long)b[35] << 32 | (unsigned)(b[36] << 24 | b[37] << 16 | b[38] << 8 | b[39])),
		       (unsigned)(b[40] << 24 | b[41] << 16 | b[42] << 8 | b[43]));
	printf("\n");
}

static int sock(const char *ifn)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	int f = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(319) };
	struct ip_mreqn mr = { .imr_ifindex = if_nametoindex(ifn) };

	inet_pton(AF_INET, "224.0.1.129", &mr.imr_multiaddr);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, ifn, strlen(ifn) + 1);
	if (setsockopt(s, SOL_SOCKET, SO_TIMESTAMPING, &f, sizeof f)) perror("SO_TIMESTAMPING");
	if (bind(s, (void *)&a, sizeof a)) perror("bind");
	setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof mr);
	setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &mr, sizeof mr);
	return s;
}

static int take(int s, int flags, const char *lab, int ms)
{
	unsigned char b[512], ctl[512];
	struct iovec io = { b, sizeof b };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
	struct pollfd pf = { s, flags ? POLLPRI : POLLIN, 0 };
	int n;

	if (poll(&pf, 1, ms) <= 0 || (n = recvmsg(s, &m, flags | MSG_DONTWAIT)) < 0) { printf("%s none in %d ms\n", lab, ms); return -1; }
	show(&m, flags ? NULL : b, n, lab);
	return 0;
}

static long long number(const char *path)
{
	char b[40];
	int fd = open(path, O_RDONLY), n;

	n = fd < 0 ? -1 : (int)read(fd, b, sizeof(b) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	b[n] = 0;
	return atoll(b);
}

static int nmea(const char *sky_ns, int times)
{
	char antenna[256], body[100], clock[32], day[32];
	const char *slash = strrchr(sky_ns, '/');

	snprintf(antenna, sizeof(antenna), "%.*s/antenna", (int)(slash ? slash - sky_ns : 1), slash ? sky_ns : ".");
	while (times-- > 0) {
		long long sky = number(sky_ns);
		int n, sum = 0;
		struct tm g;
		time_t s;

		if (sky < 0)
			return 1;
		usleep((1100000000LL - sky % 1000000000) % 1000000000 / 1000 + 1000);
		sky = number(sky_ns);
		if (sky < 0)
			return 1;
		s = sky / 1000000000;
		gmtime_r(&s, &g);
		strftime(clock, sizeof(clock), "%H%M%S.00", &g);
		strftime(day, sizeof(day), "%d%m%y", &g);
		n = snprintf(body, sizeof(body), "GPRMC,%s,%c,5230.0000,N,01324.0000,E,0.0,0.0,%s,,,%c", clock,
			     number(antenna) ? 'A' : 'V', day, number(antenna) ? 'A' : 'N');
		while (n--)
			sum ^= body[n];
		printf("$%s*%02X\r\n", body, sum);
		fflush(stdout);
	}
	return 0;
}

int main(int c, char **v)
{
	const char *k = c > 2 ? v[1] : "", *d = c > 2 ? v[2] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(k, "extts")) return extts(op(d), atoi(v[3]), atoi(v[4]), v[5][1] - '0');
	if (!strcmp(k, "caps")) {
		struct ptp_clock_caps q = { 0 };
		int fd = op(d);
		ioctl(fd, PTP_CLOCK_GETCAPS, &q);
		printf("caps max_adj %d n_ext_ts %d n_per_out %d n_pins %d pps %d cross %d adjphase %d\n", q.max_adj, q.n_ext_ts, q.n_per_out, q.n_pins, q.pps, q.cross_timestamping, q.adjust_phase);
		for (int i = 0; i < q.n_pins; i++) { struct ptp_pin_desc p = { .index = i }; ioctl(fd, PTP_PIN_GETFUNC, &p); printf("pin %d %s func %u chan %u\n", i, p.name, p.func, p.chan); }
		struct ptp_extts_request e = { .index = 0, .flags = PTP_ENABLE_FEATURE | PTP_EXTTS_EDGES };
		RC(ioctl(fd, PTP_EXTTS_REQUEST2, &e));
	} else if (!strcmp(k, "adj")) {
		struct timex t = { .modes = ADJ_FREQUENCY, .freq = (long)(atof(v[3]) * 65536) };
		RC(clock_adjtime(CLK(op(d)), &t));
	} else if (!strcmp(k, "settime")) {
		struct timespec t = { atoll(v[3]), 0 };
		RC(clock_settime(strcmp(d, "system") ? CLK(op(d)) : CLOCK_REALTIME, &t));
	} else if (!strcmp(k, "pin")) {
		struct ptp_pin_desc p = { .index = atoi(v[3]), .func = atoi(v[4]), .chan = atoi(v[5]) };
		RC(ioctl(op(d), PTP_PIN_SETFUNC, &p));
	} else if (!strcmp(k, "perout")) {
		long long per = atoll(v[3]);
		struct timespec t;
		int fd = op(d);
		clock_gettime(CLK(fd), &t);
		struct ptp_perout_request q = { .start = { .sec = t.tv_sec + 2 }, .period = { .sec = per / 1000000000, .nsec = per % 1000000000 } };
		RC(ioctl(fd, PTP_PEROUT_REQUEST, &q));
	} else if (!strcmp(k, "sysoff")) {
		struct ptp_sys_offset_extended se = { .n_samples = 6 };
		RC(ioctl(op(d), PTP_SYS_OFFSET_EXTENDED, &se));
		for (int i = 0; i < 6; i++)
			printf("  window %lld ns, phc-sys %lld ns\n", (long long)(se.ts[i][2].sec - se.ts[i][0].sec) * 1000000000LL + se.ts[i][2].nsec - se.ts[i][0].nsec,
			       (long long)(se.ts[i][1].sec - se.ts[i][0].sec) * 1000000000LL + se.ts[i][1].nsec - se.ts[i][0].nsec);
	} else if (!strcmp(k, "hwts")) {
		struct hwtstamp_config h = { .tx_type = atoi(v[3]), .rx_filter = atoi(v[4]) };
		struct ifreq r = { .ifr_data = (void *)&h };
		strcpy(r.ifr_name, d);
		int s = socket(AF_INET, SOCK_DGRAM, 0);
		RC(ioctl(s, SIOCSHWTSTAMP, &r));
		ioctl(s, SIOCGHWTSTAMP, &r);
		printf("  now tx_type %d rx_filter %d\n", h.tx_type, h.rx_filter);
	} else if (!strcmp(k, "send")) {
		int s = sock(d);
		unsigned char p[44] = { 0, 2, 0, 44 };
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(319) };
		inet_pton(AF_INET, v[3], &a.sin_addr);
		for (int i = 0; i < atoi(v[4]); i++) {
			p[31] = i;
			if (sendto(s, p, 44, 0, (void *)&a, sizeof a) < 0) perror("sendto");
			while (!take(s, MSG_ERRQUEUE, "TX", 150)) ;
		}
	} else if (!strcmp(k, "nmea")) {
		return nmea(d, atoi(v[3]));
	} else if (!strcmp(k, "recv")) {
		int s = sock(d);
		for (int i = 0; i < atoi(v[3]); i++) if (take(s, 0, "RX", 3000)) break;
	} else { fprintf(stderr, "gmcheck: see the top of gmcheck.c for its commands\n"); return 1; }
	return 0;
}
