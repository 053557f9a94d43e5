/* A PTP client that believes it steers the clock while nothing is touched:
 * preloaded into ptp4l, so that its measured offset stays against the
 * machine's own clock. */
#include <sys/timex.h>
#include <time.h>

static long believed_freq;

static int pretend(struct timex *t)
{
	if (t->modes & ADJ_FREQUENCY)
		believed_freq = t->freq;
	if (t->modes == 0) {
		t->freq = believed_freq;
		t->tick = 10000;
		t->status = 0;
		t->tai = 37;
		t->tolerance = 32768000;
	}
	return 0;
}

int clock_adjtime(clockid_t clock, struct timex *t) { (void)clock; return pretend(t); }
int adjtimex(struct timex *t) { return pretend(t); }
int ntp_adjtime(struct timex *t) { return pretend(t); }
int clock_settime(clockid_t clock, const struct timespec *t) { (void)clock; (void)t; return 0; }
