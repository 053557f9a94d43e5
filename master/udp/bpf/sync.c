/* The kernel's half of originwriter.go: at the egress of a network device it
 * brings the time in a marked Sync of ours up to date as the Sync is handed to
 * the driver. `go generate ./master/udp` compiles it; it needs no header, so that
 * the compiler alone decides what comes out. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

/* What is needed of linux/bpf.h and linux/if_ether.h, all of it stable. No helper
 * asks for the GPL. */
struct __sk_buff {
	u32 len;
};
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static s64 (*const bpf_skb_store_bytes)(struct __sk_buff *, u32 at, const void *from, u32 len, u64 flags) = (void *)9;
static s64 (*const bpf_l4_csum_replace)(struct __sk_buff *, u32 at, u64 from, u64 to, u64 flags) = (void *)11;
static s64 (*const bpf_skb_load_bytes)(const struct __sk_buff *, u32 at, void *to, u32 len) = (void *)26;
static s64 (*const bpf_csum_diff)(const u32 *from, u32 from_len, const u32 *to, u32 to_len, u32 seed) = (void *)28;
enum { BPF_F_MARK_MANGLED_0 = 1 << 5 };
enum { TCX_NEXT = -1, TCX_DROP = 2 }; /* on to the device, or not */
enum { ETH_P_IP = 0x0800, IPPROTO_UDP = 17 };

#define SECTION(name) __attribute__((section(name), used))
#define network16 __builtin_bswap16 /* the object is little-endian */
#define network32 __builtin_bswap32
#define at(field) (__builtin_offsetof(struct frame, field) - __builtin_offsetof(struct frame, ethernet))

/* The end of a Sync, from messageTypeSpecific on: all that is written lies in it. */
struct tail {
	u32 mark; /* messageTypeSpecific */
	u32 clock[2];
	u16 port, sequence;
	u8 control, interval;
	u16 seconds_high;
	u32 seconds_low, nanoseconds;
};

/* A Sync in its Ethernet frame. A VLAN's tag is put in behind the program. */
struct frame {
	u8 aligned[6]; /* so that what follows lies where its size wants it */
	u8 ethernet[12];
	u16 ethertype;
	u8 ip[9], protocol, rest_of_ip[10];
	u16 source_port, rest_of_udp[2], checksum;
	u8 type, version;
	u16 length, domain, flags;
	u32 correction[2];
	struct tail tail;
};
enum { FRAME = at(tail) + sizeof(struct tail) };
_Static_assert(FRAME == 14 + 20 + 8 + 44, "a Sync over UDP, IPv4 and Ethernet");

/* Of this clock's Syncs, as they are on the wire; set when the program is loaded. */
const volatile u32 clock_identity[2];
const volatile u16 event_port;

enum { SYNC = 0, NOT_MARKED = 0 }; /* messageType, messageTypeSpecific */
static const s64 second = 1000000000;

/* How long ago a Sync's time may have been read: what has passed since is counted
 * by an oscillator that may be 50 ppm off, 2.5 us then. An older one, of a process
 * that was stopped or to a destination whose address was looked for, is dropped:
 * the next one is better. */
static const s64 oldest = 50000000;

/* It writes twice: the first time brings what runs and what is written into the
 * caches, so that the second is quick, and equally quick each time. The mark of
 * the first is when it read the clock. */
SECTION("tcx/egress") int bragi_sync(struct __sk_buff *skb)
{
	struct frame f;

	if (skb->len != FRAME || bpf_skb_load_bytes(skb, 0, f.ethernet, FRAME))
		return TCX_NEXT;
	if (f.ethertype != network16(ETH_P_IP) || f.ip[0] != 0x45 || f.protocol != IPPROTO_UDP)
		return TCX_NEXT;
	if (f.source_port != event_port || (f.type & 0x0F) != SYNC || f.tail.mark == NOT_MARKED)
		return TCX_NEXT;
	if (f.tail.clock[0] != clock_identity[0] || f.tail.clock[1] != clock_identity[1])
		return TCX_NEXT;

	/* Not unrolled: the second pass is to run what the first has run. */
#pragma clang loop unroll(disable)
	for (int pass = 0; pass < 2; pass++) {
		struct tail was = f.tail;

		/* By how much the clock has gone on since the mark: 32 bits, two seconds either way. */
		u32 now = bpf_ktime_get_ns();
		s64 passed = (s32)(now - network32(was.mark));
		if (passed > oldest || passed < -oldest)
			return TCX_DROP;

		/* The origin, later by that. */
		s64 ns = network32(was.nanoseconds) + passed;
		u64 seconds = (u64)network16(was.seconds_high) << 32 | network32(was.seconds_low);
		if (ns < 0) {
			ns += second;
			seconds--;
		} else if (ns >= second) {
			ns -= second;
			seconds++;
		}
		f.tail.mark = pass == 0 ? network32(now) : NOT_MARKED;
		f.tail.seconds_high = network16(seconds >> 32);
		f.tail.seconds_low = network32(seconds);
		f.tail.nanoseconds = network32(ns);

		/* Into the packet, and the difference into UDP's checksum, if the device is
		 * not to make that; one of zero says that there is none, and stays. */
		s64 difference = bpf_csum_diff(&was.mark, sizeof was, &f.tail.mark, sizeof f.tail, 0);
		if (bpf_skb_store_bytes(skb, at(tail), &f.tail, sizeof f.tail, 0))
			return TCX_NEXT;
		bpf_l4_csum_replace(skb, at(checksum), 0, difference, BPF_F_MARK_MANGLED_0);
	}
	return TCX_NEXT;
}

const char licence[] SECTION("license") = "Apache-2.0";
