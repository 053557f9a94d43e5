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
