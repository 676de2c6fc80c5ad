package csvimport

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/rpcerr"
)

// Registrar registers complaints: the intake service's client.
type Registrar interface {
	CreateComplaint(ctx context.Context, in *intakev1.CreateComplaintRequest, opts ...grpc.CallOption) (*intakev1.CreateComplaintResponse, error)
}

// Options say how a file is imported.
type Options struct {
	// DryRun reads and checks every row and registers none.
	DryRun bool
	// Parallel is how many rows are sent at once; 0 means 8.
	Parallel int
	// Each is told of every row in the order of the file; nil for nobody.
	Each func(Outcome) error
	// Progress is told how many bytes of how many were dealt with, now and then; nil for nobody.
	Progress func(done, size int64, s Summary)
	// Pause waits between tries while the suite is away; nil means the system's clock.
	Pause func(ctx context.Context, d time.Duration) error
}

// Outcome is what became of one row.
type Outcome struct {
	// Row counts rows from 1; Line is where it begins in the file.
	Row, Line int64
	// Complaint and Number of what was registered; empty if refused and in a dry run.
	Complaint, Number string
	// RepeatOf is the complaint that the suite found it to repeat.
	RepeatOf string
	// Problem is why it was refused; nil if not.
	Problem *Problem
}

// Summary counts what became of a file.
type Summary struct {
	// Encoding is what the file is written in, Digest its SHA-256 in lower-case hex.
	Encoding Encoding
	Digest   string
	// Rows = Accepted + Refused.
	Rows, Accepted, Refused int64
	// Repeats is how many of the accepted repeat an earlier complaint.
	Repeats int64
}

// Errors of a file as a whole.
var (
	// ErrHeader says that the file has no header, or one that cannot be used.
	ErrHeader = errors.New("the header cannot be used")
	// ErrStopped says that the suite did not answer; the same command goes on where it stopped.
	ErrStopped = errors.New("stopped: the suite does not answer; run the same command again, no row is registered twice")
)

const (
	defaultParallel = 8
	tries           = 6
	firstPause      = 200 * time.Millisecond
)

// Import registers the rows of a file by a mapping.
//
// The request id of a row follows from the file's digest and the row's number, so
// that the same file can be imported again after an interruption, for as long as
// the suite remembers requests (30 days). A file of which a byte was changed is
// another file.
//
// It reads the file twice, holds one batch of rows in memory, and returns what it
// has done with an error too. Errors: [EncodingError], [ErrHeader], [ErrStopped],
// and those of f and of Each.
func Import(ctx context.Context, to Registrar, f io.ReadSeeker, m *Mapping, o Options) (Summary, error) {
	found, err := inspect(f)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Encoding: found.encoding, Digest: hex.EncodeToString(found.digest[:])}
	counted := &counter{r: f}
	r := newRows(found.text(counted))
	header, err := readHeader(r, m)
	if err != nil {
		return s, err
	}
	i := &importer{to: to, m: m, o: o, header: header, digest: s.Digest}
	if i.o.Parallel == 0 {
		i.o.Parallel = defaultParallel
	}
	for {
		batch, end := readBatch(r, i.o.Parallel*16)
		outcomes, err := i.send(ctx, batch)
		for _, out := range outcomes {
			s.Rows++
			if out.Problem != nil {
				s.Refused++
			} else {
				s.Accepted++
				if out.RepeatOf != "" {
					s.Repeats++
				}
			}
			if o.Each != nil {
				if err := o.Each(out); err != nil {
					return s, err
				}
			}
		}
		if o.Progress != nil {
			o.Progress(counted.n, found.size, s)
		}
		switch {
		case err != nil:
			return s, err
		case errors.Is(end, io.EOF):
			return s, nil
		case end != nil:
			return s, end
		}
	}
}

// readHeader reads the first record and refuses a header without the mapping's columns.
func readHeader(r *rows, m *Mapping) ([]string, error) {
	first, err := r.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: the file is empty", ErrHeader)
	}
	if err != nil {
		return nil, err
	}
	if first.problem != nil {
		return nil, fmt.Errorf("%w: %s", ErrHeader, first.problem.Words())
	}
	r.number = 0
	var seen, twice, missing []string
	for i, name := range first.cells {
		name = strings.TrimSpace(name)
		first.cells[i] = name
		if slices.Contains(seen, name) && slices.Contains(m.Columns(), name) {
			twice = append(twice, name)
		}
		seen = append(seen, name)
	}
	for _, name := range m.Columns() {
		if !slices.Contains(seen, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) > 0:
		return nil, fmt.Errorf("%w: there is no column %s", ErrHeader, strings.Join(missing, ", "))
	case len(twice) > 0:
		return nil, fmt.Errorf("%w: column %s is there twice", ErrHeader, strings.Join(twice, ", "))
	}
	return first.cells, nil
}

// readBatch reads up to n records; end is io.EOF behind the last of the file.
func readBatch(r *rows, n int) (batch []row, end error) {
	for len(batch) < n {
		next, err := r.next()
		if err != nil {
			return batch, err
		}
		batch = append(batch, next)
	}
	return batch, nil
}

type importer struct {
	to     Registrar
	m      *Mapping
	o      Options
	header []string
	digest string
}

// send deals with a batch and returns the outcomes in its order, up to the first
// row that could not be sent.
func (i *importer) send(ctx context.Context, batch []row) ([]Outcome, error) {
	outcomes, errs := make([]Outcome, len(batch)), make([]error, len(batch))
	next := make(chan int)
	var all sync.WaitGroup
	for range i.o.Parallel {
		all.Go(func() {
			for n := range next {
				outcomes[n], errs[n] = i.one(ctx, batch[n])
			}
		})
	}
	for n := range batch {
		next <- n
	}
	close(next)
	all.Wait()
	for n, err := range errs {
		if err != nil {
			return outcomes[:n], err
		}
	}
	return outcomes, nil
}

func (i *importer) one(ctx context.Context, r row) (Outcome, error) {
	out := Outcome{Row: r.number, Line: r.line, Problem: r.problem}
	if out.Problem != nil {
		return out, nil
	}
	c, problem := i.m.complaint(i.header, r.cells)
	if problem != nil {
		out.Problem = problem
		return out, nil
	}
	req := &intakev1.CreateComplaintRequest{Complaint: c, RequestId: RequestID(i.digest, r.number)}
	if problem := limits(req); problem != nil {
		out.Problem = problem
		return out, nil
	}
	if i.o.DryRun {
		return out, nil
	}
	made, err := i.register(ctx, req)
	if err != nil {
		out.Problem, err = refusal(err)
		return out, err
	}
	out.Complaint, out.Number, out.RepeatOf = made.GetComplaint().GetName(), made.GetComplaint().GetNumber(), made.GetComplaint().GetRepeatOf()
	return out, nil
}

// RequestID is the idempotency key of a row.
func RequestID(digest string, row int64) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "redress import %s %d", digest, row)).String()
}

// limits checks what the interface declares about a request.
func limits(req *intakev1.CreateComplaintRequest) *Problem {
	err := protovalidate.Validate(req)
	var wrong *protovalidate.ValidationError
	if !errors.As(err, &wrong) {
		return nil // what cannot be checked here is checked by the suite
	}
	p := &Problem{Reason: ReasonLimits}
	for _, v := range wrong.Violations {
		p.Fields = append(p.Fields, protovalidate.FieldPathString(v.Proto.GetField()))
	}
	slices.Sort(p.Fields)
	p.Fields = slices.Compact(p.Fields)
	return p
}

// register sends one row, again while the suite is away.
func (i *importer) register(ctx context.Context, req *intakev1.CreateComplaintRequest) (*intakev1.CreateComplaintResponse, error) {
	pause := i.o.Pause
	if pause == nil {
		pause = clock.System().Pause
	}
	wait := firstPause
	for try := 1; ; try++ {
		made, err := i.to.CreateComplaint(ctx, req)
		code := status.Code(err)
		if err == nil || try == tries || code != codes.Unavailable && code != codes.ResourceExhausted && code != codes.Aborted {
			return made, err
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
		wait *= 2
	}
}

// refusal turns what the suite answered into the problem of the row; an error if it
// is none of the row's.
func refusal(err error) (*Problem, error) {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.AlreadyExists, codes.NotFound:
	case codes.Unauthenticated, codes.PermissionDenied:
		return nil, err
	default:
		return nil, errors.Join(ErrStopped, err)
	}
	f := rpcerr.FromStatus(err)
	return &Problem{Reason: faultReason(f), Fields: faultFields(f), Text: status.Convert(err).Message()}, nil
}
