package edgetest_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/suite/suitetest"
)

// picture returns a PNG as its first bytes tell, of the size.
func picture(size int) []byte {
	p := bytes.Repeat([]byte("canary of evidence "), size/19+1)[:size]
	copy(p, "\x89PNG\r\n\x1a\n")
	return p
}

// form returns a multipart body with the file and its content type.
func form(t *testing.T, name string, content []byte, parts ...string) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		require.NoError(t, w.WriteField(parts[i], parts[i+1]))
	}
	part, err := w.CreateFormFile("file", name)
	require.NoError(t, err)
	_, err = part.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes(), w.FormDataContentType()
}

// upload sends a file over gRPC.
func upload(t *testing.T, s *suitetest.Suite, who, complaint, name string, content []byte, sum string) (*intakev1.Evidence, error) {
	t.Helper()
	stream, err := intakev1.NewIntakeServiceClient(s.Conn).UploadEvidence(s.As(who))
	require.NoError(t, err)
	// A stream that was refused takes no more; the answer says why.
	err = stream.Send(&intakev1.UploadEvidenceRequest{Part: &intakev1.UploadEvidenceRequest_Header{Header: &intakev1.EvidenceHeader{
		Parent: complaint, Evidence: &intakev1.Evidence{FileName: name}, Sha256: sum, RequestId: id(),
	}}})
	for err == nil && len(content) > 0 {
		n := min(len(content), 256<<10)
		err = stream.Send(&intakev1.UploadEvidenceRequest{Part: &intakev1.UploadEvidenceRequest_Chunk{Chunk: content[:n]}})
		content = content[n:]
	}
	got, err := stream.CloseAndRecv()
	return got.GetEvidence(), err
}

func listed(t *testing.T, s *suitetest.Suite, complaint string) int {
	t.Helper()
	got, err := intakev1.NewIntakeServiceClient(s.Conn).ListEvidence(s.As(agent), &intakev1.ListEvidenceRequest{Parent: complaint})
	require.NoError(t, err)
	return len(got.GetEvidence())
}

func TestAFileComesBackAsItWentInAndLiesOnDiskInNoClearForm(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	path := "/v1/" + c.GetName() + "/evidence"
	content := picture(700_000)

	raw := s.JSON(customer, http.MethodPost, path+"?document=photo&file_name=wall.png", content, "Content-Type", "image/png", "Idempotency-Key", id())
	require.Equal(t, http.StatusOK, raw.Code, "%s", raw.Raw)
	body, kind := form(t, "../../墙面.png", content, "note", "东墙", "request_id", id())
	parts := s.JSON(customer, http.MethodPost, path, body, "Content-Type", kind)
	require.Equal(t, http.StatusOK, parts.Code, "%s", parts.Raw)
	over, err := upload(t, s, customer, c.GetName(), "wall.png", content, "")
	require.NoError(t, err)
	sum := sha256.Sum256(content)
	for _, name := range []string{raw.Body["name"].(string), parts.Body["name"].(string), over.GetName()} {
		got := s.JSON(customer, http.MethodGet, "/v1/"+name+":download", nil)
		require.Equal(t, http.StatusOK, got.Code)
		require.True(t, bytes.Equal(content, got.Raw), "what comes back is what went in")
		require.Equal(t, "image/png", got.Header.Get("Content-Type"))
		require.Contains(t, got.Header.Get("Content-Disposition"), "attachment")
		require.Contains(t, got.Header.Get("Content-Security-Policy"), "sandbox")
		require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
		require.Equal(t, `"`+hex.EncodeToString(sum[:])+`"`, got.Header.Get("ETag"))
		record := s.JSON(customer, http.MethodGet, "/v1/"+name, nil)
		require.NotContains(t, record.Body, "blob", "where it lies is nobody's business")
	}
	files := 0
	require.NoError(t, filepath.WalkDir(s.Path("evidence"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		stored, err := os.ReadFile(path)
		require.NotContains(t, string(stored), "canary of evidence")
		require.NotContains(t, string(stored), "PNG\r\n")
		return err
	}))
	require.Equal(t, 3, files)
}

func TestFilesThatAreNoEvidenceAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	for name, is := range map[string]struct {
		file    string
		content []byte
		sum     string
		want    outcome
	}{
		"page":          {"a.png", []byte("<!DOCTYPE html><html><script>alert(1)</script>"), "", outcome{codes.InvalidArgument, "EVIDENCE_TYPE"}},
		"drawing":       {"a.png", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), "", outcome{codes.InvalidArgument, "EVIDENCE_TYPE"}},
		"archive":       {"a.png", []byte("PK\x03\x04 and more"), "", outcome{codes.InvalidArgument, "EVIDENCE_TYPE"}},
		"program":       {"a.png", []byte("\x7fELF\x02\x01\x01\x00\x00"), "", outcome{codes.InvalidArgument, "EVIDENCE_TYPE"}},
		"path":          {"../../etc/passwd", picture(100), "", outcome{codes.InvalidArgument, "FILE_NAME"}},
		"windows path":  {`c:\a.png`, picture(100), "", outcome{codes.InvalidArgument, "FILE_NAME"}},
		"hidden end":    {"a\u202egnp.exe", picture(100), "", outcome{codes.InvalidArgument, "FILE_NAME"}},
		"line":          {"a\r\nSet-Cookie: x.png", picture(100), "", outcome{codes.InvalidArgument, "FILE_NAME"}},
		"digest":        {"a.png", picture(100), strings.Repeat("0", 64), outcome{codes.InvalidArgument, "EVIDENCE_DIGEST"}},
		"one too large": {"a.png", picture(20<<20 + 1), "", outcome{codes.ResourceExhausted, "EVIDENCE_TOO_LARGE"}},
	} {
		_, err := upload(t, s, agent, c.GetName(), is.file, is.content, is.sum)
		require.Equal(t, is.want, outcomeOf(err), name)
		query := strings.NewReplacer("\\", "%5C", "\r", "%0D", "\n", "%0A", " ", "%20", "\u202e", "%E2%80%AE", "/", "%2F", ":", "%3A").Replace(is.file)
		got := s.JSON(agent, http.MethodPost, "/v1/"+c.GetName()+"/evidence?file_name="+query+"&sha256="+is.sum, is.content, "Idempotency-Key", id())
		require.Equal(t, is.want, answered(got), "%s: %s", name, got.Raw)
	}
	require.Zero(t, listed(t, s, c.GetName()))
	largest := s.JSON(agent, http.MethodPost, "/v1/"+c.GetName()+"/evidence?file_name=a.png", picture(20<<20), "Idempotency-Key", id())
	require.Equal(t, http.StatusOK, largest.Code, "exactly 20 MiB are taken: %s", largest.Raw)
	body, kind := form(t, "a.png", nil)
	got := s.JSON(agent, http.MethodPost, "/v1/"+c.GetName()+"/evidence", body[:60], "Content-Type", kind, "Idempotency-Key", id())
	require.Equal(t, "MALFORMED_UPLOAD", got.Reason(), "%s", got.Raw)
	got = s.JSON(agent, http.MethodPost, "/v1/"+c.GetName()+"/evidence?file_name=a.png", picture(100))
	require.Equal(t, outcome{codes.InvalidArgument, "INVALID_REQUEST"}, answered(got), "without a request_id")
}

func TestAnUploadThatBreaksOffIsNoFile(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	for name, head := range map[string]string{"length": "Content-Length: 100000", "chunks": "Transfer-Encoding: chunked"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL(), "http://"))
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "POST /v1/%s/evidence?file_name=a.png HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\n%s\r\n\r\n", c.GetName(), s.Token(agent), id(), head)
		require.NoError(t, err)
		part := picture(1000)
		if name == "chunks" {
			part = append([]byte("3e8\r\n"), append(part, "\r\n"...)...)
		}
		_, err = conn.Write(part)
		require.NoError(t, err)
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.GreaterOrEqual(t, answer.StatusCode, http.StatusBadRequest, name)
		require.NoError(t, answer.Body.Close())
		require.NoError(t, conn.Close())
	}
	require.Zero(t, listed(t, s, c.GetName()), "half a picture proves nothing")
}

func TestAComplaintTakesThirtyFilesAndNotOneMore(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	for i := range 30 {
		_, err := upload(t, s, agent, c.GetName(), "a.png", picture(100+i), "")
		require.NoError(t, err)
	}
	_, err := upload(t, s, agent, c.GetName(), "a.png", picture(99), "")
	require.Equal(t, outcome{codes.ResourceExhausted, "EVIDENCE_LIMIT"}, outcomeOf(err))
	got := s.JSON(agent, http.MethodPost, "/v1/"+c.GetName()+"/evidence?file_name=a.png", picture(98), "Idempotency-Key", id())
	require.Equal(t, "EVIDENCE_LIMIT", got.Reason())
	require.Equal(t, http.StatusTooManyRequests, got.Code)
	require.Equal(t, 30, listed(t, s, c.GetName()))
}

func TestAnUploadRepeatedInParallelIsOneWholeFile(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	request, content := id(), picture(900_000)
	names := make([]string, 16)
	var all sync.WaitGroup
	for i := range names {
		all.Go(func() {
			got := s.JSON(agent, http.MethodPost, "/v1/"+c.GetName()+"/evidence?file_name=a.png", content, "Idempotency-Key", request)
			if names[i], _ = got.Body["name"].(string); names[i] == "" {
				names[i] = string(got.Raw)
			}
		})
	}
	all.Wait()
	for _, name := range names {
		require.Equal(t, names[0], name)
	}
	require.Equal(t, 1, listed(t, s, c.GetName()))
	got := s.JSON(agent, http.MethodGet, "/v1/"+names[0]+":download", nil)
	require.True(t, bytes.Equal(content, got.Raw), "%d %s", got.Code, got.Reason())
	other := s.JSON(agent, http.MethodPost, "/v1/"+c.GetName()+"/evidence?file_name=a.png", picture(10_000), "Idempotency-Key", request)
	require.Equal(t, "REQUEST_ID_REUSED", other.Reason())
}

func TestTheFilesOfACustomerAreAbsentForAnother(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	e, err := upload(t, s, customer, c.GetName(), "a.png", picture(1000), "")
	require.NoError(t, err)
	for _, path := range []string{e.GetName(), e.GetName() + ":download", c.GetName() + "/evidence"} {
		got := s.JSON("customers/other", http.MethodGet, "/v1/"+path, nil)
		require.Equal(t, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}, answered(got), path)
	}
	_, err = upload(t, s, "customers/other", c.GetName(), "a.png", picture(1000), "")
	require.Equal(t, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}, outcomeOf(err))
}
