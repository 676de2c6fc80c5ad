package edge

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/status"

	"example.com/redress/services/kit/fault"
)

// errorBody returns the JSON of an error. raw is the status as protojson.
func errorBody(httpCode int, s *status.Status, raw []byte) []byte {
	var parsed struct {
		Details []json.RawMessage `json:"details,omitempty"`
	}
	// raw was made by protojson a moment ago; details that cannot be read are left out.
	_ = json.Unmarshal(raw, &parsed)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	body := map[string]any{"error": map[string]any{
		"code":    httpCode,
		"status":  code.Code(s.Code()).String(),
		"message": s.Message(),
		"details": parsed.Details,
	}}
	if err := enc.Encode(body); err != nil {
		return []byte(`{"error":{}}`)
	}
	return out.Bytes()
}

// rpcLocale returns the language of the suite nearest to what the client reads:
// Chinese unless English is asked for first.
func rpcLocale(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag := strings.ToLower(strings.TrimSpace(part))
		switch {
		case strings.HasPrefix(tag, "zh"):
			return fault.Chinese
		case strings.HasPrefix(tag, "en"):
			return fault.English
		}
	}
	return fault.Chinese
}
