// receiver runs inside an emulated machine: a command whose output is a GNSS receiver's, at a serial port of its own.
// It prints the port's path first. The port belongs to the user bragi.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "receiver:", err)
		os.Exit(1)
	}
}

func run(command []string) error {
	port, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	n, err := unix.IoctlGetInt(int(port.Fd()), unix.TIOCGPTN)
	if err != nil {
		return os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	if err := unix.IoctlSetPointerInt(int(port.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	path := fmt.Sprintf("/dev/pts/%d", n)
	bragi, err := user.Lookup("bragi")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(bragi.Uid)
	if err != nil {
		return err
	}
	if err := os.Chown(path, uid, -1); err != nil {
		return err
	}
	fmt.Println(path)
	receiver := exec.Command(command[0], command[1:]...) // #nosec G204 -- the test names it
	receiver.Stdout = port
	return receiver.Run()
}
