// Package media finds out what a file of evidence is, by its content and never by
// its name.
package media

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/fault"
)

// sniffedBytes is how much of a file its type is found from.
const sniffedBytes = 512

// mediaTypes are what evidence may be, by content: pictures, sound, film, PDF
// and plain text. Pages and archives are not, since they carry what runs elsewhere.
func mediaTypes() []string {
	return []string{
		"application/pdf", "audio/mpeg", "audio/wave", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp",
		"text/plain", "video/mp4", "video/webm",
	}
}

// Type returns the type of a file by its content, or the fault EVIDENCE_TYPE.
func Type(content []byte) (string, error) {
	found := http.DetectContentType(content[:min(len(content), sniffedBytes)])
	kind, _, err := mime.ParseMediaType(found)
	if err != nil || !slices.Contains(mediaTypes(), kind) || kind == "text/plain" && looksLikeMarkup(content) {
		return "", fault.New(fault.Invalid, domain.ReasonType, "type", kind, "allowed", strings.Join(mediaTypes(), ", "))
	}
	return kind, nil
}

// looksLikeMarkup finds pages and drawings with script that pass as plain text.
func looksLikeMarkup(content []byte) bool {
	head := strings.ToLower(string(content[:min(len(content), 4096)]))
	return strings.Contains(head, "<svg") || strings.Contains(head, "<html") || strings.Contains(head, "<script") || strings.Contains(head, "<?xml")
}
