package live

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// pty is the receiver's serial line: we hold the master, the daemon opens the
// slave as if it were /dev/ttyS4. We keep the slave open too, so that its
// settings stay raw and a daemon that closes and opens it sees no hang-up.
//
// A real line keeps nothing for a reader who is not there. The kernel's buffer
// would: so when nothing at all was read from one burst to the next, what waits
// is thrown away.
type pty struct {
	master, slave int
	name          string
	wrote         timescale.Mono // latest write
	unread        int            // bytes that waited after it
}

func openPTY() (*pty, error) {
	const fix = "mount devpts on /dev/pts, or give this user access to /dev/ptmx"
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("board/sim/live: no pseudo terminal for the receiver: %w: %s", &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}, fix)
	}
	p := &pty{master: master, slave: -1}
	if err := p.setUp(); err != nil {
		p.close()
		return nil, fmt.Errorf("board/sim/live: no pseudo terminal for the receiver: %w: %s", err, fix)
	}
	return p, nil
}

func (p *pty) setUp() error {
	n, err := unix.IoctlGetInt(p.master, unix.TIOCGPTN)
	if err != nil {
		return os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	if err := unix.IoctlSetPointerInt(p.master, unix.TIOCSPTLCK, 0); err != nil {
		return os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	p.name = "/dev/pts/" + strconv.Itoa(n)
	if p.slave, err = unix.Open(p.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		p.slave = -1
		return &os.PathError{Op: "open", Path: p.name, Err: err}
	}
	t, err := unix.IoctlGetTermios(p.slave, unix.TCGETS)
	if err != nil {
		return os.NewSyscallError("ioctl TCGETS", err)
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	return os.NewSyscallError("ioctl TCSETS", unix.IoctlSetTermios(p.slave, unix.TCSETS, t))
}

// burstGap is a pause that divides one burst from the next.
const burstGap = 200 * time.Millisecond

// write sends b, or as much of it as there is room for. It never blocks.
func (p *pty) write(b []byte, now timescale.Mono) {
	if now.Sub(p.wrote) > burstGap && p.unread > 0 && p.waiting() >= p.unread {
		// A failure leaves old bytes there, which a reader must bear anyway.
		_ = unix.IoctlSetInt(p.slave, unix.TCFLSH, unix.TCIFLUSH)
	}
	// A full buffer takes less or nothing: those bytes are lost, as on a line.
	_, _ = unix.Write(p.master, b)
	p.wrote, p.unread = now, p.waiting()
}

// waiting is how many bytes the slave's reader has not read.
func (p *pty) waiting() int {
	n, err := unix.IoctlGetInt(p.slave, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// take is what the host wrote to the receiver since the last call.
func (p *pty) take() (text []byte) {
	var b [256]byte
	for {
		n, err := unix.Read(p.master, b[:])
		if n <= 0 || err != nil {
			return text
		}
		text = append(text, b[:n]...)
	}
}

// rates are the speeds of a serial line.
var rates = map[uint32]int{unix.B4800: 4800, unix.B9600: 9600, unix.B19200: 19_200, unix.B38400: 38_400, unix.B57600: 57_600,
	unix.B115200: 115_200, unix.B230400: 230_400, unix.B460800: 460_800, unix.B921600: 921_600}

// hostBaud is the rate that the host has set, 0 where it cannot be told.
func (p *pty) hostBaud() int {
	t, err := unix.IoctlGetTermios(p.slave, unix.TCGETS)
	if err != nil {
		return 0
	}
	return rates[uint32(t.Cflag)&unix.CBAUD]
}

func (p *pty) close() {
	if p.slave >= 0 {
		_ = unix.Close(p.slave)
	}
	_ = unix.Close(p.master)
}
