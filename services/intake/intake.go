package intake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/blob"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/intake/internal/react"
	"example.com/redress/services/intake/internal/rpc"
	"example.com/redress/services/intake/internal/search"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

// Name is the service's name.
const Name = "intake"

// Config is what intake keeps outside its database.
type Config struct {
	// Keys is the folder of the keys of data subjects. It must not be backed up
	// together with the database: who has both can read what was erased.
	Keys string `yaml:"keys"`
	// Blobs is the folder of evidence, sealed.
	Blobs string `yaml:"blobs"`
	// SkipIndex leaves it to other replicas to make the texts of complaints findable; one
	// must. Default: this one does its part.
	SkipIndex bool `yaml:"skip_index"`
	// Master is the master key, 32 bytes, that the keys are wrapped under.
	Master []byte `yaml:"-"`
}

// Intake is the service with what it opened.
type Intake struct {
	*host.Host
	keys  *seal.FileStore
	blobs *blob.Store
}

// OpenKeys opens the key store, which intake lends from and a single process
// shares with its other services.
func OpenKeys(c Config) (*seal.FileStore, error) { return seal.OpenFileStore(c.Keys, c.Master) }

// New assembles the service. deps.Keys is replaced by the service's own store.
func New(ctx context.Context, deps host.Deps, c Config, keys *seal.FileStore) (_ *Intake, err error) {
	blobs, err := blob.Open(c.Blobs)
	if err != nil {
		return nil, fmt.Errorf("intake: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, blobs.Close())
		}
	}()
	words := search.NewIndex(derive(c.Master, "search terms"), keys)
	server := rpc.New(rpc.Config{
		Keys: keys, Blobs: blobs, LinkKey: derive(c.Master, "status links"), PrintKey: derive(c.Master, "complaint prints"), Index: words, Dial: deps.Dial,
	})
	deps.Keys = keys
	d := definition(server, words)
	if !c.SkipIndex {
		d.Consumes = append(d.Consumes, Name)
	}
	h, err := host.New(ctx, d, deps)
	if err != nil {
		return nil, err
	}
	server.Bind(h)
	return &Intake{Host: h, keys: keys, blobs: blobs}, nil
}

// Stop ends the service and closes what New opened.
func (i *Intake) Stop(ctx context.Context) error {
	return errors.Join(i.Host.Stop(ctx), i.blobs.Close())
}

// definition returns what intake is.
func definition(server *rpc.Server, words *search.Index) host.Definition {
	return host.Definition{
		Name: Name,
		Kinds: []journal.Kind{
			{
				Pattern: rpc.Complaints, New: func() proto.Message { return &intakev1.Complaint{} },
				Index: index, Complaint: func(name string, _ proto.Message) string { return name },
				Timer: withdrawalTimer, Background: true,
			},
			{
				Pattern: rpc.Evidence, New: func() proto.Message { return &intakev1.Evidence{} },
				Index: func(m proto.Message) []journal.Attr {
					return []journal.Attr{{Name: "complaint", Value: complaintOf(m.(*intakev1.Evidence).GetName())}}
				},
				Complaint: func(name string, _ proto.Message) string { return complaintOf(name) },
			},
			{
				Pattern: rpc.Disclosures, New: func() proto.Message { return &intakev1.Disclosure{} },
				Complaint: func(name string, _ proto.Message) string { return complaintOf(name) },
			},
			{
				Pattern: rpc.Praises, New: func() proto.Message { return &intakev1.Praise{} }, Index: praiseIndex,
				Complaint: func(_ string, m proto.Message) string { return m.(*intakev1.Praise).GetComplaint() },
			},
			{Pattern: rpc.Subjects, New: func() proto.Message { return &intakev1.DataSubject{} }},
		},
		Consumes:   []string{"routing"},
		React:      react.New(server.Policies(), words).React,
		Register:   server.Register,
		Background: []func(context.Context) error{server.SettleWithdrawals},
		Reasons:    slices.Concat(domain.Reasons(), search.Reasons(), revisions.Reasons(), policy.Reasons()),
	}
}

// index finds complaints by what lists filter by and by data subject.
func index(m proto.Message) []journal.Attr {
	c := m.(*intakev1.Complaint)
	out := []journal.Attr{
		{Name: "state", Value: c.GetState().String()},
		{Name: "channel", Value: c.GetChannel()},
		{Name: "number", Value: c.GetNumber()},
		{Name: "subject", Value: c.GetSubject()},
	}
	if c.GetCategory() != "" {
		out = append(out, journal.Attr{Name: "category", Value: c.GetCategory()})
	}
	if customer := c.GetComplainant().GetCustomer(); customer != "" {
		out = append(out, journal.Attr{Name: "customer", Value: customer})
	}
	return out
}

// praiseIndex finds praise by whom it is for and the complaint it came with.
func praiseIndex(m proto.Message) []journal.Attr {
	p := m.(*intakev1.Praise)
	var out []journal.Attr
	for name, value := range map[string]string{"employee": p.GetEmployee(), "department": p.GetDepartment(), "complaint": p.GetComplaint(), "subject": p.GetSubject()} {
		if value != "" {
			out = append(out, journal.Attr{Name: name, Value: value})
		}
	}
	return out
}

// withdrawalTimer lets the background find withdrawals that wait for compensation.
func withdrawalTimer(m proto.Message) (time.Time, int64, bool) {
	w := m.(*intakev1.Complaint).GetWithdrawal()
	return w.GetRequestTime().AsTime(), 1, w.GetState() == intakev1.Withdrawal_STATE_REQUESTED
}

// complaintOf returns the complaint of a child's name.
func complaintOf(name string) string {
	slashes := 0
	for i := range name {
		if name[i] == '/' {
			if slashes++; slashes == 2 {
				return name[:i]
			}
		}
	}
	return name
}

// derive returns a key for one use, so that the master key itself signs nothing.
func derive(master []byte, use string) []byte {
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte("redress.intake.v1 " + use))
	return mac.Sum(nil)
}
