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
	"strconv"
	"strings"
	"time"
)

// scenario plays on a board that was set up.
type scenario struct {
	pps    string // gnss.pps
	spec   string // holdover.spec
	play   func(*stage)
	client bool   // a ptp4l on gmt1
	vlan   bool   // PTP in a VLAN
	module string // parameters of gmtest besides the usual ones
	beacon bool   // whoever sends PTP over Ethernet beside it
}

var scenarios = map[string]scenario{
	"lock":      {pps: "extts:0", spec: "1.5us", play: playLock},
	"day":       {pps: "extts:0", spec: "1.5us", play: playDay},
	"pps":       {pps: "/dev/pps0", spec: "12us", play: playPPS}, // an interrupt's latency is in the bound: 5 us, and three deviations of its scatter
	"quantum":   {pps: "extts:0", spec: "1.5us", play: playQuantum},
	"faults":    {pps: "extts:0", spec: "1.5us", play: playFaults},
	"unplug":    {pps: "extts:0", spec: "1.5us", play: playUnplug},
	"replug":    {pps: "extts:0", spec: "1.5us", play: playReplug},
	"client":    {pps: "extts:0", spec: "1.5us", play: playClient, client: true},
	"seat":      {pps: "extts:0", spec: "1.5us", play: playSeat},
	"vlan":      {pps: "extts:0", spec: "1.5us", play: playVLAN, client: true, vlan: true},
	"walk":      {pps: "extts:0", spec: "180ns", play: playWalk, client: true}, // the bound is about 150 ns at the loss (three deviations), and 180 ns some 40 s later
	"stamps":    {pps: "extts:0", spec: "1.5us", play: playStamps, client: true},
	"predicted": {pps: "extts:0", spec: "1.5us", play: playPredicted, client: true},
	"twins":     {pps: "extts:0", spec: "1.5us", play: playAM335x, client: true, beacon: true, module: "pins=0 max_adj=1000000"},
	"rtc":       {pps: "extts:0", spec: "1.5us", play: playRTC}, // setUp takes the date of the RTC
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "beacon" {
		fmt.Fprintln(os.Stderr, beacon(os.Args[2]))
		os.Exit(1)
	}
	if len(os.Args) < 2 || scenarios[os.Args[1]].play == nil {
		var names []string
		for name := range scenarios {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "guest: which scenario? (fix: guest %s [hours of day])\n", strings.Join(names, "|"))
		os.Exit(2)
	}
	name := os.Args[1]
	s := &stage{started: time.Now(), name: name, hours: 23}
	if len(os.Args) > 2 {
		var err error
		if s.hours, err = strconv.Atoi(os.Args[2]); err != nil {
			fmt.Fprintf(os.Stderr, "guest: %q is no number of hours\n", os.Args[2])
			os.Exit(2)
		}
	}
	if err := s.setUp(scenarios[name]); err != nil {
		s.verdict("the board is set up", false, "%v", err)
	} else {
		scenarios[name].play(s)
		s.tearDown()
	}
	fmt.Printf("guest %s: %d passed, %d failed\n", name, s.passed, s.failed)
}
