package mastertest

type eventKind uint8

const (
	clientActs eventKind = iota
	toMaster
	toClient
)

// event is something that happens at a time.
type event struct {
	at     int64 // CLOCK_MONOTONIC_RAW in ns
	buffer int32 // of the datagram, in Lab.buffers
	client int32
	kind   eventKind
	event  bool // the port
}

// agenda is what is to happen. Datagrams that are all as long on their way
// arrive in the order they were sent, so an event later than the latest queues
// up behind it; only the others, and the clients' own, go through the heap.
type agenda struct {
	queue []event // by time, from head on
	head  int
	heap  eventHeap
}

func (a *agenda) add(e event) {
	if e.kind != clientActs && (a.head == len(a.queue) || a.queue[len(a.queue)-1].at <= e.at) {
		if a.head > 1024 && 2*a.head > len(a.queue) {
			a.queue = append(a.queue[:0], a.queue[a.head:]...)
			a.head = 0
		}
		a.queue = append(a.queue, e)
		return
	}
	a.heap.push(e)
}

// next is when the earliest event happens; ok is false when there is none.
func (a *agenda) next() (at int64, ok bool) {
	switch queued := a.head < len(a.queue); {
	case queued && (len(a.heap) == 0 || a.queue[a.head].at <= a.heap[0].at):
		return a.queue[a.head].at, true
	case len(a.heap) > 0:
		return a.heap[0].at, true
	}
	return 0, false
}

// take takes the earliest event.
func (a *agenda) take() event {
	if a.head < len(a.queue) && (len(a.heap) == 0 || a.queue[a.head].at <= a.heap[0].at) {
		a.head++
		return a.queue[a.head-1]
	}
	return a.heap.pop()
}

// eventHeap is a binary heap by time. What happens at the same time keeps no
// order but the heap's, which is the same in each run.
type eventHeap []event

func (h *eventHeap) push(e event) {
	s := append(*h, e)
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent].at <= e.at {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = e
	*h = s
}

func (h *eventHeap) pop() event {
	s := *h
	first, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	if len(s) == 0 {
		return first
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1].at < s[child].at {
			child++
		}
		if last.at <= s[child].at {
			break
		}
		s[i] = s[child]
		i = child
	}
	s[i] = last
	return first
}
