/* The floor under the cost of a unicast master: what the kernel takes for the same
 * packets without any thought about them.
 *
 *   floor serve N SECONDS ADDRESS        40 N packets a second to N clients, and an answer to each that comes
 *   floor load  N SECONDS ADDRESS        32 N packets a second from N addresses of 10.100.0.0/16; what comes is thrown away
 *
 * Packets have the sizes of Sync (44), Announce (64), Delay_Resp (54) and Delay_Req (44); batches have
 * at most 64. Neither stamps nor control messages are asked for on the serving side.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, PORT = 319 };

static struct mmsghdr out[BATCH], in[BATCH];
static struct iovec out_iov[BATCH], in_iov[BATCH];
static struct sockaddr_in to[BATCH], from[BATCH];
static char data[BATCH][256];
static char payload[64];
static struct { struct cmsghdr h; struct in_pktinfo info; } source[BATCH];

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sleep_until(long long ns)
{
    struct timespec t = { ns / 1000000000, ns % 1000000000 };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static in_addr_t client(long long i) { return htonl(0x0A640001u + (unsigned)i); }

static int flush(int fd, int n)
{
    int sent = n > 0 ? sendmmsg(fd, out, n, MSG_DONTWAIT) : 0;
    return sent > 0 ? sent : 0;
}

static int drain(int fd, int answer, long long *received)
{
    int n, sent = 0;
    do {
        for (int i = 0; i < BATCH; i++)
            in[i].msg_hdr.msg_namelen = sizeof from[i];
        n = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            break;
        *received += n;
        if (answer) {
            for (int i = 0; i < n; i++) {
                to[i] = from[i];
                out_iov[i].iov_len = 54;
            }
            sent += flush(fd, n);
        }
    } while (n == BATCH);
    return sent;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: floor serve|load N SECONDS ADDRESS\n");
        return 2;
    }
    int load = strcmp(argv[1], "load") == 0, fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
    long long n = atoll(argv[2]), due, sent = 0, received = 0;
    struct sockaddr_in me = { .sin_family = AF_INET, .sin_port = htons(PORT) }, master = me;
    inet_pton(AF_INET, argv[4], &master.sin_addr);
    if (!load)
        me.sin_addr = master.sin_addr;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    int mtu = IP_PMTUDISC_PROBE; /* no fragments: no identification is made */
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mtu, sizeof mtu);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    if (bind(fd, (struct sockaddr *)&me, sizeof me) < 0) {
        perror("floor: bind");
        return 1;
    }
    for (int i = 0; i < BATCH; i++) {
        out_iov[i].iov_base = payload;
        out[i].msg_hdr = (struct msghdr){ .msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &out_iov[i], .msg_iovlen = 1 };
        in_iov[i] = (struct iovec){ data[i], sizeof data[i] };
        in[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_iov = &in_iov[i], .msg_iovlen = 1 };
        to[i] = master;
        if (load) {
            source[i].h = (struct cmsghdr){ CMSG_LEN(sizeof source[i].info), IPPROTO_IP, IP_PKTINFO };
            out[i].msg_hdr.msg_control = &source[i];
            out[i].msg_hdr.msg_controllen = sizeof source[i];
        }
    }
    long long start = now_ns(), end = start + atoll(argv[3]) * 1000000000LL, answered = 0;
    long long rate = (load ? 32 : 40) * n, slot = 1000000000LL / (load ? 4096 : 1024), at;
    while ((at = now_ns()) < end) {
        answered += drain(fd, !load, &received);
        due = (long long)((__int128)(at - start) * rate / 1000000000);
        while (sent < due) {
            int k = 0;
            for (; k < BATCH && sent < due; k++, sent++) {
                if (load) {
                    source[k].info.ipi_spec_dst.s_addr = client(sent % n);
                    out_iov[k].iov_len = 44;
                } else {
                    to[k].sin_addr.s_addr = client(sent % n);
                    to[k].sin_port = htons(PORT);
                    out_iov[k].iov_len = sent / n % 5 == 4 ? 64 : 44;
                }
            }
            flush(fd, k);
        }
        long long next = start + (long long)((__int128)(sent + 1) * 1000000000 / rate);
        sleep_until(next > at + slot ? next : at + slot);
    }
    printf("%lld %lld %lld\n", sent, answered, received);
    return 0;
}
