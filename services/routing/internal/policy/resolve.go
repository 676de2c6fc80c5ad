package policyservice

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// fileName is what findings call a pack that came as bytes.
const fileName = "pack.yaml"

// blankRule is the lint rule of a parameter without a value.
const blankRule = "L18"

// resolved is a pack with its includes and parameters, checked.
type resolved struct {
	pack     *policyv1.Pack // nil with errors
	digest   string         // empty with errors
	findings []policy.Finding
	unset    []string // parameters without a value, sorted
	texts    map[string]*typev1.Text
}

// resolve loads a pack with what it includes of the shipped ones, puts the values
// of its parameters in and checks the whole.
//
// A parameter without a value is no error here: a pack may be stored before its
// owner has decided. Then the rest is checked with the parameter's name in its
// places, and once more when it has a value, which makes another revision.
func resolve(file string, source []byte, parameters map[string]string) resolved {
	pack, findings := policy.Load(file, source, policy.Shipped)
	r := resolved{findings: findings, texts: map[string]*typev1.Text{}}
	if policy.HasErrors(findings) {
		return r
	}
	compiled, more := policy.Compile(pack, policy.Options{Parameters: parameters})
	whole := proto.CloneOf(pack)
	for _, q := range whole.GetParameters() {
		if value, ok := parameters[q.GetId()]; ok {
			q.Value = value
		}
		if q.GetValue() == "" {
			r.unset = append(r.unset, q.GetId())
			r.texts[q.GetId()] = q.GetText()
		}
	}
	slices.Sort(r.unset)
	r.add(more)
	switch {
	case policy.HasErrors(r.findings):
		r.unset = nil
	case compiled != nil:
		r.pack, r.digest = compiled.Pack(), compiled.Revision()
	default:
		r.pack, r.digest = whole, draftDigest(source, parameters)
	}
	return r
}

// add adds what Compile found to what Load found, which is the same in part, and
// leaves blank parameters out: they are listed by themselves.
func (r *resolved) add(more []policy.Finding) {
	for _, f := range more {
		blank := f.Rule == blankRule && slices.Contains(r.unset, strings.TrimPrefix(f.Path, "parameters."))
		known := slices.ContainsFunc(r.findings, func(g policy.Finding) bool {
			return g.Rule == f.Rule && g.Path == f.Path && g.Text.GetEn() == f.Text.GetEn()
		})
		if !blank && !known {
			r.findings = append(r.findings, f)
		}
	}
}

// draftDigest identifies a pack that has no revision yet because parameters are
// blank: its text, which pins what it includes, and the values it has. Such a
// revision is never in force, so this never has to equal a digest of package policy.
func draftDigest(source []byte, parameters map[string]string) string {
	h := sha256.New()
	write := func(part string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	write("redress.policy.v1.Draft/1")
	write(string(source))
	for _, id := range slices.Sorted(maps.Keys(parameters)) {
		write(id)
		write(parameters[id])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// nameLength is how much of the digest the name of a revision holds.
const nameLength = 32

// revision returns the pack as a DRAFT. Findings are in the author's language.
func (r *resolved) revision(source []byte, parameters map[string]string, locale string) (*policyv1.Revision, error) {
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.pack)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", r.pack.GetPack(), err)
	}
	return &policyv1.Revision{
		Name:  "packs/" + r.pack.GetPack() + "/revisions/" + r.digest[:nameLength],
		State: policyv1.Revision_STATE_DRAFT, Pack: r.pack.GetPack(), Digest: r.digest,
		Source: source, Resolved: bytes, Parameters: parameters,
		Findings: messages(r.findings, locale), UnsetParameters: r.unset,
	}, nil
}

// messages puts findings into a language.
func messages(findings []policy.Finding, locale string) []*policyv1.Finding {
	out := make([]*policyv1.Finding, len(findings))
	for i, f := range findings {
		severity := policyv1.Finding_SEVERITY_ERROR
		if f.Severity == policy.Warning {
			severity = policyv1.Finding_SEVERITY_WARNING
		}
		out[i] = &policyv1.Finding{
			File: f.File, Line: int32(f.Line), Column: int32(f.Column),
			Rule: f.Rule, Severity: severity, Message: inLanguage(atPath(f), locale), Advice: inLanguage(f.Advice, locale),
		}
	}
	return out
}

// atPath returns the text of a finding, behind its path where there is no place in a file.
func atPath(f policy.Finding) *typev1.Text {
	if f.Line > 0 || f.Path == "" {
		return f.Text
	}
	return &typev1.Text{Zh: f.Path + "：" + f.Text.GetZh(), En: f.Path + ": " + f.Text.GetEn()}
}

func inLanguage(t *typev1.Text, locale string) string {
	if locale == fault.English {
		return t.GetEn()
	}
	return t.GetZh()
}

// invalid is PACK_INVALID with every error: its field is file:line:column, or the
// path in the pack where no place is known.
func invalid(findings []policy.Finding) error {
	var violations []fault.Violation
	for _, f := range findings {
		if f.Severity != policy.Error {
			continue
		}
		field := f.Path
		if f.Line > 0 {
			field = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
		}
		violations = append(violations, fault.Violation{Field: field, Reason: f.Rule, Text: &typev1.Text{
			Zh: f.Text.GetZh() + f.Advice.GetZh(), En: strings.TrimSpace(f.Text.GetEn() + " " + f.Advice.GetEn()),
		}})
	}
	return fault.New(fault.Invalid, ReasonPackInvalid, "count", strconv.Itoa(len(violations))).WithViolations(violations...)
}

// unset is PARAMETER_UNSET with every parameter and what it stands for; nil if none is.
func unset(parameters []string, texts map[string]*typev1.Text) error {
	if len(parameters) == 0 {
		return nil
	}
	violations := make([]fault.Violation, len(parameters))
	for i, id := range parameters {
		violations[i] = fault.Violation{Field: "parameters." + id, Reason: ReasonParameterUnset, Text: texts[id]}
	}
	return fault.New(fault.FailedPrecondition, ReasonParameterUnset, "parameters", strings.Join(parameters, ", ")).WithViolations(violations...)
}
