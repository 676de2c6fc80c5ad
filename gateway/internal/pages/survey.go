package pages

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
)

// question is one item of the survey as the template shows it.
type question struct {
	ID       string
	Text     string
	Type     string
	Scores   []int32
	Options  []option
	Required bool
	Value    string
	Missing  bool
}

type option struct{ ID, Text string }

type survey struct {
	Number    string
	Questions []question
	RequestID string
}

// survey shows the questions. Opening it changes nothing, so link previews of
// chat programs do no harm.
func (p *Pages) survey(w http.ResponseWriter, r *http.Request) {
	p.askSurvey(w, r, http.StatusOK, "", nil)
}

func (p *Pages) askSurvey(w http.ResponseWriter, r *http.Request, code int, problem string, missing map[string]bool) {
	token := r.PathValue("token")
	got, err := p.notification.GetSurvey(r.Context(), &notificationv1.GetSurveyRequest{Token: token})
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := page{English: english(r) || (r.Header.Get("Accept-Language") == "" && got.GetLocale() == fault.English), Token: token, Problem: problem}
	s := survey{Number: got.GetNumber(), RequestID: r.PostFormValue("request_id")}
	if uuid.Validate(s.RequestID) != nil {
		s.RequestID = uuid.NewString()
	}
	for _, item := range got.GetItems() {
		q := question{
			ID: item.GetId(), Text: view.T(item.GetText().GetZh(), item.GetText().GetEn()), Type: item.GetType(),
			Required: item.GetRequired(), Value: r.PostFormValue(item.GetId()), Missing: missing[item.GetId()],
		}
		for n := item.GetMin(); item.GetType() == "SCORE" && n <= item.GetMax(); n++ {
			q.Scores = append(q.Scores, n)
		}
		for _, o := range item.GetOptions() {
			q.Options = append(q.Options, option{o.GetId(), view.T(o.GetText().GetZh(), o.GetText().GetEn())})
		}
		s.Questions = append(s.Questions, q)
	}
	view.Data = s
	p.show(w, code, "survey.html", view)
}

// submitSurvey takes the answers. A second press of the button repeats the same
// request_id and gives the first answer.
func (p *Pages) submitSurvey(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 256<<10)
	token := r.PathValue("token")
	if err := r.ParseForm(); err != nil {
		p.failed(w, r, fault.New(fault.Exhausted, fault.ReasonTooLarge))
		return
	}
	got, err := p.notification.GetSurvey(r.Context(), &notificationv1.GetSurveyRequest{Token: token})
	if err != nil {
		p.failed(w, r, err)
		return
	}
	req := &notificationv1.SubmitSurveyRequest{Token: token, RequestId: r.PostFormValue("request_id"), Facts: map[string]*typev1.Fact{}}
	for _, item := range got.GetItems() {
		if f := answer(item.GetType(), r.PostFormValue(item.GetId())); f != nil {
			req.Facts[item.GetId()] = f
		}
	}
	ctx := metadata.AppendToOutgoingContext(r.Context(), "accept-language", r.Header.Get("Accept-Language"))
	if _, err = p.notification.SubmitSurvey(ctx, req); err != nil {
		f, ok := fault.As(rpcerr.FromStatus(err))
		if !ok || f.Kind != fault.Invalid {
			p.failed(w, r, err)
			return
		}
		missing := map[string]bool{}
		for _, v := range f.Violations {
			missing[v.Field] = true
		}
		view := page{English: english(r)}
		p.askSurvey(w, r, http.StatusBadRequest, view.T("请补全标出的问题后再提交。", "Please complete the questions marked, then submit again."), missing)
		return
	}
	p.show(w, http.StatusOK, "thanks.html", page{English: english(r)})
}

func answer(kind, value string) *typev1.Fact {
	if value == "" {
		return nil
	}
	switch kind {
	case "SCORE":
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return nil
		}
		return &typev1.Fact{Value: &typev1.Fact_Score{Score: int32(n)}}
	case "CHOICE":
		return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: value}}
	case "FLAG":
		return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: value == "true"}}
	default:
		return &typev1.Fact{Value: &typev1.Fact_Text{Text: value}}
	}
}

// failed shows that a link leads nowhere, or that a service is away; never why in detail.
func (p *Pages) failed(w http.ResponseWriter, r *http.Request, err error) {
	view := page{English: english(r)}
	f, ok := fault.As(rpcerr.FromStatus(err))
	if ok && f.Kind == fault.Unavailable {
		w.Header().Set("Retry-After", "5")
		view.Problem = view.T("服务暂不可用，请稍后再试。", "The service is away for a moment; please try again shortly.")
		p.show(w, http.StatusServiceUnavailable, "problem.html", view)
		return
	}
	view.Problem = view.T("链接无效、已过期或已经使用过。", "This link is not valid, has expired or was used already.")
	p.show(w, http.StatusNotFound, "problem.html", view)
}
