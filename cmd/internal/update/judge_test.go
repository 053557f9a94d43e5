package update

import (
	"strings"
	"testing"
	"time"
)

func TestABundleIsRefusedForWhatItIs(t *testing.T) {
	system := System{"bragi-qemu-arm", "2026.11.27.0140-aaaa", 100}
	for _, c := range []struct {
		name   string
		bundle Bundle
		older  bool
		says   string // "": accepted
	}{
		{"a newer version", Bundle{"bragi-qemu-arm", "2026.11.28.0000-bbbb", 100}, false, ""},
		{"the same again", Bundle{"bragi-qemu-arm", "2026.11.27.0140-aaaa", 100}, false, ""},
		{"another board", Bundle{"bragi-qemu-arm64", "2026.11.28.0000-bbbb", 1}, true, "this board"},
		{"older", Bundle{"bragi-qemu-arm", "2026.11.26.2359-bbbb", 1}, false, "--older"},
		{"older, as wanted", Bundle{"bragi-qemu-arm", "2026.11.26.2359-bbbb", 1}, true, ""},
		{"larger than the slot", Bundle{"bragi-qemu-arm", "2026.11.28.0000-bbbb", 101}, false, "flash"},
		{"without a version", Bundle{"bragi-qemu-arm", "", 1}, true, "no version"},
	} {
		err := Acceptable(c.bundle, system, c.older)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestASlotIsKeptOnlyOnceItServesAsBefore(t *testing.T) {
	before := Before{"old", 6}
	for _, c := range []struct {
		name   string
		look   Look
		before Before
		known  bool
		waited time.Duration
		want   Verdict
	}{
		{"class of before", Look{Configured: true, Answers: true, Serving: true, ClockClass: 6}, before, false, time.Second, Keep},
		{"still acquiring", Look{Configured: true, Answers: true, Serving: true, ClockClass: 58}, before, false, 29 * time.Minute, Wait},
		{"never comes to the class", Look{Configured: true, Answers: true, Serving: true, ClockClass: 58}, before, false, ClassPatience, Leave},
		{"a better class", Look{Configured: true, Answers: true, Serving: true, ClockClass: 6}, Before{"old", 7}, false, 0, Keep},
		{"does not serve", Look{Configured: true, Answers: true, Serving: false, ClockClass: 6}, before, false, 3 * time.Minute, Wait},
		{"no answer yet", Look{Configured: true}, before, false, AnswerPatience - 1, Wait},
		{"no answer", Look{Configured: true}, before, false, AnswerPatience, Leave},
		{"ended often, and may come yet", Look{Configured: true, Failures: Failures - 1}, before, false, time.Minute, Wait},
		{"ends again and again", Look{Configured: true, Failures: Failures}, before, false, 20 * time.Second, Leave},
		{"refuses the configuration, which the old version took: its daemon ends again and again", Look{Configured: true, Failures: Failures}, before, false, time.Minute, Leave},
		{"the old version, which takes it, runs again", Look{Configured: true, Answers: true, Serving: true, ClockClass: 58}, before, true, time.Second, Keep},
		{"ended often, and answers", Look{Configured: true, Answers: true, Failures: 99, Serving: true, ClockClass: 6}, before, false, time.Minute, Keep},
		{"a kept version that ends again and again is not left", Look{Configured: true, Failures: 99}, before, true, time.Minute, Wait},
		{"first start of a card", Look{Configured: true, Answers: true, Serving: false, ClockClass: 0}, Before{}, false, 0, Keep},
		{"first start, no answer", Look{Configured: true}, Before{}, false, AnswerPatience, Leave},
		{"a fresh card without a configuration", Look{}, Before{}, false, 0, Keep},
		{"a kept version that fails is not left", Look{Configured: true}, before, true, time.Hour, Wait},
		{"a kept version serves again", Look{Configured: true, Answers: true, Serving: true, ClockClass: 58}, before, true, 0, Keep},
	} {
		if got := Judge(c.look, c.before, c.known, c.waited); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
