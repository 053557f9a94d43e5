package refclock

import (
	"errors"

	"golang.org/x/sys/unix"
)

// errFull is what a chronyd that does not read causes.
var errFull = errors.New("chronyd does not read its socket")

// write sends without waiting for room.
func (f *Feed) write(datagram []byte) error {
	raw, err := f.conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) {
		sent = unix.Sendto(int(fd), datagram, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
	}); err != nil {
		return err
	}
	if errors.Is(sent, unix.EAGAIN) {
		return errFull
	}
	return sent
}
