package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/version"
)

// chapter is a part of the text for a ticket.
type chapter struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// techWidth is how wide the text is, whatever the terminal: it is read elsewhere.
const techWidth = 120

// techCommand is everything in one text. What cannot be had is said in its place.
func techCommand(o *options) *cobra.Command {
	return command(o, "tech-support", "Everything in one text, for a ticket; without secrets", cli.NoArgs, screen[[]chapter]{
		ask: o.everything,
		draw: func(chapters []chapter, _ int) string {
			var b strings.Builder
			for _, c := range chapters {
				fmt.Fprintf(&b, "------------------ %s ------------------\n\n%s\n", c.Title, show.Fit(c.Text, techWidth))
			}
			return b.String()
		},
		json: func(chapters []chapter) any { return chapters }})
}

func (o *options) everything(ctx context.Context, _ []string) ([]chapter, error) {
	chapters := []chapter{{"bragi --version", version.Line("bragi") + "\n"}}
	add := func(title, text string) { chapters = append(chapters, chapter{title, config.Public(text)}) }
	s, err := o.status(ctx, nil)
	if err == nil {
		add("show version", "bragid "+s.Version+"\n")
		for _, p := range []struct {
			title string
			draw  func(status.Status) string
		}{
			{"show clock", show.Clock}, {"show alarms", show.Alarms}, {"walk of state and class", show.Walk}, {"show holdover", show.Holdover},
			{"show gnss", func(s status.Status) string { return show.GNSS(s, techWidth) }},
			{"show references", func(s status.Status) string { return show.References(s, techWidth) }},
			{"show hardware", show.Hardware}, {"show interfaces", show.Interfaces}, {"show restart", show.Restart},
			{"show ptp clock running", func(s status.Status) string { return show.PTPClockRunning(s, 0) }}, {"show ptp port", show.PTPPort},
			{"show network-clocks synchronization", func(s status.Status) string { return show.NetworkClocks(s, 0) }},
			{"show twin", show.Twin},
			{"show clients", func(s status.Status) string { return show.Clients(s, 0) }},
		} {
			add(p.title, p.draw(s))
		}
		var past []status.PastAlarm
		if err := o.client().Get(ctx, "/v1/alarms/history", &past); err == nil {
			add("show alarms history", show.AlarmHistory(past, o.face.local, 0))
		}
		if c, err := o.publicConfig(ctx, nil); err == nil {
			add("show config", configText(c)+"\n"+c.Text)
		} else {
			add("show config", err.Error()+"\n")
		}
	} else {
		add("bragid", err.Error()+"\n")
	}
	log, logErr := o.log(ctx, logLines)
	if logErr != nil {
		log = []string{logErr.Error()}
	}
	add("show log", strings.Join(log, "\n")+"\n")
	if err != nil && logErr != nil {
		return nil, errors.Join(err, logErr)
	}
	return chapters, nil
}
