package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// largest is what a bundle may have at the most: two slots are 256 MB.
const largest = 256 << 20

// stall is how long a server may say nothing.
const stall = time.Minute

// fetch brings a bundle to a file of dir. What is a file already stays where it is.
func fetch(ctx context.Context, from, dir string, out io.Writer) (file string, done func(), err error) {
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		if strings.Contains(from, "://") {
			return "", nil, fmt.Errorf("%s: only files, http and https are known (fix: copy the bundle to the board)", from)
		}
		bundle, err := filepath.Abs(from)
		if err != nil {
			return "", nil, err
		}
		info, err := os.Stat(bundle)
		switch {
		case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENOTDIR):
			return "", nil, fmt.Errorf("there is no file %s (fix: its whole path; a URL begins with http:// or https://)", from)
		case err != nil:
			return "", nil, fmt.Errorf("%w (fix: its whole path; a URL begins with http:// or https://)", err)
		case !info.Mode().IsRegular():
			return "", nil, fmt.Errorf("%s is no file (fix: name a bundle, bragi-BOARD-VERSION.raucb)", from)
		}
		return bundle, func() {}, nil
	}
	file = downloaded(dir)
	done = func() { _ = os.Remove(file) }
	done()
	if err := download(ctx, from, file, out); err != nil {
		done()
		return "", nil, fmt.Errorf("%s: %w", from, err)
	}
	return file, done, nil
}

func download(ctx context.Context, from, file string, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	silent := time.AfterFunc(stall, func() { cancel(fmt.Errorf("the server says nothing for %v (fix: try again)", stall)) })
	defer silent.Stop()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("the server says %s (fix: check the address)", answer.Status)
	case answer.ContentLength > largest:
		return fmt.Errorf("the server would send %d bytes, more than any bundle has (fix: check the address)", answer.ContentLength)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(file), &disk); err == nil {
		if free := int64(disk.Bavail) * int64(disk.Bsize); answer.ContentLength > free-(4<<20) {
			return fmt.Errorf("%d bytes do not fit: the data partition has %d free (fix: a larger card)", answer.ContentLength, free)
		}
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	p := &progress{out: out, total: answer.ContentLength, heard: func() { silent.Reset(stall) }}
	n, err := io.Copy(f, io.TeeReader(io.LimitReader(answer.Body, largest+1), p))
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err == nil && n > largest {
		err = errors.New("the server sends more than any bundle has (fix: check the address)")
	}
	return errors.Join(err, f.Close())
}

// progress tells each tenth that has come.
type progress struct {
	out         io.Writer
	total, come int64
	tenth       int64
	heard       func()
}

func (p *progress) Write(b []byte) (int, error) {
	p.heard()
	p.come += int64(len(b))
	if p.total > 0 {
		if tenth := p.come * 10 / p.total; tenth > p.tenth {
			p.tenth = tenth
			fmt.Fprintf(p.out, "%3d %% of %d MB downloaded\n", tenth*10, p.total>>20)
		}
	}
	return len(b), nil
}
