package pages

import (
	"net/http"
	"time"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
)

type statusView struct {
	Number   string
	State    string
	Received string
	Updated  string
	Promises []promise
}

type promise struct{ What, Until string }

// zone is that of the organisations the suite is made for first; instants are
// shown with it named. Source: PROCEDURES.md K11.
const zone = "Asia/Shanghai"

// status shows where a complaint stands to the holder of its link.
func (p *Pages) status(w http.ResponseWriter, r *http.Request) {
	got, err := p.intake.GetStatus(r.Context(), &intakev1.GetStatusRequest{Token: r.PathValue("token")})
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := page{English: english(r)}
	s := statusView{
		Number: got.GetNumber(), State: stateWords(view, got.GetState()),
		Received: local(got.GetReceiveTime().AsTime()), Updated: local(got.GetUpdateTime().AsTime()),
	}
	for _, l := range got.GetPromisedLimits() {
		text := l.GetRule().GetText()
		s.Promises = append(s.Promises, promise{What: view.T(text.GetZh(), text.GetEn()), Until: local(l.GetDueTime().AsTime())})
	}
	view.Data = s
	p.show(w, http.StatusOK, "status.html", view)
}

func stateWords(p page, s intakev1.Complaint_State) string {
	switch s {
	case intakev1.Complaint_STATE_REGISTERED:
		return p.T("已登记，正在核实", "Registered, being verified")
	case intakev1.Complaint_STATE_VERIFIED:
		return p.T("已核实，正在处理", "Verified, being handled")
	case intakev1.Complaint_STATE_WITHDRAWN:
		return p.T("已撤回", "Withdrawn")
	case intakev1.Complaint_STATE_CLOSED, intakev1.Complaint_STATE_ARCHIVED:
		return p.T("已办结", "Closed")
	default:
		return p.T("处理中", "In progress")
	}
}

func local(t time.Time) string {
	l, err := time.LoadLocation(zone)
	if err != nil {
		return t.UTC().Format("2006-01-02 15:04 MST")
	}
	return t.In(l).Format("2006-01-02 15:04") + " (UTC+8)"
}
