package daemon

import (
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
)

// processBegan is as near to the start of the process as a program can tell.
var processBegan = time.Now()

// held are the sockets that the service manager handed over (sd_listen_fds(3)).
// They are never closed: what comes while no process serves waits in them, and
// the manager hands them to the next one.
type held []*os.File

func takeSockets() held { return activation.Files(true) }

// descriptors are good as long as h is.
func (h held) descriptors() (fds []int) {
	for _, f := range h {
		fds = append(fds, int(f.Fd()))
	}
	return fds
}
