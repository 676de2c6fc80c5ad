// Package pages serves the HTML that customers open from a link: the survey and
// the status of a complaint, and for developers the description of the API. It
// needs no script, works on a phone, and shows no name and no text of anybody.
//
// Start reading at [New].
//
// Source: DESIGN section 8.
package pages

import (
	"embed"
	"html/template"
	"net/http"
	"strings"

	"google.golang.org/grpc"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
)

//go:embed templates/*.html templates/*.css
var files embed.FS

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	intake       intakev1.IntakeServiceClient
	notification notificationv1.NotificationServiceClient
	templates    *template.Template
	style        []byte
	api          []operation
	document     []byte
}

// New returns the pages. document is the OpenAPI description that /docs shows.
func New(intake, notification grpc.ClientConnInterface, document []byte) (*Pages, error) {
	t, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		return nil, err
	}
	api, err := operations(document)
	if err != nil {
		return nil, err
	}
	return &Pages{
		intake:       intakev1.NewIntakeServiceClient(intake),
		notification: notificationv1.NewNotificationServiceClient(notification),
		templates:    t, style: style, api: api, document: document,
	}, nil
}

// Register adds the pages to mux.
func (p *Pages) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /survey/{token}", p.survey)
	mux.HandleFunc("POST /survey/{token}", p.submitSurvey)
	mux.HandleFunc("GET /status/{token}", p.status)
	mux.HandleFunc("GET /docs", p.docs)
	mux.HandleFunc("GET /openapi.json", p.openapi)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(p.style) // the client is gone; nobody is left to tell
	})
}

// show renders a page. Pages that belong to a link are never stored by anybody,
// never framed, and send no referrer that would carry the token on.
func (p *Pages) show(w http.ResponseWriter, code int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(code)
	_ = p.templates.ExecuteTemplate(w, name, data) // the header is out; a broken page shows itself
}

// english says whether the browser asks for English before Chinese.
func english(r *http.Request) bool {
	if lang := r.URL.Query().Get("lang"); lang != "" {
		return strings.HasPrefix(lang, "en")
	}
	for part := range strings.SplitSeq(strings.ToLower(r.Header.Get("Accept-Language")), ",") {
		switch part = strings.TrimSpace(part); {
		case strings.HasPrefix(part, "zh"):
			return false
		case strings.HasPrefix(part, "en"):
			return true
		}
	}
	return false
}

// page is what every template gets.
type page struct {
	// English chooses the language of the page's own words.
	English bool
	// Token is that of the link.
	Token string
	// Problem is a message above the form; empty for none.
	Problem string
	// Data is what the page shows.
	Data any
}

// T returns the sentence in the page's language.
func (p page) T(zh, en string) string {
	if p.English {
		return en
	}
	return zh
}
