package mailbox

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"strings"
)

// deepest bounds how far parts within parts are followed.
const deepest = 5

// Mail is one mail with its readable parts.
type Mail struct {
	Entry
	// Text and HTML are the first parts of their kind; attachments are not shown.
	Text, HTML string
	// Raw is the mail as it came, after the lines for the envelope.
	Raw []byte
}

// header is what mail and MIME headers have in common.
type header interface{ Get(name string) string }

// read collects text and HTML. A part that cannot be read is left out: Raw has it.
func (m *Mail) read(h header, body io.Reader, depth int) {
	kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && depth < deepest {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				return
			}
			m.read(part.Header, part, depth+1)
		}
	}
	if disposition, _, _ := mime.ParseMediaType(h.Get("Content-Disposition")); disposition == "attachment" {
		return
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	raw, err := io.ReadAll(body)
	if err != nil && len(raw) == 0 {
		return
	}
	text := strings.ToValidUTF8(string(raw), "\uFFFD")
	switch {
	case kind == "text/plain" && m.Text == "":
		m.Text = text
	case kind == "text/html" && m.HTML == "":
		m.HTML = text
	}
}
