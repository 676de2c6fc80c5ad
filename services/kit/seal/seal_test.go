package seal_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/kit/seal/sealtest"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

const (
	organization = "demo"
	subject      = "0193e0c4-7f1e-7a60-9d53-0a6c2f1b7c11"
	canary       = "Canary 王小明 13800138000"
)

// approval holds free text in a nested message, in a map and in rows of rows.
func approval() *typev1.Approval {
	return &typev1.Approval{
		Id: "compensation", AskedBy: "people/li",
		Steps: []*typev1.ApprovalStep{{Id: "tier", Signatures: []*typev1.Signature{{
			Person:  "people/wang",
			Comment: canary,
			Facts: map[string]*typev1.Fact{
				"board_resolution": {Value: &typev1.Fact_Text{Text: canary}},
				"cash_allowed":     {Value: &typev1.Fact_Flag{Flag: true}},
				"kind":             {Value: &typev1.Fact_Choice{Choice: "board"}},
				"lines": {Value: &typev1.Fact_Rows{Rows: &typev1.Rows{Values: []*typev1.Row{{Values: map[string]*typev1.Fact{
					"reason": {Value: &typev1.Fact_Text{Text: canary}},
				}}}}}},
			},
		}}}},
	}
}

func bytesOf(t require.TestingT, m proto.Message) string {
	raw, err := proto.Marshal(m)
	require.NoError(t, err)
	return string(raw)
}

func TestSealsEveryPlaceAndOpensItAgain(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	m := approval()
	require.NoError(t, seal.SealRequest(ctx, keys, organization, subject, m))
	require.NotContains(t, bytesOf(t, m), "Canary")
	require.Equal(t, 1, keys.Calls(), "the key is fetched once")
	s := m.GetSteps()[0].GetSignatures()[0]
	require.True(t, seal.IsToken(s.GetComment()))
	owner, ok := seal.SubjectOf(s.GetComment())
	require.True(t, ok)
	require.Equal(t, subject, owner)
	require.Equal(t, "people/wang", s.GetPerson())
	require.Equal(t, "board", s.GetFacts()["kind"].GetChoice())
	subjects, err := seal.Subjects(m)
	require.NoError(t, err)
	require.Equal(t, []string{subject}, subjects)

	require.NoError(t, seal.Open(ctx, keys, organization, m, seal.All()))
	require.Empty(t, cmp.Diff(approval(), m, protocmp.Transform()))
}

func TestSealingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	m := approval()
	require.NoError(t, seal.Seal(ctx, keys, organization, subject, m))
	once := proto.Clone(m)
	require.NoError(t, seal.Seal(ctx, keys, organization, "another", m))
	require.Empty(t, cmp.Diff(once, m, protocmp.Transform()))
}

func TestATokenMovesWithItsTextToAnotherField(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	request := &typev1.Signature{Comment: canary}
	require.NoError(t, seal.SealRequest(ctx, keys, organization, subject, request))
	state := &typev1.Fact{Value: &typev1.Fact_Text{Text: request.GetComment()}}
	require.NoError(t, seal.Open(ctx, keys, organization, state, seal.All()))
	require.Equal(t, canary, state.GetText())
}

func TestCallerTextThatLooksLikeATokenIsRefused(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	stolen := &typev1.Signature{Comment: canary}
	require.NoError(t, seal.Seal(ctx, keys, organization, subject, stolen))
	cases := map[string]struct {
		request proto.Message
		fields  []string
	}{
		"a true token": {&typev1.Signature{Comment: stolen.GetComment()}, []string{"comment"}},
		"a bare prefix in a code and in a map, all named": {&typev1.Signature{Person: "~s1.", Facts: map[string]*typev1.Fact{
			"a": {Value: &typev1.Fact_Choice{Choice: "~s1.x.y"}},
		}}, []string{`facts["a"].choice`, "person"}},
		"a key of a map": {
			&typev1.Signature{Facts: map[string]*typev1.Fact{"~s1.x.y": {Value: &typev1.Fact_Flag{}}}},
			[]string{`facts["~s1.x.y"]`},
		},
		"an element of a list": {&typev1.ApprovalStep{Who: []string{"chairman", "~s1.a.b"}}, []string{"who[1]"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := proto.Clone(c.request)
			f, ok := fault.As(seal.SealRequest(ctx, keys, organization, subject, c.request))
			require.True(t, ok)
			require.Equal(t, fault.Invalid, f.Kind)
			require.Equal(t, seal.ReasonTokenRefused, f.Reason)
			var fields []string
			for _, v := range f.Violations {
				fields = append(fields, v.Field)
			}
			require.Equal(t, c.fields, fields)
			require.Empty(t, cmp.Diff(before, c.request, protocmp.Transform()), "nothing is sealed in a refused request")
		})
	}
}

func TestRequestsLoseUnknownFields(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	m := approval()
	unknown := append([]byte{0xfa, 0x3f, byte(len(canary))}, canary...) // field 1023, bytes
	m.GetSteps()[0].ProtoReflect().SetUnknown(unknown)
	require.NoError(t, seal.SealRequest(ctx, keys, organization, subject, m))
	require.NotContains(t, bytesOf(t, m), "Canary")
}

func TestViewsMaskByClass(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	sealed := &typev1.Signature{Comment: canary}
	require.NoError(t, seal.Seal(ctx, keys, organization, subject, sealed))
	personal, err := seal.Text(ctx, keys, organization, subject, typev1.DataClass_DATA_CLASS_PERSONAL, canary)
	require.NoError(t, err)
	calls := keys.Calls()
	show := func(comment string, v seal.View) string {
		m := &typev1.Signature{Comment: comment}
		require.NoError(t, seal.Open(ctx, keys, organization, m, v))
		return m.GetComment()
	}
	require.Equal(t, seal.Masked, show(sealed.GetComment(), seal.View{Personal: true}))
	require.Equal(t, seal.Masked, show("never sealed", seal.View{}), "clear text is masked all the same")
	require.Equal(t, seal.Masked, show(personal, seal.View{FreeText: true}), "a personal text stays personal in a free-text field")
	require.Equal(t, calls, keys.Calls(), "masking needs no key")
	require.Equal(t, canary, show(personal, seal.All()))
	require.Equal(t, canary, show(sealed.GetComment(), seal.View{FreeText: true}))
	require.Equal(t, "never sealed", show("never sealed", seal.View{FreeText: true}))
	require.Empty(t, show("", seal.View{}))

	text, err := seal.OpenText(ctx, keys, organization, personal, seal.View{FreeText: true})
	require.NoError(t, err)
	require.Equal(t, seal.Masked, text)
}

func TestAnErasedSubjectIsShownAsErased(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	m := approval()
	require.NoError(t, seal.Seal(ctx, keys, organization, subject, m))
	require.NoError(t, keys.Destroy(ctx, organization, subject))
	opened := proto.Clone(m).(*typev1.Approval)
	require.NoError(t, seal.Open(ctx, keys, organization, opened, seal.All()))
	require.Equal(t, seal.Erased, opened.GetSteps()[0].GetSignatures()[0].GetComment())
	require.Equal(t, seal.Erased, opened.GetSteps()[0].GetSignatures()[0].GetFacts()["board_resolution"].GetText())

	err := seal.Seal(ctx, keys, organization, subject, approval())
	require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(err), "nothing new is written about an erased person")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestUnavailableKeysFailOrMask(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	m := approval()
	require.NoError(t, seal.Seal(ctx, keys, organization, subject, m))
	keys.Fail(fault.New(fault.Unavailable, fault.ReasonUnavailable))
	require.Equal(t, fault.Unavailable, fault.KindOf(seal.Open(ctx, keys, organization, proto.Clone(m), seal.All())))
	require.NoError(t, seal.Open(ctx, keys, organization, m, seal.View{Personal: true, FreeText: true, MaskUnavailable: true}))
	require.Equal(t, seal.Masked, m.GetSteps()[0].GetSignatures()[0].GetComment())
}

func TestWhatIsBoundDoesNotOpenElsewhere(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &same{}
	m := &typev1.Signature{Comment: canary}
	require.NoError(t, seal.Seal(ctx, keys, organization, "a", m))
	token := m.GetComment()
	open := func(organization, token string) error {
		return seal.Open(ctx, keys, organization, &typev1.Signature{Comment: token}, seal.All())
	}
	require.NoError(t, open(organization, token))
	for name, err := range map[string]error{
		"another organisation": open("other", token),
		"another subject":      open(organization, strings.Replace(token, "~s1.a.", "~s1.b.", 1)),
		"another class":        open(organization, reclass(t, token)),
		"a changed letter":     open(organization, flip(token)),
		"malformed":            open(organization, "~s1.nothing"),
	} {
		f, ok := fault.As(err)
		require.True(t, ok, name)
		require.Equal(t, seal.ReasonBroken, f.Reason, name)
		require.Equal(t, fault.DataLoss, f.Kind, name)
		require.Equal(t, "comment", f.Facts["field"], name)
	}
}

// same lends one key to everybody, so that only the binding tells them apart.
type same struct{}

func (same) Key(context.Context, string, string, bool) ([]byte, error) {
	return make([]byte, seal.KeySize), nil
}

// reclass makes a free-text token say that it is a personal one.
func reclass(t *testing.T, token string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "~s1.a."))
	require.NoError(t, err)
	require.EqualValues(t, typev1.DataClass_DATA_CLASS_FREE_TEXT, raw[0])
	raw[0] = byte(typev1.DataClass_DATA_CLASS_PERSONAL)
	return "~s1.a." + base64.RawURLEncoding.EncodeToString(raw)
}

func flip(token string) string {
	b := []byte(token)
	i := len(b) - 5
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

func TestSealRefusesMalformedTokensOfOursAndBadSubjects(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	err := seal.Seal(ctx, keys, organization, subject, &typev1.Signature{Comment: "~s1.half"})
	require.Equal(t, seal.ReasonTokenMalformed, fault.ReasonOf(err))
	for _, bad := range []string{"", "-a", "A", "a.b", "a/b", "..", strings.Repeat("a", 64), "a b", "é"} {
		require.Equal(t, seal.ReasonSubjectInvalid, fault.ReasonOf(seal.Seal(ctx, keys, organization, bad, &typev1.Signature{Comment: "x"})), bad)
	}
	_, err = seal.Text(ctx, keys, organization, subject, typev1.DataClass_DATA_CLASS_PERSONAL, "~s1.a.b")
	require.Equal(t, seal.ReasonTokenRefused, fault.ReasonOf(err))
}

func TestBlobsOpenUnderTheirNameOnly(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	sealed, err := seal.Blob(ctx, keys, organization, subject, "evidence/1 chunk 1 of 2", []byte(canary))
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "Canary")
	require.Len(t, sealed, len(canary)+seal.BlobOverhead)
	content, err := seal.OpenBlob(ctx, keys, organization, subject, "evidence/1 chunk 1 of 2", sealed)
	require.NoError(t, err)
	require.Equal(t, canary, string(content))
	_, err = seal.OpenBlob(ctx, keys, organization, subject, "evidence/1 chunk 2 of 2", sealed)
	require.Equal(t, seal.ReasonBroken, fault.ReasonOf(err))
	_, err = seal.OpenBlob(ctx, keys, organization, subject, "evidence/1 chunk 1 of 2", sealed[:10])
	require.Equal(t, seal.ReasonBroken, fault.ReasonOf(err))
}

func TestTheCatalogueTakesTheReasons(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(seal.Reasons()...)
	require.NoError(t, err)
}

func BenchmarkSeal(b *testing.B) {
	ctx, keys := context.Background(), &sealtest.Keys{}
	m := approval()
	b.ReportAllocs()
	for b.Loop() {
		if err := seal.SealRequest(ctx, keys, organization, subject, proto.Clone(m)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	ctx, keys := context.Background(), &sealtest.Keys{}
	m := approval()
	require.NoError(b, seal.Seal(ctx, keys, organization, subject, m))
	b.ReportAllocs()
	for b.Loop() {
		if err := seal.Open(ctx, keys, organization, proto.Clone(m), seal.All()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkText(b *testing.B) {
	ctx, keys := context.Background(), same{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := seal.Text(ctx, keys, organization, subject, typev1.DataClass_DATA_CLASS_PERSONAL, "13800138000"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestACallThatRemembersShowsWhatItSealedWithoutAnotherKey(t *testing.T) {
	t.Parallel()
	keys := &sealtest.Keys{}
	ctx := seal.Remember(context.Background())
	m := approval()
	require.NoError(t, seal.SealRequest(ctx, keys, organization, subject, m))
	require.NotContains(t, bytesOf(t, m), "Canary")
	masked, elsewhere := proto.CloneOf(m), proto.CloneOf(m)

	require.NoError(t, seal.Open(ctx, keys, organization, m, seal.All()))
	require.Empty(t, cmp.Diff(approval(), m, protocmp.Transform()))
	require.Equal(t, 1, keys.Calls(), "no key is fetched to open it")

	require.NoError(t, seal.Open(ctx, keys, organization, masked, seal.View{}))
	require.NotContains(t, bytesOf(t, masked), "Canary", "what a view does not show stays masked")

	require.NoError(t, seal.Open(context.Background(), keys, organization, elsewhere, seal.All()))
	require.Empty(t, cmp.Diff(approval(), elsewhere, protocmp.Transform()), "another call opens it with the key")
	require.Equal(t, 2, keys.Calls())
}
