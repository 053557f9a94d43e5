// SPDX-License-Identifier: GPL-2.0
/*
 * gmtest - two PTP hardware clocks, a GPS pulse and a looped pair of network
 * ports, all of software, for testing a PTP grandmaster in a virtual machine.
 *
 * "True" time is CLOCK_MONOTONIC_RAW.  Sky time (what GPS tells) is raw plus a
 * constant.  Each PHC is raw times (1 + oscillator error) times (1 + adjfine).
 * Every time stamp is *calculated* for the exact raw instant of the event, so
 * the scheduling latency of the virtual machine never shows in a stamp.
 *
 * Controls and read-outs: /sys/devices/platform/gmtest.{0,1}/
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/hrtimer.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/net_tstamp.h>
#include <linux/platform_device.h>
#include <linux/pps_kernel.h>
#include <linux/prandom.h>
#include <linux/ptp_classify.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/sort.h>
#include <linux/timekeeping.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/checksum.h>

static int base_ppb[2] = { 4600, -2300 };
module_param_array(base_ppb, int, NULL, 0444);
MODULE_PARM_DESC(base_ppb, "oscillator error of clock 0,1 in ppb");
static int clocks = 2;
module_param(clocks, int, 0444);
MODULE_PARM_DESC(clocks, "2: a PHC per port; 1: both ports share PHC 0");
static bool onestep = true, unicast_stamps = true, rx_all = true, pins = true, pps = true;
module_param(onestep, bool, 0444);
MODULE_PARM_DESC(onestep, "0: HWTSTAMP_TX_ONESTEP_SYNC is refused with -ERANGE");
module_param(unicast_stamps, bool, 0444);
MODULE_PARM_DESC(unicast_stamps, "0: stamp only 224.0.1.129-132 and L2 (like AM335x CPTS)");
module_param(rx_all, bool, 0444);
MODULE_PARM_DESC(rx_all, "0: HWTSTAMP_FILTER_ALL is refused");
module_param(pins, bool, 0444);
MODULE_PARM_DESC(pins, "1: two programmable pins; 0: fixed wiring, n_pins = 0");
module_param(pps, bool, 0444);
MODULE_PARM_DESC(pps, "register /dev/ppsN with the pulse of unit 0");
static int max_adj = 32000000;
module_param(max_adj, int, 0444);
static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of all noise; the same seed gives the same sequence");

#define SEC NSEC_PER_SEC
#define N_SAID 1024	/* Syncs behind sync_error_ns */
#define N_TWO 64	/* two-step Syncs that wait for their Follow_Up */
enum { CH_GPS, CH_PEER, N_EXTTS };	/* EXTTS 0: GPS pulse, 1: the other clock's PPS OUT */

struct unit {
	int id;
	spinlock_t lock;		/* clock model, noise, timers' state */
	struct platform_device *pdev;
	/* PHC: at raw instant `raw` it shows ns + frac/2^16, rate 1 + q/2^48 */
	struct ptp_clock_info info;
	struct ptp_clock *ptp;
	struct ptp_pin_desc pin[2];
	s64 raw, ns, frac, q, q_adj, walk_ppt;	/* q_adj: as asked for; taken() as the hardware does it */
	struct rnd_state rnd;
	/* GPS pulse */
	struct hrtimer gps;
	s64 due, edge, saw_now;		/* raw instant of next second / moved pulse; last sawtooth */
	u32 saw_pos;
	bool pending, extts_on[N_EXTTS];
	/* PPS OUT */
	struct hrtimer po;
	s64 po_next, po_period, po_sky;	/* PHC time of next edge; sky time of the last one */
	u32 po_count;
	/* port */
	struct net_device *dev;
	struct unit *clk;		/* the unit whose PHC stamps this port */
	int tx_type, rx_filter;
	u32 n_tx_stamp, n_frame;
	struct sk_buff_head late;	/* TX stamps being delayed */
	struct delayed_work late_work;
	/* what Syncs said of the time at which they were on the wire */
	int said[N_SAID];
	u32 n_said, n_two;
	struct { u32 seq; s64 ns; } two[N_TWO];	/* true time of a two-step Sync, its correction taken off */
	/* knobs (sysfs) */
	int base_ppb, wander_ppt, freeze, quantum_ppt, reset_on_up;
	int antenna, noise_ns, saw_ns, saw_step, glitch_ns, repeat;
	int cable, wire_ns, pdv_ns, tx_latency_ns, tx_jitter_ns, rx_latency_ns, rx_jitter_ns;
	int drop_tx_stamp_every, dup_tx_stamp_every, delay_tx_stamp_ms, delay_tx_stamp_every;
	int off_tx_stamp_every;		/* stamps that are 1 s off, as some drivers' are */
	int drop_frame_every, dup_frame_every, onestep, unicast_stamps, rx_all;
};

static struct unit *U[2];
static struct pps_device *pps_dev;
static s64 sky_off;			/* sky = raw + sky_off */

/* ---------------------------------------------------------------- model -- */

static s64 smul_shr(s64 a, s64 b, unsigned int shift)
{
	u64 r = mul_u64_u64_shr(abs(a), abs(b), shift);

	return (a < 0) == (b < 0) ? r : -r;
}

static s64 ppt_to_q(s64 ppt)		/* 2^48 / 10^12 = 2^36 / 5^12 */
{
	return div_s64(ppt << 28, 244140625) * 256;
}

/* What the PHC shows at a raw instant (also a little before the last anchor). */
static s64 phc_at(struct unit *u, s64 raw, s64 *frac)
{
	s64 dt = u->freeze ? 0 : raw - u->raw;
	s64 d = smul_shr(dt, u->q, 32) + u->frac;

	if (frac)
		*frac = d & 0xffff;
	return u->ns + dt + (d >> 16);
}

static void anchor(struct unit *u, s64 raw)
{
	s64 frac, ns = phc_at(u, raw, &frac);

	u->raw = raw;
	u->ns = ns;
	u->frac = frac;
}

/* The correction in whole quanta of the hardware (towards zero), if it has any. */
static s64 taken(struct unit *u)
{
	s64 quantum = ppt_to_q(u->quantum_ppt);

	return quantum ? div64_s64(u->q_adj, quantum) * quantum : u->q_adj;
}

static void set_rate(struct unit *u)
{
	s64 q_osc = ppt_to_q(u->base_ppb * 1000LL + u->walk_ppt), q_adj = taken(u);

	u->q = q_osc + q_adj + smul_shr(q_osc, q_adj, 48);
}

static s64 gauss(struct unit *u, int rms)
{
	s64 s = -393210;		/* 12 * 65535 / 2; the sum's sigma is 65536 */
	int i;

	if (!rms)
		return 0;
	for (i = 0; i < 12; i++)
		s += prandom_u32_state(&u->rnd) & 0xffff;
	return (s * rms) >> 16;
}

static void start_in(struct hrtimer *t, s64 ns)
{
	hrtimer_start(t, ktime_add_ns(ktime_get(), max_t(s64, ns, 1000)), HRTIMER_MODE_ABS);
}

static void kick(struct unit *u)	/* after a step: let the timers look again */
{
	if (u->po_period)
		start_in(&u->po, 0);
}

/* Deliver what the PHC shows at `raw`; u->lock held, so that u->ptp stays. */
static void extts(struct unit *u, int ch, s64 raw, int times)
{
	struct ptp_clock_event ev = { .type = PTP_CLOCK_EXTTS, .index = ch };

	ev.timestamp = phc_at(u, raw, NULL);
	while (u->ptp && u->extts_on[ch] && times-- > 0)
		ptp_clock_event(u->ptp, &ev);
}

/* ------------------------------------------------------------ GPS pulse -- */

static s64 next_second(s64 raw)
{
	s32 rem;

	div_s64_rem(raw + sky_off, SEC, &rem);
	return raw + SEC - rem;
}

static enum hrtimer_restart gps_fire(struct hrtimer *t)
{
	struct unit *u = container_of(t, struct unit, gps);
	s64 now, off, edge;
	unsigned long flags;
	bool live = false;

	spin_lock_irqsave(&u->lock, flags);
	now = ktime_get_raw_ns();
	if (now < u->due)
		goto out;
	if (!u->pending) {		/* the true second: where is the pulse? */
		u->walk_ppt += gauss(u, u->wander_ppt);
		anchor(u, now);
		set_rate(u);
		u->saw_pos = (u->saw_pos + u->saw_step) % 1000;
		u->saw_now = div_s64((2LL * u->saw_pos - 1000) * u->saw_ns, 1000);
		off = gauss(u, u->noise_ns) + u->saw_now + xchg(&u->glitch_ns, 0);
		u->edge = u->due + off;
		if (u->edge > now) {
			u->pending = true;
			u->due = u->edge;
			goto out;
		}
	}
	u->pending = false;
	u->due = next_second(now);
	live = u->antenna;
	edge = u->edge;
	if (live)
		extts(u, CH_GPS, edge, u->repeat);
out:
	start_in(&u->gps, u->due - now);
	spin_unlock_irqrestore(&u->lock, flags);
	if (live && pps_dev && !u->id) {
		struct system_time_snapshot both;	/* at one instant */
		struct pps_event_time ts;

		pps_get_ts(&ts);
		ktime_get_snapshot(&both);
		ts.ts_real = ns_to_timespec64(ktime_to_ns(both.real) - (ktime_to_ns(both.raw) - edge));
		pps_event(pps_dev, &ts, PPS_CAPTUREASSERT, NULL);
	}
	return HRTIMER_NORESTART;
}

/* -------------------------------------------------------------- PPS OUT -- */

static enum hrtimer_restart po_fire(struct hrtimer *t)
{
	struct unit *u = container_of(t, struct unit, po), *o = U[!u->id];
	s64 raw, phc, late;
	unsigned long flags;
	bool edge = false;

	spin_lock_irqsave(&u->lock, flags);
	if (!u->po_period)
		goto out;
	raw = ktime_get_raw_ns();
	phc = phc_at(u, raw, NULL);
	late = phc - u->po_next;
	if (late >= 0) {
		edge = late < u->po_period;	/* else: stepped over, no edge */
		raw -= late - smul_shr(late, u->q, 48);
		u->po_next += (div64_s64(late, u->po_period) + 1) * u->po_period;
	} else if (-late > 2 * u->po_period) {	/* stepped back: begin again */
		u->po_next -= (div64_s64(-late, u->po_period) - 1) * u->po_period;
	}
	if (edge) {
		u->po_sky = raw + sky_off;
		u->po_count++;
	}
	start_in(&u->po, min(u->po_next - phc, u->po_period));
out:
	spin_unlock_irqrestore(&u->lock, flags);
	if (edge && o) {
		spin_lock_irqsave(&o->lock, flags);
		extts(o, CH_PEER, raw, 1);
		spin_unlock_irqrestore(&o->lock, flags);
	}
	return HRTIMER_NORESTART;
}

/* ------------------------------------------------------------------ PHC -- */

#define to_unit(i) container_of(i, struct unit, info)

static int gm_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	struct unit *u = to_unit(info);
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	anchor(u, ktime_get_raw_ns());
	u->q_adj = div_s64((s64)scaled_ppm << 26, 15625);	/* 2^32 / 10^6 */
	set_rate(u);
	spin_unlock_irqrestore(&u->lock, flags);
	return 0;
}

static int gm_adjtime(struct ptp_clock_info *info, s64 delta)
{
	struct unit *u = to_unit(info);
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	u->ns += delta;
	spin_unlock_irqrestore(&u->lock, flags);
	kick(u);
	return 0;
}

static int gm_gettimex64(struct ptp_clock_info *info, struct timespec64 *ts,
			 struct ptp_system_timestamp *sts)
{
	struct unit *u = to_unit(info);
	unsigned long flags;
	s64 raw;

	spin_lock_irqsave(&u->lock, flags);
	ptp_read_system_prets(sts);
	raw = ktime_get_raw_ns();
	ptp_read_system_postts(sts);
	*ts = ns_to_timespec64(phc_at(u, raw, NULL));
	spin_unlock_irqrestore(&u->lock, flags);
	return 0;
}

static int gm_settime64(struct ptp_clock_info *info, const struct timespec64 *ts)
{
	struct unit *u = to_unit(info);
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	u->raw = ktime_get_raw_ns();
	u->ns = timespec64_to_ns(ts);
	u->frac = 0;
	spin_unlock_irqrestore(&u->lock, flags);
	kick(u);
	return 0;
}

static int gm_perout(struct unit *u, struct ptp_perout_request *r, int on)
{
	s64 start = r->start.sec * SEC + r->start.nsec, now;
	s64 period = r->period.sec * SEC + r->period.nsec;
	unsigned long flags;

	if (on && (r->flags || period < NSEC_PER_MSEC))
		return -EOPNOTSUPP;
	spin_lock_irqsave(&u->lock, flags);
	u->po_period = on ? period : 0;
	if (on) {
		now = phc_at(u, ktime_get_raw_ns(), NULL);
		if (start <= now)
			start += (div64_s64(now - start, period) + 1) * period;
		u->po_next = start;
	}
	spin_unlock_irqrestore(&u->lock, flags);
	kick(u);
	return 0;
}

static int gm_enable(struct ptp_clock_info *info, struct ptp_clock_request *rq, int on)
{
	struct unit *u = to_unit(info);
	u32 f = rq->extts.flags;

	switch (rq->type) {
	case PTP_CLK_REQ_EXTTS:
		if (f & ~(PTP_ENABLE_FEATURE | PTP_EXTTS_EDGES | PTP_STRICT_FLAGS))
			return -EOPNOTSUPP;
		if (on && (f & PTP_STRICT_FLAGS) && (f & PTP_EXTTS_EDGES) != PTP_RISING_EDGE)
			return -EOPNOTSUPP;
		if (on && info->n_pins && ptp_find_pin(u->ptp, PTP_PF_EXTTS, rq->extts.index) < 0)
			return -EBUSY;
		u->extts_on[rq->extts.index] = on;
		return 0;
	case PTP_CLK_REQ_PEROUT:
		if (on && info->n_pins && ptp_find_pin(u->ptp, PTP_PF_PEROUT, rq->perout.index) < 0)
			return -EBUSY;
		return gm_perout(u, &rq->perout, on);
	default:
		return -EOPNOTSUPP;
	}
}

static int gm_verify(struct ptp_clock_info *info, unsigned int pin,
		     enum ptp_pin_function func, unsigned int chan)
{
	if (func == PTP_PF_NONE || func == PTP_PF_EXTTS)
		return 0;
	return func == PTP_PF_PEROUT && pin == 1 ? 0 : -EINVAL;
}

static int phc_register(struct unit *u)
{
	struct ptp_clock_info *i = &u->info;
	int k;

	i->owner = THIS_MODULE;
	snprintf(i->name, sizeof(i->name), "gmtest%d", u->id);
	i->max_adj = max_adj;
	i->n_ext_ts = N_EXTTS;
	i->n_per_out = 1;
	i->n_pins = pins ? 2 : 0;
	i->pin_config = u->pin;
	i->adjfine = gm_adjfine;
	i->adjtime = gm_adjtime;
	i->gettimex64 = gm_gettimex64;
	i->settime64 = gm_settime64;
	i->enable = gm_enable;
	i->verify = gm_verify;
	for (k = 0; k < 2; k++) {
		snprintf(u->pin[k].name, sizeof(u->pin[k].name), "SDP%d", k);
		u->pin[k].index = k;
	}
	u->ptp = ptp_clock_register(i, &u->pdev->dev);
	if (IS_ERR_OR_NULL(u->ptp)) {
		int err = u->ptp ? PTR_ERR(u->ptp) : -EOPNOTSUPP;

		u->ptp = NULL;
		return err;
	}
	return 0;
}

/* ----------------------------------------------------------------- port -- */

struct port { struct unit *u; };
struct late_stamp { ktime_t stamp; unsigned long due; };
#define to_port(d) (((struct port *)netdev_priv(d))->u)
#define LATE(skb) ((struct late_stamp *)(skb)->cb)

static s64 stamp_at(struct unit *u, s64 raw, int jitter)
{
	unsigned long flags;
	s64 ns;

	spin_lock_irqsave(&u->clk->lock, flags);
	ns = phc_at(u->clk, raw + gauss(u->clk, jitter), NULL);
	spin_unlock_irqrestore(&u->clk->lock, flags);
	return ns;
}

/* Does this port's stamping unit see this frame as a PTP frame it handles? */
static bool unit_sees(struct unit *u, struct sk_buff *skb, unsigned int class)
{
	if (u->unicast_stamps || (class & PTP_CLASS_PMASK) == PTP_CLASS_L2)
		return true;
	if ((class & PTP_CLASS_PMASK) != PTP_CLASS_IPV4)
		return false;
	return ntohl(((struct iphdr *)(skb_mac_header(skb) + ETH_HLEN))->daddr) - 0xe0000181 < 4;
}

/* One-step: originTimestamp (behind the 34 byte header), then the checksum. */
static void write_origin(struct sk_buff *skb, unsigned int class, s64 ns)
{
	struct ptp_header *h = ptp_parse_header(skb, class);
	struct udphdr *uh = (struct udphdr *)h - 1;
	u8 *p = (u8 *)(h + 1);
	__wsum before;
	u32 rem;
	u64 sec;

	if (!h || p + 10 > skb_tail_pointer(skb))
		return;
	before = csum_partial(p, 10, 0);
	sec = div_u64_rem(ns, SEC, &rem);
	put_unaligned_be16(sec >> 32, p);
	put_unaligned_be32(sec, p + 2);
	put_unaligned_be32(rem, p + 6);
	if ((class & PTP_CLASS_PMASK) == PTP_CLASS_L2 || !uh->check)
		return;
	csum_replace_by_diff(&uh->check, csum_sub(csum_partial(p, 10, 0), before));
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}

static void late_work(struct work_struct *w)
{
	struct unit *u = container_of(to_delayed_work(w), struct unit, late_work);
	struct skb_shared_hwtstamps h = {};
	struct sk_buff *skb;

	while ((skb = skb_peek(&u->late))) {
		long wait = LATE(skb)->due - jiffies;

		if (wait > 0) {
			schedule_delayed_work(&u->late_work, wait);
			return;
		}
		skb_unlink(skb, &u->late);
		h.hwtstamp = LATE(skb)->stamp;
		skb_tstamp_tx(skb, &h);
		consume_skb(skb);
	}
}

static bool every(int n, u32 count)
{
	return n > 0 && count % n == 0;
}

/* A message to the general port, 320, which the kernel does not take for PTP. */
static struct ptp_header *general(struct sk_buff *skb)
{
	const u32 ip_at = ETH_HLEN, udp_at = ip_at + sizeof(struct iphdr), ptp_at = udp_at + sizeof(struct udphdr);
	u8 *d = skb_mac_header(skb);

	if (skb_headlen(skb) < ptp_at + sizeof(struct ptp_header) + 10 || get_unaligned_be16(d + 12) != ETH_P_IP ||
	    d[ip_at] != 0x45 || d[ip_at + 9] != IPPROTO_UDP || get_unaligned_be16(d + udp_at + 2) != 320)
		return NULL;
	return (struct ptp_header *)(d + ptp_at);
}

/* The oracle of the wire: the true time of departure less what a Sync, or its
 * Follow_Up, says.  Messages of domain 127 are a device test's.
 */
static void judge(struct unit *u, struct ptp_header *h, s64 now, s64 written)
{
	u8 *p = (u8 *)(h + 1);
	s64 said = (((u64)get_unaligned_be16(p) << 32) + get_unaligned_be32(p + 2)) * SEC + get_unaligned_be32(p + 6);
	s64 correction = (s64)get_unaligned_be64((u8 *)h + 8) >> 16;
	u8 type = h->tsmt & 0xf;
	u32 seq = be16_to_cpu(h->sequence_id);
	int i;

	if (h->domain_number == 127 || (type != PTP_MSGTYPE_SYNC && type != 8))
		return;
	if (type == PTP_MSGTYPE_SYNC && (h->flag_field[0] & 2)) {
		i = u->n_two++ % N_TWO;
		u->two[i].seq = seq;
		u->two[i].ns = now - correction;
		return;
	}
	if (type == 8) {
		for (i = 0; i < N_TWO && (u->two[i].seq != seq || !u->two[i].ns); i++)
			;
		if (i == N_TWO)
			return;
		now = u->two[i].ns;
		u->two[i].ns = 0;
	}
	if (written)
		said = written;
	now -= said + correction;
	u->said[u->n_said++ % N_SAID] = clamp(now, -SEC, SEC);
}

static netdev_tx_t gm_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct unit *u = to_port(dev), *o = U[!u->id];
	struct skb_shared_hwtstamps h = {};
	bool event = false, sync = false, onestep_done = false, want;
	s64 raw, rx_raw, tx;
	unsigned long flags;
	struct ptp_header *hdr;
	struct sk_buff *copy;
	unsigned int class;
	int n;

	DEV_STATS_INC(dev, tx_packets);
	DEV_STATS_ADD(dev, tx_bytes, skb->len);
	skb_reset_mac_header(skb);
	class = ptp_classify_raw(skb);
	hdr = class == PTP_CLASS_NONE ? NULL : ptp_parse_header(skb, class);
	if (hdr && (class & PTP_CLASS_V2)) {
		event = ptp_get_msgtype(hdr, class) < 4;
		sync = ptp_get_msgtype(hdr, class) == PTP_MSGTYPE_SYNC;
	}
	want = (skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP) && u->tx_type != HWTSTAMP_TX_OFF &&
	       (u->unicast_stamps || (event && unit_sees(u, skb, class)));

	raw = ktime_get_raw_ns();	/* the instant the frame is on the wire */
	tx = stamp_at(u, raw - u->tx_latency_ns, u->tx_jitter_ns);
	spin_lock_irqsave(&o->lock, flags);
	rx_raw = raw + u->wire_ns + abs(gauss(o, u->pdv_ns));
	spin_unlock_irqrestore(&o->lock, flags);

	if (!hdr)
		hdr = general(skb);
	else if (!(class & PTP_CLASS_V2))
		hdr = NULL;
	if (hdr && u->clk == u) {
		spin_lock_irqsave(&u->lock, flags);
		judge(u, hdr, phc_at(u, raw, NULL),
		      sync && u->tx_type == HWTSTAMP_TX_ONESTEP_SYNC && unit_sees(u, skb, class) ? tx : 0);
		spin_unlock_irqrestore(&u->lock, flags);
	}

	/* A copy, not a clone: the two ends must not share their skb_hwtstamps. */
	u->n_frame++;
	n = every(u->drop_frame_every, u->n_frame) ? 0 : 1 + every(u->dup_frame_every, u->n_frame);
	while (o->dev && n-- > 0 && (copy = skb_copy(skb, GFP_ATOMIC))) {
		if (sync && u->tx_type == HWTSTAMP_TX_ONESTEP_SYNC && unit_sees(u, skb, class)) {
			write_origin(copy, class, tx);
			onestep_done = true;
		}
		if (o->rx_filter == HWTSTAMP_FILTER_ALL ||
		    (o->rx_filter != HWTSTAMP_FILTER_NONE && event && unit_sees(o, skb, class)))
			skb_hwtstamps(copy)->hwtstamp =
				stamp_at(o, rx_raw + o->rx_latency_ns, o->rx_jitter_ns);
		DEV_STATS_INC(o->dev, rx_packets);
		DEV_STATS_ADD(o->dev, rx_bytes, copy->len);
		if (dev_forward_skb(o->dev, copy) != NET_RX_SUCCESS)
			DEV_STATS_INC(o->dev, rx_dropped);
	}

	if (!want || onestep_done) {
		skb_tx_timestamp(skb);
		goto done;
	}
	skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
	skb_tx_timestamp(skb);
	u->n_tx_stamp++;
	if (every(u->drop_tx_stamp_every, u->n_tx_stamp))
		goto done;
	h.hwtstamp = tx;
	if (every(u->off_tx_stamp_every, u->n_tx_stamp))
		h.hwtstamp += SEC;
	if (u->delay_tx_stamp_ms > 0 && every(u->delay_tx_stamp_every, u->n_tx_stamp)) {
		LATE(skb)->stamp = h.hwtstamp;
		LATE(skb)->due = jiffies + msecs_to_jiffies(u->delay_tx_stamp_ms);
		skb_queue_tail(&u->late, skb);
		schedule_delayed_work(&u->late_work, msecs_to_jiffies(u->delay_tx_stamp_ms));
		return NETDEV_TX_OK;
	}
	skb_tstamp_tx(skb, &h);
	if (every(u->dup_tx_stamp_every, u->n_tx_stamp))
		skb_tstamp_tx(skb, &h);
done:
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static void set_carrier(void)		/* under rtnl */
{
	bool on = U[0]->cable && U[1]->cable && (U[0]->dev->flags & U[1]->dev->flags & IFF_UP);
	int i;

	for (i = 0; i < 2; i++)
		on ? netif_carrier_on(U[i]->dev) : netif_carrier_off(U[i]->dev);
}

/* Some drivers begin their clock anew, at system time, when the link comes up. */
static void reset_phc(struct unit *u)
{
	struct timespec64 now = ktime_to_timespec64(ktime_get_real());

	gm_settime64(&u->info, &now);
}

static int port_event(struct notifier_block *nb, unsigned long ev, void *p)
{
	struct net_device *dev = netdev_notifier_info_to_dev(p);

	if ((ev == NETDEV_UP || ev == NETDEV_DOWN) && U[0] && U[1] && U[0]->dev && U[1]->dev &&
	    (dev == U[0]->dev || dev == U[1]->dev)) {
		set_carrier();
		if (ev == NETDEV_UP && to_port(dev)->reset_on_up)
			reset_phc(to_port(dev)->clk);
	}
	return NOTIFY_DONE;
}

static struct notifier_block port_nb = { .notifier_call = port_event };

static int gm_open(struct net_device *dev)
{
	netif_start_queue(dev);
	return 0;
}

static int gm_stop(struct net_device *dev)
{
	struct unit *u = to_port(dev);

	netif_stop_queue(dev);
	cancel_delayed_work_sync(&u->late_work);
	skb_queue_purge(&u->late);
	return 0;
}

static int gm_hwtstamp_get(struct net_device *dev, struct kernel_hwtstamp_config *c)
{
	c->tx_type = to_port(dev)->tx_type;
	c->rx_filter = to_port(dev)->rx_filter;
	return 0;
}

static int gm_hwtstamp_set(struct net_device *dev, struct kernel_hwtstamp_config *c,
			   struct netlink_ext_ack *extack)
{
	struct unit *u = to_port(dev);

	if (c->tx_type > HWTSTAMP_TX_ONESTEP_SYNC ||
	    (c->tx_type == HWTSTAMP_TX_ONESTEP_SYNC && !u->onestep))
		return -ERANGE;
	switch (c->rx_filter) {
	case HWTSTAMP_FILTER_NONE:
		break;
	case HWTSTAMP_FILTER_PTP_V2_L4_EVENT ... HWTSTAMP_FILTER_PTP_V2_DELAY_REQ:
		c->rx_filter = HWTSTAMP_FILTER_PTP_V2_EVENT;
		break;
	default:
		if (!u->rx_all)
			return -ERANGE;
		c->rx_filter = HWTSTAMP_FILTER_ALL;
	}
	u->tx_type = c->tx_type;
	u->rx_filter = c->rx_filter;
	return 0;
}

static const struct net_device_ops gm_netdev_ops = {
	.ndo_open = gm_open,
	.ndo_stop = gm_stop,
	.ndo_start_xmit = gm_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_hwtstamp_get = gm_hwtstamp_get,
	.ndo_hwtstamp_set = gm_hwtstamp_set,
};

static int gm_ts_info(struct net_device *dev, struct kernel_ethtool_ts_info *i)
{
	struct unit *u = to_port(dev);

	i->so_timestamping = SOF_TIMESTAMPING_HARDWARE_MASK | SOF_TIMESTAMPING_SOFTWARE_MASK;
	i->phc_index = ptp_clock_index(u->clk->ptp);
	i->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON) |
		      (u->onestep ? BIT(HWTSTAMP_TX_ONESTEP_SYNC) : 0);
	i->rx_filters = BIT(HWTSTAMP_FILTER_NONE) | BIT(HWTSTAMP_FILTER_PTP_V2_EVENT) |
			(u->rx_all ? BIT(HWTSTAMP_FILTER_ALL) : 0);
	return 0;
}

static int gm_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *k)
{
	k->base.speed = SPEED_1000;
	k->base.duplex = DUPLEX_FULL;
	k->base.port = PORT_TP;
	return 0;
}

static const struct ethtool_ops gm_ethtool_ops = {
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = gm_link_ksettings,
	.get_ts_info = gm_ts_info,
};

static int port_register(struct unit *u)
{
	const u8 mac[ETH_ALEN] = { 0x02, 'G', 'M', 'T', 0x00, u->id };
	struct net_device *dev = alloc_etherdev(sizeof(struct port));
	int err;

	if (!dev)
		return -ENOMEM;
	((struct port *)netdev_priv(dev))->u = u;
	snprintf(dev->name, IFNAMSIZ, "gmt%d", u->id);
	SET_NETDEV_DEV(dev, &u->pdev->dev);
	eth_hw_addr_set(dev, mac);
	dev->netdev_ops = &gm_netdev_ops;
	dev->ethtool_ops = &gm_ethtool_ops;
	u->dev = dev;
	netif_carrier_off(dev);
	err = register_netdev(dev);
	if (err) {
		free_netdev(dev);
		u->dev = NULL;
	}
	return err;
}

/* ---------------------------------------------------------------- sysfs -- */

struct knob { struct device_attribute a; size_t off; };
#define KNOB(n) { __ATTR(n, 0644, knob_show, knob_store), offsetof(struct unit, n) }
#define KNOB_OF(a, u) ((int *)((char *)(u) + container_of(a, struct knob, a)->off))

static ssize_t knob_show(struct device *d, struct device_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%d\n", *KNOB_OF(a, dev_get_drvdata(d)));
}

static ssize_t knob_store(struct device *d, struct device_attribute *a, const char *buf, size_t len)
{
	struct unit *u = dev_get_drvdata(d);
	int v, err = kstrtoint(buf, 0, &v);

	if (err)
		return err;
	rtnl_lock();
	spin_lock_irq(&u->lock);
	anchor(u, ktime_get_raw_ns());	/* with the old rate, or none if frozen */
	*KNOB_OF(a, u) = v;
	u->base_ppb = clamp(u->base_ppb, -10000000, 10000000);
	u->quantum_ppt = max(u->quantum_ppt, 0);
	set_rate(u);
	spin_unlock_irq(&u->lock);
	kick(u);
	set_carrier();
	rtnl_unlock();
	return len;
}

static struct knob knobs[] = {
	KNOB(base_ppb), KNOB(wander_ppt), KNOB(freeze), KNOB(quantum_ppt), KNOB(reset_on_up),
	KNOB(antenna), KNOB(noise_ns), KNOB(saw_ns), KNOB(saw_step), KNOB(glitch_ns), KNOB(repeat),
	KNOB(cable), KNOB(wire_ns), KNOB(pdv_ns), KNOB(tx_latency_ns), KNOB(tx_jitter_ns),
	KNOB(rx_latency_ns), KNOB(rx_jitter_ns), KNOB(drop_tx_stamp_every),
	KNOB(dup_tx_stamp_every), KNOB(delay_tx_stamp_ms), KNOB(delay_tx_stamp_every), KNOB(off_tx_stamp_every), KNOB(drop_frame_every),
	KNOB(dup_frame_every), KNOB(onestep), KNOB(unicast_stamps), KNOB(rx_all),
};

static ssize_t jump_ns_store(struct device *d, struct device_attribute *a, const char *buf, size_t len)
{
	struct unit *u = dev_get_drvdata(d);
	s64 v;
	int err = kstrtos64(buf, 0, &v);

	return err ?: gm_adjtime(&u->info, v) ?: len;
}
static DEVICE_ATTR_WO(jump_ns);

/* The oracle: PHC minus sky time, at one instant, with no measurement error. */
static ssize_t phc_minus_sky_ns_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct unit *u = dev_get_drvdata(d);
	s64 raw, v;

	spin_lock_irq(&u->lock);
	raw = ktime_get_raw_ns();
	v = phc_at(u, raw, NULL) - raw - sky_off;
	spin_unlock_irq(&u->lock);
	return sysfs_emit(buf, "%lld\n", v);
}
static DEVICE_ATTR_RO(phc_minus_sky_ns);

static ssize_t phc_minus_peer_ns_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct unit *u = dev_get_drvdata(d);
	s64 raw = ktime_get_raw_ns();

	return sysfs_emit(buf, "%lld\n", stamp_at(u, raw, 0) - stamp_at(U[!u->id], raw, 0));
}
static DEVICE_ATTR_RO(phc_minus_peer_ns);

static int by_value(const void *a, const void *b)
{
	return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

/* n, and p1, p50, p99, the least and the largest of the last 1024; a write begins anew */
static ssize_t sync_error_ns_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct unit *u = dev_get_drvdata(d);
	int *v = kmalloc_array(N_SAID, sizeof(int), GFP_KERNEL), n;

	if (!v)
		return -ENOMEM;
	spin_lock_irq(&u->lock);
	n = min_t(u32, u->n_said, N_SAID);
	memcpy(v, u->said, n * sizeof(int));
	spin_unlock_irq(&u->lock);
	sort(v, n, sizeof(int), by_value, NULL);
	n = n ? sysfs_emit(buf, "%d %d %d %d %d %d\n", n, v[n / 100], v[n / 2], v[n - 1 - n / 100], v[0], v[n - 1]) :
		sysfs_emit(buf, "0 0 0 0 0 0\n");
	kfree(v);
	return n;
}

static ssize_t sync_error_ns_store(struct device *d, struct device_attribute *a, const char *buf, size_t len)
{
	struct unit *u = dev_get_drvdata(d);

	spin_lock_irq(&u->lock);
	u->n_said = 0;
	spin_unlock_irq(&u->lock);
	return len;
}
static DEVICE_ATTR_RW(sync_error_ns);

static ssize_t rate_ppt_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct unit *u = dev_get_drvdata(d);

	return sysfs_emit(buf, "%lld\n", smul_shr(u->q, 1000000000000LL, 48));
}
static DEVICE_ATTR_RO(rate_ppt);

static ssize_t state_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct unit *u = dev_get_drvdata(d);
	s32 err;

	div_s64_rem(u->po_sky + SEC / 2, SEC, &err);
	return sysfs_emit(buf, "phc_index %d\nsaw_now_ns %lld\nperout_count %u\nperout_sky_ns %lld\n"
			  "perout_err_ns %ld\ntx_type %d\nrx_filter %d\ntx_stamps %u\nframes %u\n",
			  ptp_clock_index(u->clk->ptp), u->saw_now, u->po_count, u->po_sky,
			  err - SEC / 2, u->tx_type, u->rx_filter, u->n_tx_stamp, u->n_frame);
}
static DEVICE_ATTR_RO(state);

static ssize_t sky_ns_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct unit *u = dev_get_drvdata(d);
	s64 v;

	spin_lock_irq(&u->lock);
	v = ktime_get_raw_ns() + sky_off;
	spin_unlock_irq(&u->lock);
	return sysfs_emit(buf, "%lld\n", v);
}

/* "+n"/"-n" steps sky time, a plain number sets it */
static ssize_t sky_ns_store(struct device *d, struct device_attribute *a, const char *buf, size_t len)
{
	bool rel = *buf == '+' || *buf == '-';
	s64 v;
	int i, err = kstrtos64(buf, 0, &v);

	if (err)
		return err;
	/* Both locks: on 32 bit the other unit must not read a torn word. */
	spin_lock_irq(&U[0]->lock);
	spin_lock_nested(&U[1]->lock, SINGLE_DEPTH_NESTING);
	sky_off = rel ? sky_off + v : v - (s64)ktime_get_raw_ns();
	for (i = 0; i < 2; i++) {
		U[i]->pending = false;
		U[i]->due = next_second(ktime_get_raw_ns());
		start_in(&U[i]->gps, 0);
	}
	spin_unlock(&U[1]->lock);
	spin_unlock_irq(&U[0]->lock);
	return len;
}
static DEVICE_ATTR_RW(sky_ns);

#define N_RO 7
static struct attribute *gm_attrs[N_RO + ARRAY_SIZE(knobs) + 1] = {
	&dev_attr_jump_ns.attr, &dev_attr_phc_minus_sky_ns.attr, &dev_attr_rate_ppt.attr,
	&dev_attr_phc_minus_peer_ns.attr, &dev_attr_state.attr, &dev_attr_sky_ns.attr,
	&dev_attr_sync_error_ns.attr,
};
static const struct attribute_group gm_group = { .attrs = gm_attrs };

/* --------------------------------------------------------------- module -- */

static struct unit *unit_new(int id)
{
	struct unit *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return ERR_PTR(-ENOMEM);
	u->id = id;
	u->pdev = platform_device_register_simple("gmtest", id, NULL, 0);
	if (IS_ERR(u->pdev)) {
		long err = PTR_ERR(u->pdev);

		kfree(u);
		return ERR_PTR(err);
	}
	dev_set_drvdata(&u->pdev->dev, u);
	spin_lock_init(&u->lock);
	prandom_seed_state(&u->rnd, seed + 7919ULL * id);
	skb_queue_head_init(&u->late);
	INIT_DELAYED_WORK(&u->late_work, late_work);
	hrtimer_init(&u->gps, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	u->gps.function = gps_fire;
	hrtimer_init(&u->po, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	u->po.function = po_fire;
	u->base_ppb = base_ppb[id];
	u->antenna = u->repeat = u->cable = 1;
	u->saw_step = 137;
	u->wire_ns = 500;
	u->delay_tx_stamp_every = 1;
	u->onestep = onestep;
	u->unicast_stamps = unicast_stamps;
	u->rx_all = rx_all;
	u->raw = ktime_get_raw_ns();
	u->ns = ktime_get_real_ns();
	set_rate(u);
	return u;
}

/* Also works with the clocks and ports open (hot unplug): nothing of us is called
 * after ptp_clock_unregister() and unregister_netdev(), and then no timer starts.
 */
static void gm_down(void)
{
	struct ptp_clock *ptp;
	int i;

	unregister_netdevice_notifier(&port_nb);
	for (i = 0; i < 2 && U[i]; i++)
		sysfs_remove_group(&U[i]->pdev->dev.kobj, &gm_group);
	for (i = 0; i < 2 && U[i]; i++)
		if (U[i]->dev)
			unregister_netdev(U[i]->dev);
	for (i = 0; i < 2 && U[i]; i++) {
		spin_lock_irq(&U[i]->lock);
		ptp = U[i]->ptp;
		U[i]->ptp = NULL;
		spin_unlock_irq(&U[i]->lock);
		if (ptp)
			ptp_clock_unregister(ptp);
	}
	for (i = 0; i < 2 && U[i]; i++) {
		hrtimer_cancel(&U[i]->gps);
		hrtimer_cancel(&U[i]->po);
	}
	if (pps_dev)
		pps_unregister_source(pps_dev);
	for (i = 0; i < 2 && U[i]; i++) {
		if (U[i]->dev)
			free_netdev(U[i]->dev);
		platform_device_unregister(U[i]->pdev);
		kfree(U[i]);
	}
}

static int __init gm_init(void)
{
	static struct pps_source_info pi = {
		.name = "gmtest", .owner = THIS_MODULE,
		.mode = PPS_CAPTUREASSERT | PPS_OFFSETASSERT | PPS_CANWAIT | PPS_TSFMT_TSPEC,
	};
	int i, err;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		gm_attrs[N_RO + i] = &knobs[i].a.attr;
	sky_off = ktime_get_real_ns() - ktime_get_raw_ns();
	register_netdevice_notifier(&port_nb);
	for (i = 0; i < 2; i++) {
		struct unit *u = unit_new(i);

		if (IS_ERR(u)) {
			err = PTR_ERR(u);
			goto fail;
		}
		U[i] = u;
		u->clk = i < clocks ? u : U[0];
		err = u->clk == u ? phc_register(u) : 0;
		if (err)
			goto fail;
	}
	for (i = 0; i < 2; i++) {
		err = port_register(U[i]);
		if (err)
			goto fail;
	}
	for (i = 0; i < 2; i++) {
		err = sysfs_create_group(&U[i]->pdev->dev.kobj, &gm_group);
		if (err)
			goto fail;
	}
	if (pps)
		pps_dev = pps_register_source(&pi, PPS_CAPTUREASSERT);
	if (IS_ERR(pps_dev))
		pps_dev = NULL;
	for (i = 0; i < 2; i++) {
		U[i]->due = next_second(ktime_get_raw_ns());
		start_in(&U[i]->gps, 0);
	}
	return 0;
fail:
	gm_down();
	return err;
}

module_init(gm_init);
module_exit(gm_down);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PTP clocks, GPS pulse and looped ports of software, for tests");
