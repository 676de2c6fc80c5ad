package scenario

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/fault"
)

func (w *world) notification() notificationv1.NotificationServiceClient {
	return notificationv1.NewNotificationServiceClient(w.conn("notification"))
}

// followUp answers the newest follow-up of the complaint. The customer does it as
// customers do: with the link in the mail that the suite sent; staff enter what they
// were told.
func followUp(ctx context.Context, w *world, in *input) (string, error) {
	mode := in.text("mode", "telephone")
	in.taken["form"] = true
	if w.complaint == "" {
		return followUpOutside(ctx, w, in, mode)
	}
	c, err := w.seen(ctx, in)
	if err != nil {
		return "", err
	}
	facts, err := in.facts()
	if err != nil {
		return "", err
	}
	if w.actor == customer {
		token, err := w.surveyLink(ctx, c.GetNumber())
		if err != nil {
			return "", err
		}
		_, err = w.notification().SubmitSurvey(ctx, &notificationv1.SubmitSurveyRequest{Token: token, Facts: facts, RequestId: uuid.NewString()})
		return "", err
	}
	all, err := w.followUps(ctx, c.GetName())
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", in.mistake("nobody was asked yet")
	}
	f := all[len(all)-1]
	_, err = w.notification().RecordFollowUp(w.acting(ctx), &notificationv1.RecordFollowUpRequest{Name: f.GetName(), Mode: mode, Facts: facts, Etag: f.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

// followUpOutside enters an answer to the newest follow-up that is open and about no
// complaint: a form of a campaign, or a visit after something was put right.
func followUpOutside(ctx context.Context, w *world, in *input, mode string) (string, error) {
	facts, err := in.facts()
	if err != nil {
		return "", err
	}
	open, err := w.list1(ctx, lister("followUps/*"), "", "")
	if err != nil {
		return "", err
	}
	for _, item := range slices.Backward(open) {
		f, ok := item.Interface().(*notificationv1.FollowUp)
		if !ok || f.GetState() != notificationv1.FollowUp_STATE_OPEN || f.GetComplaint() != "" {
			continue
		}
		made, err := w.notification().RecordFollowUp(w.acting(ctx), &notificationv1.RecordFollowUpRequest{Name: f.GetName(), Mode: mode, Facts: facts, Etag: f.GetEtag(), RequestId: uuid.NewString()})
		return made.GetFollowUp().GetName(), err
	}
	return "", in.mistake("nobody is asked anything outside complaints")
}

// surveyLink returns the token of the newest mail whose link still opens the survey of
// the complaint.
func (w *world) surveyLink(ctx context.Context, number string) (string, error) {
	folder := filepath.Join(w.data, "mailbox", "new")
	entries, err := os.ReadDir(folder) // sorted by name, which is by time
	if err != nil {
		return "", err
	}
	last := error(fault.New(fault.NotFound, "LINK_INVALID"))
	for _, e := range slices.Backward(entries) {
		raw, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return "", err
		}
		for _, token := range tokens().FindAllString(wordsIn(raw), -1) {
			survey, err := w.notification().GetSurvey(ctx, &notificationv1.GetSurveyRequest{Token: token})
			if err == nil && survey.GetNumber() == number {
				return token, nil
			}
			if err != nil {
				last = err
			}
		}
	}
	return "", last
}

// tokens of links: what they are about, and the signature.
func tokens() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9_-]{30,120}\.[A-Za-z0-9_-]{43}`) }

// wordsIn returns the words of a mail, whatever its parts and encodings.
func wordsIn(raw []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	return part(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
}

func part(kind, encoding string, body io.Reader) string {
	media, params, err := mime.ParseMediaType(kind)
	if err == nil && strings.HasPrefix(media, "multipart/") {
		var out strings.Builder
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err != nil {
				return out.String()
			}
			out.WriteString(part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p))
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return ""
	}
	return string(text)
}

// makeReport makes a report of the pack.
func makeReport(ctx context.Context, w *world, in *input) (string, error) {
	got, err := reportingv1.NewReportingServiceClient(w.conn("reporting")).GenerateReport(w.acting(ctx), &reportingv1.GenerateReportRequest{
		Report: in.text("report", ""), Period: in.text("period", ""), Per: in.text("per", ""), Written: in.text("written", ""), RequestId: uuid.NewString(),
	})
	if err != nil {
		return "", err
	}
	w.report = got.GetReport().GetName()
	return w.report, nil
}
