package edge

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
)

// Reasons of the edge.
const (
	reasonMalformed = "MALFORMED_JSON"
	reasonRoute     = "ROUTE_UNKNOWN"
	reasonMethod    = "HTTP_METHOD"
	reasonBody      = "BODY_TOO_LARGE"
	reasonUpload    = "MALFORMED_UPLOAD"
)

// Reasons returns the catalogue entries of the edge.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: reasonMalformed, Kind: fault.Invalid, ZH: "无法读取请求内容：{detail}。", EN: "The request cannot be read: {detail}."},
		{Reason: reasonRoute, Kind: fault.NotFound, ZH: "没有这个地址：{path}。接口清单见 /docs。", EN: "There is no such address: {path}. See /docs for what there is."},
		{Reason: reasonMethod, Kind: fault.Invalid, ZH: "地址 {path} 不支持 {method}。", EN: "{path} does not take {method}."},
		{Reason: reasonBody, Kind: fault.Exhausted, ZH: "请求内容超过上限 {limit} 字节。", EN: "The body is larger than {limit} bytes."},
		{Reason: reasonUpload, Kind: fault.Invalid, ZH: "上传内容不完整：{detail}。", EN: "The upload cannot be read: {detail}."},
	}
}

func table() *rpcerr.Table {
	c, err := fault.NewCatalogue(Reasons()...)
	if err != nil {
		panic(err) // a defect in the list above, found by the first test
	}
	return rpcerr.New(c)
}

func notFound(path string) error {
	return fault.New(fault.NotFound, reasonRoute, "path", path)
}

func tooLarge(limit int) error {
	return fault.New(fault.Exhausted, reasonBody, "limit", strconv.Itoa(limit))
}

// writeError implements runtime.ErrorHandlerFunc.
func writeError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	writeStatus(w, r, err)
}

// writeRoutingError implements runtime.RoutingErrorHandlerFunc.
func writeRoutingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	switch code {
	case http.StatusMethodNotAllowed:
		writeStatusCode(w, r, fault.New(fault.Invalid, reasonMethod, "path", r.URL.Path, "method", r.Method), code)
	case http.StatusBadRequest:
		writeStatus(w, r, fault.New(fault.Invalid, reasonMalformed, "detail", "path"))
	default:
		writeStatus(w, r, notFound(r.URL.Path))
	}
}

func writeStatus(w http.ResponseWriter, r *http.Request, err error) {
	writeStatusCode(w, r, err, 0)
}

// writeStatusCode writes the error in the form of AIP-193: {"error": {code,
// status, message, details}}. What came from a service is passed on as it is,
// in the language the service chose by Accept-Language.
func writeStatusCode(w http.ResponseWriter, r *http.Request, err error, code int) {
	s := statusOf(r, err)
	if code == 0 {
		code = runtime.HTTPStatusFromCode(s.Code())
	}
	details, marshalErr := protojson.Marshal(s.Proto())
	if marshalErr != nil {
		details = []byte(`{}`)
	}
	for _, d := range s.Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok {
			w.Header().Set("Retry-After", strconv.Itoa(int((retry.GetRetryDelay().AsDuration()+time.Second-1)/time.Second)))
		}
	}
	if s.Code() == codes.Unauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer realm="redress"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(errorBody(code, s, details)) // the client is gone; nobody is left to tell
}

func statusOf(r *http.Request, err error) *status.Status {
	locale := rpcLocale(r)
	if tooMuch, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return table().Status(locale, tooLarge(int(tooMuch.Limit)))
	}
	if f, ok := fault.As(err); ok {
		return table().Status(locale, f)
	}
	s, ok := status.FromError(err)
	if !ok {
		return table().Status(locale, err)
	}
	// What the mux itself refuses has no details: it could not read the request.
	if s.Code() == codes.InvalidArgument && len(s.Details()) == 0 {
		return table().Status(locale, malformed(s.Message()))
	}
	return s
}

// malformed says what could not be read, and names the field where it is one that does
// not exist: as it stands in the body, or as a parameter of the address.
func malformed(detail string) error {
	detail = strings.TrimPrefix(detail, "rpc error: code = InvalidArgument desc = ")
	f := fault.New(fault.Invalid, reasonMalformed, "detail", detail)
	if m := regexp.MustCompile(`unknown (?:field|parameter) "([^"]{1,200})"`).FindStringSubmatch(detail); m != nil {
		return f.WithViolations(fault.Violation{Field: m[1], Reason: reasonMalformed})
	}
	return f
}
