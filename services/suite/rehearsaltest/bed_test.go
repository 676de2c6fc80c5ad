package rehearsaltest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

// Who acts.
const (
	author    = "people/admin"
	agent     = "people/li-na"
	marketing = "people/chen-jing"
)

func flag() *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}} }

func text(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

// bed is a suite with complaints.
type bed struct {
	*suitetest.Suite

	t        testing.TB
	policies policyv1.PolicyServiceClient
	intake   intakev1.IntakeServiceClient
}

func on(t testing.TB) *bed {
	s := suitetest.New(t)
	return &bed{Suite: s, t: t, policies: policyv1.NewPolicyServiceClient(s.Conn), intake: intakev1.NewIntakeServiceClient(s.Conn)}
}

// register registers the n-th complaint and returns its name.
func (b *bed) register(n int) string {
	b.t.Helper()
	name, err := b.create(n)
	require.NoError(b.t, err)
	return name
}

// create registers the n-th complaint, over several channels and of several grades.
func (b *bed) create(n int) (string, error) {
	c := suitetest.Complaint()
	c.Complainant.Customer = fmt.Sprintf("customers/c%d", n%97)
	c.Channel = []string{"telephone", "email", "telephone"}[n%3]
	c.Medium = []intakev1.Medium{intakev1.Medium_MEDIUM_TELEPHONE, intakev1.Medium_MEDIUM_EMAIL, intakev1.Medium_MEDIUM_TELEPHONE}[n%3]
	c.Category = []string{"product_quality", "service_attitude", "damage"}[n%3]
	switch n % 5 {
	case 1:
		c.Facts["agitated"] = flag()
	case 2:
		c.Facts["safety_hazard"] = flag()
	}
	got, err := b.intake.CreateComplaint(b.As(agent), &intakev1.CreateComplaintRequest{Complaint: c, RequestId: suitetest.ID()})
	return got.GetComplaint().GetName(), err
}

// verify verifies a complaint, so that claims may be asked for.
func (b *bed) verify(name string) {
	b.t.Helper()
	got, err := b.intake.GetComplaint(b.As(agent), &intakev1.GetComplaintRequest{Name: name})
	require.NoError(b.t, err)
	filled, err := b.intake.FillForm(b.As(agent), &intakev1.FillFormRequest{
		Name: name, Form: "verification", Etag: got.GetComplaint().GetEtag(), RequestId: suitetest.ID(),
		Facts: map[string]*typev1.Fact{"facts_confirmed": flag(), "demand_confirmed": flag(), "process_explained": flag(), "findings": text("现场确认渗水")},
	})
	require.NoError(b.t, err)
	_, err = b.intake.VerifyComplaint(b.As(agent), &intakev1.VerifyComplaintRequest{Name: name, Etag: filled.GetComplaint().GetEtag(), RequestId: suitetest.ID()})
	require.NoError(b.t, err)
}

// claim asks for an amount.
func (b *bed) claim(complaint, amount string) string {
	b.t.Helper()
	got, err := compensationv1.NewCompensationServiceClient(b.Conn).CreateClaim(b.As(marketing), &compensationv1.CreateClaimRequest{RequestId: suitetest.ID(), Claim: &compensationv1.Claim{
		Complaint: complaint, Ground: "warranty_works", Remedy: "property_fee_credit", Causes: []string{"engineering"}, Justification: "家具损坏",
		Amount: &typev1.Money{CurrencyCode: "CNY", Amount: amount}, Payee: &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"},
		Facts: map[string]*typev1.Fact{"demanded": text("赔偿家具损失"), "claim_basis": text("质保条款")},
	}})
	require.NoError(b.t, err)
	return got.GetClaim().GetName()
}

// pack is the pack in force with a change, as its author would write it: JSON is YAML.
func (b *bed) pack(change func(*policyv1.Pack)) []byte {
	b.t.Helper()
	got, err := b.policies.GetActiveRevision(b.As(author), &policyv1.GetActiveRevisionRequest{})
	require.NoError(b.t, err)
	p := &policyv1.Pack{}
	require.NoError(b.t, proto.Unmarshal(got.GetRevision().GetResolved(), p))
	p.Include = nil
	if change != nil {
		change(p)
	}
	raw, err := json.Marshal(plain(p.ProtoReflect()))
	require.NoError(b.t, err)
	return raw
}

// plain is a message as packs write it: fields by their proto names, enums without the prefix of their type.
func plain(m protoreflect.Message) map[string]any {
	out := map[string]any{}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		one := func(v protoreflect.Value) any {
			switch f.Kind() {
			case protoreflect.MessageKind:
				return plain(v.Message())
			case protoreflect.EnumKind:
				zero := string(f.Enum().Values().ByNumber(0).Name())
				return strings.TrimPrefix(string(f.Enum().Values().ByNumber(v.Enum()).Name()), strings.TrimSuffix(zero, "UNSPECIFIED"))
			}
			return v.Interface()
		}
		switch {
		case f.IsMap():
			all := map[string]any{}
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool { all[k.String()] = v.Interface(); return true })
			out[string(f.Name())] = all
		case f.IsList():
			var all []any
			for i := range v.List().Len() {
				all = append(all, one(v.List().Get(i)))
			}
			out[string(f.Name())] = all
		default:
			out[string(f.Name())] = one(v)
		}
		return true
	})
	if out["choices"] != nil {
		delete(out, "options") // the engine has the ids there
	}
	return out
}

func (b *bed) simulate(req *policyv1.SimulateRevisionRequest) *policyv1.SimulateRevisionResponse {
	b.t.Helper()
	got, err := b.policies.SimulateRevision(b.As(author), req)
	if err != nil {
		b.t.Log(status.Convert(err).Details()...)
	}
	require.NoError(b.t, err)
	return got
}
