// Command guest runs inside the test board's virtual machine. It loads the
// clock of software (gmtest.ko), starts a receiver and bragid, plays a scenario
// and judges it:
//
//	oracle (phc_minus_sky_ns)  \
//	                            > Sample, once a second --> checks --> PASS and FAIL lines on the console
//	bragid's status            /
//
// The truth comes from the oracle; of bragid is taken only what it claims.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"time"
)

// scenario plays on a board that was set up.
type scenario struct {
	pps    string // gnss.pps
	spec   string // holdover.spec
	play   func(*stage)
	client bool // a ptp4l on gmt1
}

var scenarios = map[string]scenario{
	"lock":      {"extts:0", "1.5us", playLock, false},
	"day":       {"extts:0", "1.5us", playDay, false},
	"pps":       {"/dev/pps0", "10us", playPPS, false}, // an interrupt's latency is in the bound
	"quantum":   {"extts:0", "1.5us", playQuantum, false},
	"faults":    {"extts:0", "1.5us", playFaults, false},
	"unplug":    {"extts:0", "1.5us", playUnplug, false},
	"replug":    {"extts:0", "1.5us", playReplug, false},
	"client":    {"extts:0", "1.5us", playClient, true},
	"stamps":    {"extts:0", "1.5us", playStamps, true},
	"predicted": {"extts:0", "1.5us", playPredicted, true},
	"twins":     {"extts:0", "1.5us", playAM335x, true},
	"rtc":       {"extts:0", "1.5us", playRTC, false}, // setUp takes the date of the RTC
}

func main() {
	if len(os.Args) != 2 || scenarios[os.Args[1]].play == nil {
		var names []string
		for name := range scenarios {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "guest: which scenario? (mend: guest %s)\n", strings.Join(names, "|"))
		os.Exit(2)
	}
	name := os.Args[1]
	s := &stage{started: time.Now(), name: name}
	if err := s.setUp(scenarios[name]); err != nil {
		s.verdict("the board is set up", false, "%v", err)
	} else {
		scenarios[name].play(s)
		s.tearDown()
	}
	fmt.Printf("guest %s: %d passed, %d failed\n", name, s.passed, s.failed)
}
