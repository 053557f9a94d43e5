package board

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// WatchLinks calls changed whenever the kernel says that something about its
// network devices has changed: a carrier that came or went, a name, a device
// that is new or gone (rtnetlink, RTMGRP_LINK). What, is the caller's to look at.
// It ends with ctx, without an error, or when the kernel tells no more.
func WatchLinks(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("board: links are not watched: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		return fmt.Errorf("board: links are not watched: %w", os.NewSyscallError("bind", err))
	}
	w, err := newWaiter()
	if err != nil {
		return err
	}
	defer w.close()
	var b [8192]byte
	for {
		switch err := w.readable(ctx, fd); {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errCalled):
			continue
		case err != nil:
			return fmt.Errorf("board: links are not watched any more: %w", err)
		}
		for { // what waits is one change
			if _, err := unix.Read(fd, b[:]); errors.Is(err, unix.EAGAIN) {
				break
			} else if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
				return fmt.Errorf("board: links are not watched any more: %w", os.NewSyscallError("read", err))
			}
		}
		changed()
	}
}
