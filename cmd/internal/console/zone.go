package console

import (
	"cmp"
	"context"
	"time"

	"bragi/cmd/internal/config"
)

// settings are those of the section [console], from the daemon, else from the file. A
// configuration that is wrong or missing has the defaults.
func (s *session) settings() config.Console {
	ctx, cancel := context.WithTimeout(s.ctx, statusPatience)
	defer cancel()
	var text []byte
	if now, err := s.client.Config(ctx); err == nil {
		text = []byte(now.Text)
	} else if text, err = config.ReadText(s.cfg.File); err != nil {
		text = nil
	}
	c, _, err := config.Parse("", text, nil)
	if err != nil {
		c, _, err = config.Parse("", nil, []string{"board.profile=sim"})
	}
	if err != nil {
		return config.Console{TimeZone: "UTC"}
	}
	return c.Console
}

// settle takes the settings on.
func (s *session) settle() {
	c := s.settings()
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	s.zone, s.idle = zone, max(0, cmp.Or(s.cfg.Idle, c.Idle))
}
