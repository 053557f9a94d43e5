package master

import (
	"net/netip"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Key tells clients apart: two clocks behind one address are two clients.
type Key struct {
	Address netip.Addr
	Port    wire.PortIdentity
}

// grant is one flow of one client.
type grant struct {
	live    bool
	log     int8   // logInterMessagePeriod
	seq     uint16 // sequenceId of the next message; of its own for each flow (7.3.7)
	seconds uint32 // duration granted last
	expires timescale.Mono
	since   timescale.Mono
	sentAt  timescale.Mono // the last Announce, see gap
	sent    uint64
	renewed uint64
}

// client is a row of the client table. It exists while it has a live grant.
type client struct {
	clientLife
	trusted    bool               // no credit is needed
	source     int32              // row of its address, see sources
	prefix     int32              // row of its prefix, see prefixes
	counted    bool               // among the unproven of its prefix
	beside     int32              // row + 1 of the next client at the same address
	paused     uint64             // messages held back for want of credit
	pausedAt   timescale.Mono     // the last of them
	twoStep    bool               // its prefix is in Config.TwoStepFor
	signals    bucket             // of its Signaling, see limiter
	reports    bucket             // and of its Signaling that only tells what it computed
	computed   Computed           // what it told last
	unanswered [numReasons]uint32 // Delay_Req without an answer, by reason
	tokens     int64              // Delay_Req it may still send, in ns of its allowance
	filled     timescale.Mono     // when tokens were counted
	trouble    sendTrouble
	denied     denial
	cancels    uint8 // CANCELs of a drain that were sent
	nextCancel timescale.Mono
}

// clientLife is what of a client outlives a restart of ours (saved.go).
type clientLife struct {
	key         Key
	asked       netip.Addr // our address that it speaks to
	grants      [numFlows]grant
	first, last timescale.Mono
	round       round
	proven      bool // by its latest renewal, see standing
	signalSeq   uint16
	dscp        uint8
	minor       uint8 // minorVersionPTP it sends
	signaling   uint64
	asks        asks // how it puts its REQUESTs into messages
	delayReqs   uint64
	lastReq     timescale.Mono // last Delay_Req
	reqInterval int64          // its spacing in ns, smoothed
}

func (c *clientLife) live() bool { return c.grants[0].live || c.grants[1].live || c.grants[2].live }

type denial struct {
	at     timescale.Mono
	reason Reason
	typ    wire.MessageType
	count  uint64
	said   [numFlows + 1]said // by flow, the last for what is none
}

// clients is the client table: rows, their index, the list of free rows and the
// rows in use in one dense list, which the sweep walks.
type clients struct {
	rows  []client
	index index[Key]
	free  []int32
	used  []int32 // rows in use
	place []int32 // by row: where it is in used
}

func newClients(n int) *clients {
	t := &clients{
		rows:  make([]client, n),
		free:  make([]int32, 0, n),
		used:  make([]int32, 0, n),
		place: make([]int32, n),
	}
	t.index = newIndex(n, func(row int32) Key { return t.rows[row].key })
	for i := n - 1; i >= 0; i-- {
		t.free = append(t.free, int32(i))
	}
	return t
}

// has tells whether a row is in use.
func (t *clients) has(row int32) bool {
	at := t.place[row]
	return int(at) < len(t.used) && t.used[at] == row
}

func (t *clients) full() bool { return len(t.free) == 0 }

// add makes a row for a key that has none; the table is not full.
func (t *clients) add(k Key) int32 {
	row := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	t.rows[row] = client{clientLife: clientLife{key: k}}
	t.index.insert(k, row)
	t.place[row] = int32(len(t.used))
	t.used = append(t.used, row)
	return row
}

func (t *clients) remove(row int32) {
	t.index.remove(t.rows[row].key)
	last := t.used[len(t.used)-1]
	t.used[t.place[row]] = last
	t.place[last] = t.place[row]
	t.used = t.used[:len(t.used)-1]
	t.free = append(t.free, row)
}

// flowID is the name of a client's flow in the wheel.
func flowID(row int32, f Flow) int32 { return row*numFlows + int32(f) }
