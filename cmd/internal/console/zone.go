package console

import "time"

// zone is the time zone that times are shown in.
func (s *session) zone() *time.Location { return time.Local }
