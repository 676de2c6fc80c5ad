package mailbox

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
)

//go:embed page.html
var pages embed.FS

// perPage is how many mails one page lists.
const perPage = 50

// Handler returns the page: GET / lists, GET /{id} shows one mail, GET
// /{id}/raw gives it as it came. It answers only callers on this machine who
// name it by a loopback address or localhost, so that no page of the Web can
// read it through a name of its own. HTML of mails is shown without scripts,
// forms and anything from outside.
//
// Mounted below a path, wrap it in http.StripPrefix; links are relative.
func (b *Mailbox) Handler() (http.Handler, error) {
	t, err := template.ParseFS(pages, "page.html")
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		list, err := b.List(r.FormValue("before"), perPage+1)
		if err != nil {
			http.Error(w, "cannot read the mailbox", http.StatusInternalServerError)
			return
		}
		data := struct {
			List []Entry
			Next string
		}{List: list}
		if len(list) > perPage {
			data.List = list[:perPage]
			data.Next = data.List[perPage-1].ID
		}
		render(w, t, "list", data)
	})
	mux.HandleFunc("GET /{id}", func(w http.ResponseWriter, r *http.Request) {
		if m := b.wanted(w, r); m != nil {
			render(w, t, "mail", m)
		}
	})
	mux.HandleFunc("GET /{id}/raw", func(w http.ResponseWriter, r *http.Request) {
		if m := b.wanted(w, r); m != nil {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write(m.Raw)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.RemoteAddr) || !isLocal(r.Host) {
			http.Error(w, "only on this machine", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}), nil
}

func (b *Mailbox) wanted(w http.ResponseWriter, r *http.Request) *Mail {
	m, err := b.Get(r.PathValue("id"))
	if errors.Is(err, ErrNoMail) {
		http.NotFound(w, r)
		return nil
	}
	if err != nil {
		http.Error(w, "cannot read the mail", http.StatusInternalServerError)
		return nil
	}
	return m
}

func render(w http.ResponseWriter, t *template.Template, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = t.ExecuteTemplate(w, name, data) // a broken connection is the reader's
}

// isLocal reports whether the host, with or without port, is this machine.
func isLocal(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
