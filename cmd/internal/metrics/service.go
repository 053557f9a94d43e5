package metrics

import "bragi/cmd/internal/status"

var (
	clients   = describe("clients", "Clients with a live grant.")
	most      = describe("clients_limit", "Clients that may be served at most (master.max_clients).")
	lifeless  = describe("clients_lifeless", "Clients that show no life: they give way when places are short.")
	unproven  = describe("clients_unproven", "Clients that live and prove nothing: too slow in their Delay_Req, and without a renewal at its time. They give way after the lifeless.")
	gaveWay   = describe("clients_gave_way_total", "Clients that gave way to newcomers.")
	expected  = describe("expected_client_present", "1 while a client of master.expected has a grant for Sync.", "address", "name")
	offset    = describe("client_offset_seconds", "The clock of a client of master.monitor less the served clock, measured from here. Positive: the client is ahead.", "address", "identity")
	ownOffset = describe("client_own_offset_seconds", "What a client of master.monitor says of its offset from its master. Positive: it is ahead.", "address", "identity")
	pathDelay = describe("client_path_delay_seconds", "Mean path delay to a client of master.monitor, measured from here.", "address", "identity")
	follows   = describe("client_follows_this_clock", "1 while a client of master.monitor says that it follows this grandmaster.", "address", "identity")
	questions = describe("client_questions_total", "Questions to a client of master.monitor for its time, by whether a whole answer came.", "address", "identity", "answered")
	twinClass = describe("twin_clock_class", "clockClass that the twin announces.")
	twinOff   = describe("twin_offset_seconds", "The twin's clock less ours: what clients that change to it are moved by. Positive: the twin is ahead.")
	twinDelay = describe("twin_path_delay_seconds", "Mean path delay to the twin.")
	twinSays  = describe("twin", "1 for what a change to the twin would mean for clients now: ready, differs, worse, better, measuring, no-answer.", "answer")
	ofOne     = describe("clients_of_one_address", "Clients of the address that has most.")
	sessions  = describe("sessions", "Clients with a live grant, by what they are taken for.", "kind")
	promised  = describe("promised_messages_per_second", "Messages a second of all live grants together.")
	sent      = describe("messages_sent_total", "PTP messages sent.")
	received  = describe("messages_received_total", "PTP messages received.")
	judged    = describe("messages_judged_total", "PTP messages received, by what was made of them.", "reason")
	packetsIn = describe("packets_received_total", "PTP messages received, by messageType, by what was made of them, and by whether they were answered.", "type", "reason", "answered")
	packets   = describe("packets_sent_total", "PTP messages sent, by messageType.", "type")
	requests  = describe("grant_requests_total", "Requests for grants, by the messageType asked for and by the outcome.", "message", "reason")
	dropped   = describe("packets_dropped_total", "Packets that came and were lost in the kernel, since a receive buffer was full.")
	unsent    = describe("packets_unsent_total", "PTP messages that could not leave: busy (a queue was full), failed (no way to the destination), paused (the address had no credit), undelivered (its address does not answer ARP; these are in the sent ones too).", "reason")
	gapMax    = describe("announce_gap_max_seconds", "Longest wait of a client for an Announce since the start; a cBR8 gives up after 1.25.")
	gapLast   = describe("announce_gap_recent_seconds", "Longest wait of a client for an Announce in the last 10 to 20 s.")
	gapsLong  = describe("announce_gaps_long_total", "Waits for an Announce of more than a second.")
	slots     = describe("schedule_slots_total", "Slots of the schedule served.")
	late      = describe("schedule_late_total", "Slots of the schedule served more than 1 ms late.")
	missed    = describe("schedule_missed_total", "Slots of the schedule skipped after a stop.")
	latest    = describe("schedule_lateness_max_seconds", "How late the latest slot since the start was, the skipped ones too.")
)

func (t teller) service(s *status.Status) {
	m := &s.Master
	t.gauge(clients, float64(m.Clients))
	if m.MaxClients > 0 {
		t.gauge(most, float64(m.MaxClients))
	}
	if m.Table.Max > 0 { // the table is known
		t.gauge(lifeless, float64(m.Table.Lifeless))
		t.gauge(unproven, float64(m.Table.Unproven))
		t.gauge(ofOne, float64(m.Table.AddressClients))
	}
	for _, e := range m.Expected {
		present := 0.0
		if e.Present {
			present = 1
		}
		t.gauge(expected, present, e.Address, e.Name)
	}
	for i := range s.Clients {
		t.says(&s.Clients[i])
	}
	if w := s.Twin; w != nil {
		t.gauge(twinSays, 1, w.Answer)
		whole(t, twinClass, w.ClockClass, 1)
		t.known(twinOff, w.OffsetNs, ns)
		t.known(twinDelay, w.PathDelayNs, ns)
	}
	t.count(gaveWay, m.Table.GaveWay)
	for kind, n := range m.Sessions {
		t.gauge(sessions, float64(n), kind)
	}
	t.known(promised, m.PromisedRate, 1)
	t.count(sent, m.Sent)
	t.count(received, m.Received)
	for reason, n := range m.Counters {
		t.count(judged, n, reason)
	}
	for _, c := range m.Traffic.Received {
		t.count(packetsIn, c.N, c.Type, c.Reason, yesNo(c.Answered))
	}
	for kind, n := range m.Traffic.Sent {
		t.count(packets, n, kind)
	}
	for _, c := range m.Traffic.Requests {
		t.count(requests, c.N, c.Message, c.Reason)
	}
	t.count(dropped, m.Traffic.Dropped)
	t.count(unsent, m.Traffic.Busy, "busy")
	t.count(unsent, m.Traffic.Failed, "failed")
	t.count(unsent, m.Traffic.Paused, "paused")
	t.count(unsent, m.Traffic.Undelivered, "undelivered")
	if m.AnnounceGap.Max > 0 { // somebody waited
		t.gauge(gapMax, m.AnnounceGap.Max)
		t.gauge(gapLast, m.AnnounceGap.Last)
	}
	t.count(gapsLong, m.AnnounceGap.Long)
	t.count(slots, m.Schedule.Ticks)
	t.count(late, m.Schedule.Late)
	t.count(missed, m.Schedule.Missed)
	if m.Schedule.Ticks > 0 {
		t.gauge(latest, m.Schedule.LatestMs/ms)
	}
}

// says tells what a client says.
func (t teller) says(c *status.Client) {
	s := c.Says
	if s == nil {
		return
	}
	t.count(questions, s.Answered, c.Address, c.Identity, "yes")
	t.count(questions, s.Asked-s.Answered, c.Address, c.Identity, "no")
	t.known(offset, s.OffsetNs, ns, c.Address, c.Identity)
	t.known(ownOffset, s.OwnOffsetNs, ns, c.Address, c.Identity)
	t.known(pathDelay, s.PathDelayNs, ns, c.Address, c.Identity)
	if s.Source != "" {
		t.truth(follows, s.FollowsUs, c.Address, c.Identity)
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
