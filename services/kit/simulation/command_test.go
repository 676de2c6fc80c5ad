package simulation_test

import (
	"encoding/json"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/journal"
)

// command is what an event of the source tells the sink to do.
type command struct {
	Do, Kind    string
	Limit, Each string  `json:",omitempty"`
	Warn        []int64 `json:",omitempty"` // seconds before the due instant
	Seconds     int64   `json:",omitempty"` // of an extension
}

const (
	doStart  = "start"
	doMeet   = "meet"
	doCancel = "cancel"
	doPause  = "pause"
	doResume = "resume"
	doExtend = "extend"
)

func (c command) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func readCommand(text string) (c command, err error) {
	return c, json.Unmarshal([]byte(text), &c)
}

// obey does what the command says at the instant at which it was given.
func (c command) obey(u *journal.Unit, subject, complaint string) error {
	name := subject + "/clocks/" + c.Kind + "-1"
	switch c.Do {
	case doStart:
		limit, err := calendar.ParseLimit(c.Limit)
		if err != nil {
			return err
		}
		each, err := calendar.ParseLimit(c.Each)
		if err != nil && c.Each != "" {
			return err
		}
		spec := clocks.Spec{Subject: subject, Complaint: complaint, Kind: c.Kind, Limit: limit, Each: each, Start: u.Time()}
		for _, seconds := range c.Warn {
			spec.Warn = append(spec.Warn, time.Duration(seconds)*time.Second)
		}
		_, err = clocks.Start(u, spec)
		return err
	case doMeet:
		return clocks.Meet(u, subject, c.Kind, u.Time())
	case doCancel:
		return clocks.Cancel(u, subject, c.Kind)
	case doPause:
		return clocks.Pause(u, name, "", "people/li")
	case doResume:
		return clocks.Resume(u, name)
	}
	k := &clockv1.Clock{}
	if _, err := u.Get(name, k); err != nil {
		return err
	}
	return clocks.Extend(u, name, k.GetDueTime().AsTime().Add(time.Duration(c.Seconds)*time.Second), "", "people/li")
}
