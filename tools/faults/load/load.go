// Package load is the clients of a world under faults: call centre, finance,
// managers. They insist as a good client does, with the same request id until an
// answer comes, and write down every answer in the ledger.
//
// Start reading at [Load.Run].
package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/tools/faults/ledger"
	"example.com/redress/tools/faults/world"
)

// The people of the sample directory who play a part.
const (
	agent     = "people/li-na"
	manager   = "people/wang-fang"
	marketing = "people/chen-jing"
	finance   = "people/zhou-hui"
)

// Load is the clients.
type Load struct {
	World  *world.World
	Ledger *ledger.Ledger
	// Seed of everything that is drawn.
	Seed uint64
	// Callers register complaints, Claimants ask for compensation, Pausers stop clocks.
	Callers, Claimants, Pausers int
	// Repeats is how many of a hundred acts of the call centre repeat a request of some time ago.
	Repeats int

	held   atomic.Bool
	failed atomic.Pointer[error]
	serial atomic.Int64
	mu     sync.Mutex
	past   []asked // some of what was acknowledged, to be repeated late
	did    map[string]int
}

// What the clients bring about besides what the ledger tells.
const (
	// PausedInTime is a clock that was paused and went on before its old limit.
	PausedInTime = "paused in time"
	// OtherContent is something else sent under the id of a request, and answered.
	OtherContent = "other content"
	// OrderedAgain is an order to pay of a claim that was ordered to be paid before.
	OrderedAgain = "ordered again"
	// OrderedTakenBack is an order to pay of a claim whose complaint was taken back by then.
	OrderedTakenBack = "ordered though taken back"
)

// Did returns how often the clients brought something about.
func (l *Load) Did(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.did[what]
}

func (l *Load) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.did == nil {
		l.did = map[string]int{}
	}
	l.did[what]++
}

// asked is a request and its answer.
type asked struct {
	request *intakev1.CreateComplaintRequest
	answer  *intakev1.Complaint
}

// Hold makes the callers wait while true: the services are behind.
func (l *Load) Hold(hold bool) { l.held.Store(hold) }

// Run lets the clients work until ctx ends, and waits until each has its last
// answer or has given up.
func (l *Load) Run(ctx context.Context) error {
	var all sync.WaitGroup
	start := func(n int, kind uint64, one func(context.Context, *rand.Rand) error) {
		for i := range n {
			r := rand.New(rand.NewPCG(l.Seed, kind<<32|uint64(i)))
			all.Go(func() {
				for ctx.Err() == nil && l.failed.Load() == nil {
					if err := one(ctx, r); err != nil {
						l.failed.CompareAndSwap(nil, &err)
					}
				}
			})
		}
	}
	start(l.Callers, 1, l.register)
	start(l.Claimants, 2, l.compensate)
	start(l.Pausers, 3, l.pause)
	all.Wait()
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// patience is how long a client insists after it was told to end.
const patience = 60 * time.Second

// insist repeats a call until it is answered, by success or by a refusal that
// will not change. False: it was never answered.
func insist(ctx context.Context, r *rand.Rand, do func(context.Context) error) (error, bool) {
	var end time.Time
	for {
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err := do(one)
		cancel()
		switch status.Code(err) {
		case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Internal, codes.Unknown:
		default:
			return err, true
		}
		if ctx.Err() != nil && end.IsZero() {
			end = time.Now().Add(patience)
		}
		if !end.IsZero() && time.Now().After(end) {
			return err, false
		}
		time.Sleep(20*time.Millisecond + time.Duration(r.IntN(int(200*time.Millisecond))))
	}
}

func (l *Load) intake() (intakev1.IntakeServiceClient, error) {
	conn, err := l.World.Conn("intake")
	if err != nil {
		return nil, err
	}
	return intakev1.NewIntakeServiceClient(conn), nil
}

// complaint is unlike every other by its object.
func (l *Load) complaint(r *rand.Rand) *intakev1.CreateComplaintRequest {
	mark := fmt.Sprintf("%d-%d", l.Seed, l.serial.Add(1))
	c := &intakev1.Complaint{
		Channel: "telephone", Medium: intakev1.Medium_MEDIUM_TELEPHONE, Category: "product_quality",
		Complainant: &intakev1.Complainant{DisplayName: "赵倩", Telephone: "13800138000", Customer: fmt.Sprintf("customers/c%d", r.IntN(2000))},
		Description: "客厅墙面渗水，" + mark, ComplaintObject: mark,
		Facts: map[string]*typev1.Fact{"demand": {Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: []string{"refund"}}}}},
	}
	if r.IntN(20) == 0 {
		c.Complainant.Email = "zhao.qian@customer.example"
	}
	return &intakev1.CreateComplaintRequest{RequestId: world.ID(), Complaint: c}
}

// register is one act of the call centre.
func (l *Load) register(ctx context.Context, r *rand.Rand) error {
	if l.held.Load() {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
		return nil
	}
	switch n := r.IntN(100); {
	case n < 4:
		return l.together(ctx, r)
	case n < 4+l.Repeats:
		return l.late(ctx, r)
	}
	req := l.complaint(r)
	if r.IntN(20) == 0 { // the answer is dropped on purpose
		hasty, cancel := context.WithTimeout(ctx, time.Duration(1+r.IntN(20))*time.Millisecond)
		_, _ = l.create(hasty, req) // lost, whatever it was
		cancel()
	}
	answer, err := l.first(ctx, r, req)
	if answer == nil || err != nil {
		return err
	}
	switch n := r.IntN(100); {
	case n < 10:
		return l.again(ctx, r, asked{req, answer})
	case n < 14:
		return l.other(ctx, r, req)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.past) < 4096 {
		l.past = append(l.past, asked{req, answer})
	} else {
		l.past[r.IntN(len(l.past))] = asked{req, answer}
	}
	return nil
}

func (l *Load) create(ctx context.Context, req *intakev1.CreateComplaintRequest) (*intakev1.Complaint, error) {
	intake, err := l.intake()
	if err != nil {
		return nil, err
	}
	got, err := intake.CreateComplaint(l.World.As(ctx, agent), req)
	return got.GetComplaint(), err
}

// first sends a request until it is answered, and writes the answer down.
func (l *Load) first(ctx context.Context, r *rand.Rand, req *intakev1.CreateComplaintRequest) (answer *intakev1.Complaint, err error) {
	err, answered := insist(ctx, r, func(ctx context.Context) (err error) {
		answer, err = l.create(ctx, req)
		return err
	})
	e := ledger.Entry{Act: ledger.Create, ID: req.GetRequestId(), Mark: req.GetComplaint().GetComplaintObject(), Name: answer.GetName(), Number: answer.GetNumber()}
	if !answered {
		e.Act, e.Code = ledger.Unknown, status.Code(err).String()
		return nil, l.add(e)
	}
	if err != nil {
		return nil, fmt.Errorf("a valid complaint was refused: %w", err)
	}
	return answer, l.add(e)
}

func (l *Load) add(e ledger.Entry) error {
	e.Time = time.Now().UnixMicro()
	return l.Ledger.Add(e)
}

// again repeats a request that was answered.
func (l *Load) again(ctx context.Context, r *rand.Rand, a asked) error {
	var answer *intakev1.Complaint
	err, answered := insist(ctx, r, func(ctx context.Context) (err error) {
		answer, err = l.create(ctx, a.request)
		return err
	})
	if !answered {
		return nil
	}
	e := ledger.Entry{Act: ledger.Repeat, ID: a.request.GetRequestId(), Name: answer.GetName(), Number: answer.GetNumber(), Mark: answer.GetComplaintObject()}
	if err != nil {
		e.Code = status.Code(err).String()
	}
	return l.add(e)
}

// late repeats a request of some time ago.
func (l *Load) late(ctx context.Context, r *rand.Rand) error {
	l.mu.Lock()
	if len(l.past) == 0 {
		l.mu.Unlock()
		return nil
	}
	a := l.past[r.IntN(len(l.past))]
	l.mu.Unlock()
	return l.again(ctx, r, a)
}

// other sends something else under the id of a request that was answered.
func (l *Load) other(ctx context.Context, r *rand.Rand, req *intakev1.CreateComplaintRequest) error {
	another := proto.CloneOf(req)
	another.Complaint.ComplaintObject += " (other)"
	var answer *intakev1.Complaint
	err, answered := insist(ctx, r, func(ctx context.Context) (err error) {
		answer, err = l.create(ctx, another)
		return err
	})
	if !answered {
		return nil
	}
	l.note(OtherContent)
	return l.add(ledger.Entry{Act: ledger.Refused, ID: req.GetRequestId(), Name: answer.GetName(), Code: status.Code(err).String()})
}

// together sends the same new request several times at once.
func (l *Load) together(ctx context.Context, r *rand.Rand) error {
	req := l.complaint(r)
	n := 2 + r.IntN(6)
	answers := make([]*intakev1.Complaint, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		own := rand.New(rand.NewPCG(r.Uint64(), uint64(i)))
		all.Go(func() {
			errs[i], _ = insist(ctx, own, func(ctx context.Context) (err error) {
				answers[i], err = l.create(ctx, req)
				return err
			})
		})
	}
	all.Wait()
	act := ledger.Create
	for i, a := range answers {
		if errs[i] != nil {
			continue
		}
		if err := l.add(ledger.Entry{Act: act, ID: req.GetRequestId(), Mark: req.GetComplaint().GetComplaintObject(), Name: a.GetName(), Number: a.GetNumber()}); err != nil {
			return err
		}
		act = ledger.Repeat
	}
	if act == ledger.Create {
		return l.add(ledger.Entry{Act: ledger.Unknown, ID: req.GetRequestId(), Mark: req.GetComplaint().GetComplaintObject()})
	}
	return nil
}
