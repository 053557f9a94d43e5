package socket

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
)

// control is a control message (cmsg(3)): a header of size_t length, level and
// type, data, padding to the size of a word.
type control struct {
	level, kind int32
	data        []byte
}

const controlMax = 192

// next takes the first control message off; ok is false when no whole one is left.
func next(b []byte) (c control, rest []byte, ok bool) {
	if len(b) < unix.SizeofCmsghdr {
		return c, nil, false
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	length := int(h.Len)
	if length < unix.SizeofCmsghdr || length > len(b) {
		return c, nil, false
	}
	return control{h.Level, h.Type, b[align(unix.SizeofCmsghdr):length]}, b[min(align(length), len(b)):], true
}

// is tells whether it is of a kind, and has as much data as that.
func (c control) is(level, kind int32, least int) bool {
	return c.level == level && c.kind == kind && len(c.data) >= least
}

// align rounds up to the size of a word, as CMSG_ALIGN does.
func align(n int) int {
	const word = int(unsafe.Sizeof(uintptr(0)))
	return (n + word - 1) &^ (word - 1)
}

// controlLen is CMSG_LEN.
func controlLen(data int) int { return align(unix.SizeofCmsghdr) + data }

// Stamps say when a message came or left.
type Stamps struct {
	KernelNs int64 // CLOCK_REALTIME; 0: none
	DeviceNs int64 // the device's own clock; 0: none
}

// stampsOf reads a struct scm_timestamping64: three timespecs, of which the
// second is no longer used.
func stampsOf(c control) (s Stamps, ok bool) {
	const timespec = int(unsafe.Sizeof(kernelclock.Timespec{}))
	if !c.is(unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, timespec) {
		return s, false
	}
	s.KernelNs = timespecNs(c.data)
	if len(c.data) >= 3*timespec {
		s.DeviceNs = timespecNs(c.data[2*timespec:])
	}
	return s, true
}

func timespecNs(b []byte) int64 {
	return kernelclock.Timespec{Sec: int64(binary.NativeEndian.Uint64(b)), Nsec: int64(binary.NativeEndian.Uint64(b[8:]))}.Ns()
}

// Wish is which stamps are asked of a message that leaves.
type Wish uint32

const (
	KernelStamp Wish = unix.SOF_TIMESTAMPING_TX_SOFTWARE
	DeviceStamp Wish = unix.SOF_TIMESTAMPING_TX_HARDWARE
)

// request is the control of a send: by which number its stamps are asked, which
// stamps, and from which address it leaves. What is not needed is left out at
// either end.
type request struct {
	id     unix.Cmsghdr
	number uint32
	hdr    unix.Cmsghdr
	wish   Wish
	from   source
}

func newRequest() (r request) {
	r.id.Level, r.id.Type = unix.SOL_SOCKET, unix.SCM_TS_OPT_ID
	r.id.SetLen(controlLen(4))
	r.hdr.Level, r.hdr.Type = unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW
	r.hdr.SetLen(controlLen(4))
	r.from = newSource()
	return r
}

// part is what a request has beside its wish; parts are added up.
type part uint8

const (
	withNumber part = 1 << iota // goes with a wish only
	withSource
)

// into puts the parts that are needed into a header.
func (r *request) into(h *unix.Msghdr, parts part) {
	begin, end := unsafe.Offsetof(r.from), unsafe.Offsetof(r.from)
	switch {
	case r.wish != 0 && parts&withNumber != 0:
		begin = unsafe.Offsetof(r.id)
	case r.wish != 0:
		begin = unsafe.Offsetof(r.hdr)
	}
	if parts&withSource != 0 {
		end = unsafe.Sizeof(*r)
	}
	h.Control = (*byte)(unsafe.Add(unsafe.Pointer(r), begin))
	h.SetControllen(int(end - begin))
}
