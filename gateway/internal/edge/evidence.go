package edge

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc/metadata"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/fault"
)

const (
	// chunkSize is how much of a file one message carries.
	chunkSize = 256 << 10
	// maxUpload bounds what the edge reads of one upload: the limit of a file
	// and room for the form round it. Intake enforces the limit of the file itself.
	maxUpload = 21 << 20
)

// upload streams a file to intake. The body is the file itself, or a form with
// the file in its part "file" and before it, optionally, parts "document", "note"
// and "sha256"; for a plain body these are query parameters, and the name comes
// from Content-Disposition or the parameter file_name.
func (e *edge) upload(w http.ResponseWriter, r *http.Request, complaint string) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	header, content, err := readUpload(r)
	if err != nil {
		writeStatus(w, r, err)
		return
	}
	header.Parent = "complaints/" + complaint
	if header.RequestId == "" {
		header.RequestId = r.Header.Get("Idempotency-Key")
	}
	ctx, cancel := context.WithCancel(outgoing(r))
	defer cancel()
	stream, err := e.intake.UploadEvidence(ctx)
	if err != nil {
		writeStatus(w, r, err)
		return
	}
	err = stream.Send(&intakev1.UploadEvidenceRequest{Part: &intakev1.UploadEvidenceRequest_Header{Header: header}})
	for buf := make([]byte, chunkSize); err == nil; {
		var n int
		n, err = readChunk(content, buf)
		if n > 0 {
			if sendErr := stream.Send(&intakev1.UploadEvidenceRequest{Part: &intakev1.UploadEvidenceRequest_Chunk{Chunk: append([]byte(nil), buf[:n]...)}}); sendErr != nil {
				err = io.EOF // the answer says why
			}
		}
	}
	// A body that breaks off, ErrUnexpectedEOF, is no file.
	if err != io.EOF { //nolint:errorlint // wrapped, it would be the end of something else
		writeStatus(w, r, uploadError(err))
		return
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		writeStatus(w, r, err)
		return
	}
	writeMessage(w, http.StatusOK, answer.GetEvidence())
}

// readChunk fills buf as far as there is content. Other than io.ReadFull it tells
// the end of the content, io.EOF, from a body that broke off.
func readChunk(content io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var more int
		more, err = content.Read(buf[n:])
		n += more
	}
	return n, err
}

func readUpload(r *http.Request) (*intakev1.EvidenceHeader, io.Reader, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		q := r.URL.Query()
		name := q.Get("file_name")
		if _, disposition, err := mime.ParseMediaType(r.Header.Get("Content-Disposition")); err == nil && name == "" {
			name = disposition["filename"]
		}
		return header(name, q.Get), r.Body, nil
	}
	fields := url.Values{}
	form := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, nil, uploadError(err)
		}
		if part.FormName() == "file" {
			// FileName keeps the last element only, which is what a label is for.
			return header(part.FileName(), fields.Get), part, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, 64<<10))
		if err != nil {
			return nil, nil, uploadError(err)
		}
		fields.Set(part.FormName(), string(value))
	}
}

func header(fileName string, get func(string) string) *intakev1.EvidenceHeader {
	return &intakev1.EvidenceHeader{
		Evidence:  &intakev1.Evidence{FileName: fileName, Document: get("document"), Note: get("note")},
		Sha256:    strings.ToLower(get("sha256")),
		RequestId: get("request_id"),
	}
}

func uploadError(err error) error {
	if tooMuch, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(int(tooMuch.Limit))
	}
	detail := "connection"
	if errors.Is(err, io.EOF) {
		detail = "part file is missing"
	}
	return fault.New(fault.Invalid, reasonUpload, "detail", detail).Wrap(err)
}

// download streams a file, always as an attachment, so that nothing in it runs here.
func (e *edge) download(w http.ResponseWriter, r *http.Request, name string) {
	stream, err := e.intake.DownloadEvidence(outgoing(r), &intakev1.DownloadEvidenceRequest{Name: name})
	if err != nil {
		writeStatus(w, r, err)
		return
	}
	first, err := stream.Recv()
	if err != nil {
		writeStatus(w, r, err)
		return
	}
	file := first.GetEvidence()
	w.Header().Set("Content-Type", file.GetMediaType())
	w.Header().Set("Content-Length", strconv.FormatInt(file.GetSize(), 10))
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.GetFileName()}))
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
	w.Header().Set("ETag", `"`+file.GetSha256()+`"`)
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			// The header is out: breaking the connection is the only honest end.
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(m.GetChunk()); err != nil { //nolint:gosec // sent as an attachment in a sandbox, no page
			return
		}
	}
}

// outgoing carries what the caller is known by to a service that is called by hand.
func outgoing(r *http.Request) context.Context {
	md := metadata.MD{}
	if token := r.Header.Get("Authorization"); token != "" {
		md.Set("authorization", token)
	}
	for key, values := range r.Header {
		if name, ok := incoming(key); ok {
			md.Append(name, values...)
		}
	}
	return metadata.NewOutgoingContext(r.Context(), md)
}
