package timescale

import (
	"fmt"
	"strings"
	"testing"
)

// leapFile is the built-in table as a file.
func leapFile(expires UTC, more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#\tIn the following text, the symbol '#' introduces a comment\n#$\t 3960835200\n#@\t%d\n", expires.Ns()/1e9+ntpToPOSIX)
	for _, s := range Builtin().steps {
		fmt.Fprintf(&b, "%d  %d  # a comment\n", s.fromUTC+ntpToPOSIX, s.offset)
	}
	return b.String() + strings.Join(more, "\n") + "\n#h 848434d5 570f7ea8\n"
}

func TestALeapSecondFileReadsAsTheTableItIsMadeOf(t *testing.T) {
	expires := mustDate(t, 2027, 6, 28, 0, 0, 0, 0)
	// 1 January 2017 is 3692217600 in every such file.
	if text := leapFile(expires); !strings.Contains(text, "3692217600  37") {
		t.Fatalf("the test's own file is wrong:\n%s", text)
	}
	l, err := ParseLeapSeconds([]byte(leapFile(expires)))
	if err != nil {
		t.Fatal(err)
	}
	if l.Expires() != expires || len(l.steps) != len(Builtin().steps) {
		t.Errorf("expires %v, %d steps", l.Expires(), len(l.steps))
	}
	for _, at := range []UTC{mustDate(t, 1990, 1, 1, 0, 0, 0, 0), mustDate(t, 2016, 12, 31, 23, 59, 59, 0), mustDate(t, 2026, 1, 1, 0, 0, 0, 0)} {
		if l.OffsetAtUTC(at) != Builtin().OffsetAtUTC(at) {
			t.Errorf("%v: %d", at, l.OffsetAtUTC(at))
		}
	}
	l, err = ParseLeapSeconds([]byte(strings.ReplaceAll(leapFile(expires, "4007750400 38 # 1 Jan 2027"), "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if at, change, ok := l.Upcoming(mustDate(t, 2026, 12, 31, 12, 0, 0, 0)); !ok || change != 1 || at != mustDate(t, 2027, 1, 1, 0, 0, 0, 0) {
		t.Errorf("upcoming %v %d %v", at, change, ok)
	}
}

func TestADamagedLeapSecondFileIsRefusedInOneLine(t *testing.T) {
	good := mustDate(t, 2027, 6, 28, 0, 0, 0, 0)
	for name, text := range map[string]string{
		"empty":             "",
		"no expiry":         strings.Replace(leapFile(good), "#@", "#-", 1),
		"two seconds":       leapFile(good, "4007750400 39"),
		"mid month":         leapFile(good, "4008960000 38"),
		"backwards":         leapFile(good, "3692217600 38"),
		"no number":         leapFile(good, "4007750400 thirty"),
		"three fields":      leapFile(good, "4007750400 38 x"),
		"begins in 1980":    "#@ 4000000000\n2524953600 19\n",
		"expired at birth":  leapFile(mustDate(t, 2016, 1, 1, 0, 0, 0, 0)),
		"a web page":        "<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n",
		"negative":          leapFile(good, "-5 38"),
		"a number too long": leapFile(good, "99999999999999999999 38"),
	} {
		if _, err := ParseLeapSeconds([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than a line: %v", name, err)
		}
	}
}

// Whatever is read, a table that is accepted can be used.
func FuzzParseLeapSeconds(f *testing.F) {
	f.Add([]byte(leapFile(UTCFromNs(1.8e18))))
	f.Add([]byte("#@ 1\n1 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseLeapSeconds(data)
		if err != nil {
			return
		}
		u := UTCFromNs(1.7e18)
		if back, _ := l.ToUTC(l.ToTAI(u)); back != u {
			t.Errorf("%v came back as %v", u, back)
		}
	})
}
