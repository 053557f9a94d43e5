package board

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// netKernel is the kernel of this machine: ioctls on a socket, and sysfs for
// what no ioctl tells.
type netKernel struct {
	fd  int
	sys string // /sys/class/net
}

func openNetKernel(sys string) (*netKernel, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("board: %w", os.NewSyscallError("socket", err))
	}
	return &netKernel{fd, sys}, nil
}

func (k *netKernel) close() error {
	fd := k.fd
	k.fd = -1 // a late question must not reach another file
	return os.NewSyscallError("close", unix.Close(fd))
}

func (k *netKernel) index(name string) (int, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(k.fd, unix.SIOCGIFINDEX, request); err != nil {
		return 0, err
	}
	return int(request.Uint32()), nil
}

func (k *netKernel) nameOf(index int) (string, error) {
	request, err := unix.NewIfreq("")
	if err != nil {
		return "", err
	}
	request.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(k.fd, unix.SIOCGIFNAME, request); err != nil {
		return "", err
	}
	return request.Name(), nil
}

func (k *netKernel) driver(name string) (string, error) {
	info, err := unix.IoctlGetEthtoolDrvinfo(k.fd, name)
	if err != nil {
		return "", err
	}
	return unix.ByteSliceToString(info.Driver[:]), nil
}

func (k *netKernel) tsInfo(name string) (unix.EthtoolTsInfo, error) {
	info, err := unix.IoctlGetEthtoolTsInfo(k.fd, name)
	if err != nil {
		return unix.EthtoolTsInfo{}, err
	}
	return *info, nil
}

func (k *netKernel) stamping(name string) (Stamping, error) {
	c, err := unix.IoctlGetHwTstamp(k.fd, name)
	if err != nil {
		return Stamping{}, err
	}
	return Stamping{TxMode(c.Tx_type), RxFilter(c.Rx_filter)}, nil
}

func (k *netKernel) setStamping(name string, s Stamping) (Stamping, error) {
	c := unix.HwTstampConfig{Tx_type: int32(s.Tx), Rx_filter: int32(s.Rx)}
	if err := unix.IoctlSetHwTstamp(k.fd, name, &c); err != nil {
		return Stamping{}, err
	}
	return Stamping{TxMode(c.Tx_type), RxFilter(c.Rx_filter)}, nil
}

// lower is the device below a VLAN's or macvlan's, or a bond's active one. A
// bridge has several: none. A device with hardware of its own, such as a port of
// a switch, ends the search.
func (k *netKernel) lower(name string) (string, error) {
	if _, err := os.Lstat(filepath.Join(k.sys, name, "device")); err == nil {
		return "", nil
	}
	if active, err := k.read(name, "bonding/active_slave"); err == nil && active != "" {
		return active, nil
	}
	below, err := filepath.Glob(filepath.Join(k.sys, name, "lower_*"))
	if err != nil || len(below) != 1 {
		return "", err
	}
	return strings.TrimPrefix(filepath.Base(below[0]), "lower_"), nil
}

func (k *netKernel) clockOf(name string) string {
	found, err := filepath.Glob(filepath.Join(k.sys, name, "device/ptp/ptp*"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return filepath.Base(found[0])
}

func (k *netKernel) link(name string) (Link, error) {
	var l Link
	flags, err := unix.NewIfreq(name)
	if err != nil {
		return l, err
	}
	if err := unix.IoctlIfreq(k.fd, unix.SIOCGIFFLAGS, flags); err != nil {
		return l, fmt.Errorf("board: interface %q: %w", name, os.NewSyscallError("ioctl SIOCGIFFLAGS", err))
	}
	l.Carrier = flags.Uint16()&unix.IFF_RUNNING != 0
	if changes, err := k.read(name, "carrier_changes"); err == nil {
		l.Changes, _ = strconv.ParseUint(changes, 10, 64) // a kernel that does not count: 0
	}
	if speed, err := k.read(name, "speed"); err == nil {
		if n, err := strconv.Atoi(speed); err == nil && n > 0 {
			l.SpeedMbs = n
		}
	}
	l.MAC, _ = k.read(name, "address") // a device without one: ""
	return l, nil
}

func (k *netKernel) read(name, file string) (string, error) {
	b, err := os.ReadFile(filepath.Join(k.sys, name, file))
	return strings.TrimSpace(string(b)), err
}
