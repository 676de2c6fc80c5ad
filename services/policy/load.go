package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// ErrNoPack is what an include function returns for a pack it does not have.
var ErrNoPack = errors.New("no such pack")

// maxIncludes bounds how deep packs include each other.
const maxIncludes = 4

// Load reads a pack from YAML, brings in what it includes, and checks the whole.
//
// file names the source in findings. include returns the YAML of another pack at a revision, or
// ErrNoPack; nil means that there are none. Load compares the revision itself.
//
// The findings are complete: every mistake at once, in the order of the files. With an Error among
// them the pack must not be used; it holds what could be read and is nil only if that is nothing.
// Blank parameters are not a finding here but of Compile: a pack may be written before its owner
// has decided.
func Load(file string, yaml []byte, include func(pack, revision string) ([]byte, error)) (*policyv1.Pack, []Finding) {
	d := draft(file, yaml, include, 0)
	if d.pack.GetPack() == "" && HasErrors(d.findings) {
		return d.pack, sortFindings(d.findings)
	}
	c := check(d.pack, d.places, d.findings)
	return d.pack, sortFindings(append(d.findings, c.findings...))
}

// drafted is a pack with everything it includes, not yet checked as a whole.
type drafted struct {
	pack     *policyv1.Pack
	places   places
	findings []Finding
}

func draft(file string, source []byte, include func(pack, revision string) ([]byte, error), depth int) drafted {
	r := &reader{file: file, places: places{}}
	d := drafted{pack: &policyv1.Pack{}, places: r.places}
	r.read(source, d.pack)
	d.findings = r.findings
	d.choices()
	own := d.pack.GetInclude()
	if len(own) == 0 {
		return d
	}
	if depth >= maxIncludes {
		d.report(own[0], "", "包含层数太多。", "Packs include each other too deep.", nil)
		return d
	}
	j := joiner{d: &d, base: &policyv1.Pack{}}
	for _, in := range own {
		j.bring(in, include, depth)
	}
	j.finish()
	return d
}

func (d *drafted) report(m proto.Message, field, zh, en string, advice *typev1.Text) {
	at := d.places[m][field]
	if at.line == 0 {
		at = d.places[m][""]
	}
	d.findings = append(d.findings, Finding{
		File: at.file, Line: at.line, Column: at.column, Path: join("include", field), Rule: "L40",
		Severity: Error, Text: words(zh, en), Advice: advice,
	})
}

// joiner collects the included sections in the order of the includes; the pack's own follow.
type joiner struct {
	d    *drafted
	base *policyv1.Pack
}

// sectionNames lists what an include may bring.
func sectionNames() []string {
	var out []string
	fields := (&policyv1.Pack{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if fields.Get(i).Kind() == protoreflect.MessageKind {
			if name := string(fields.Get(i).Name()); name != "title" && name != "include" {
				out = append(out, name)
			}
		}
	}
	return out
}

func (j *joiner) bring(in *policyv1.Include, include func(pack, revision string) ([]byte, error), depth int) {
	d := j.d
	switch {
	case in.GetPack() == "" || in.GetRevision() == "" || len(in.GetSections()) == 0:
		d.report(in, "", "包含须写明 pack、revision 和 sections。", "An include needs pack, revision and sections.", nil)
		return
	case len(in.GetRules()) > 0:
		d.report(in, "rules", "rules 由系统填写。", "Field rules is filled by the loader.", words("请删去。", "Remove it."))
		return
	case include == nil:
		d.report(in, "pack", fmt.Sprintf("没有规则包 %q。", in.GetPack()), fmt.Sprintf("There is no pack %q to include.", in.GetPack()), nil)
		return
	}
	source, err := include(in.GetPack(), in.GetRevision())
	if err != nil {
		d.report(in, "pack", fmt.Sprintf("无法取得规则包 %q：%v。", in.GetPack(), err), fmt.Sprintf("Pack %q cannot be had: %v.", in.GetPack(), err), nil)
		return
	}
	other := draft(in.GetPack(), source, include, depth+1)
	if HasErrors(other.findings) {
		first := sortFindings(other.findings)[0]
		d.report(in, "pack", fmt.Sprintf("规则包 %q 有错：%s", in.GetPack(), first), fmt.Sprintf("Pack %q has mistakes: %s", in.GetPack(), first), nil)
		return
	}
	if have := revisionOf(other.pack); have != in.GetRevision() {
		d.report(in, "revision", fmt.Sprintf("规则包 %q 的版本为 %s，而不是 %s。", in.GetPack(), have, in.GetRevision()),
			fmt.Sprintf("Pack %q is at revision %s, not %s.", in.GetPack(), have, in.GetRevision()),
			words("请审阅变化后改写版本号。", "Review what changed there, then write the new revision."))
		return
	}
	maps.Copy(d.places, other.places)
	fields := j.base.ProtoReflect().Descriptor().Fields()
	taken := map[string]bool{}
	for i, name := range in.GetSections() {
		fd := fields.ByName(protoreflect.Name(name))
		if !slices.Contains(sectionNames(), name) {
			d.report(in, fmt.Sprintf("sections[%d]", i), fmt.Sprintf("没有章节 %q。", name), fmt.Sprintf("There is no section %q.", name), didYouMean(name, sectionNames()))
			continue
		}
		if taken[name] {
			continue
		}
		taken[name] = true
		in.Rules = append(in.Rules, j.section(in, fd, other.pack)...)
	}
	slices.Sort(in.Rules)
	in.Rules = slices.Compact(in.Rules)
}

// section moves one section into the base and returns the ids of its rules.
func (j *joiner) section(in *policyv1.Include, fd protoreflect.FieldDescriptor, from *policyv1.Pack) []string {
	src, dst := from.ProtoReflect(), j.base.ProtoReflect()
	if !src.Has(fd) {
		return nil
	}
	before := len(j.d.findings)
	j.merge(in, string(fd.Name()), dst, src, fd)
	if len(j.d.findings) > before {
		return nil
	}
	only := &policyv1.Pack{}
	only.ProtoReflect().Set(fd, src.Get(fd))
	var ids []string
	walk("", only, func(_ string, m proto.Message) {
		if isRule(m) && idOf(m) != "" {
			ids = append(ids, idOf(m))
		}
	})
	return ids
}

// merge appends lists, joins messages field by field, and refuses two values for one scalar.
func (j *joiner) merge(in *policyv1.Include, path string, dst, src protoreflect.Message, fd protoreflect.FieldDescriptor) {
	switch {
	case fd.IsList():
		to := dst.Mutable(fd).List()
		for i := range src.Get(fd).List().Len() {
			e := src.Get(fd).List().Get(i)
			if fd.Kind() == protoreflect.MessageKind && named(path) && repeats(to, e) {
				continue
			}
			to.Append(e)
		}
	case fd.Kind() == protoreflect.MessageKind && !fd.IsMap() && !isRule(src.Get(fd).Message().Interface()) && path != "calendar":
		to := dst.Mutable(fd).Message()
		src.Get(fd).Message().Range(func(sub protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			j.merge(in, join(path, string(sub.Name())), to, src.Get(fd).Message(), sub)
			return true
		})
	case dst.Has(fd):
		if !dst.Get(fd).Equal(src.Get(fd)) {
			j.d.report(in, "sections", fmt.Sprintf("%s 由两个规则包给出，且不相同。", path), fmt.Sprintf("Two packs say different things about %s.", path),
				words("请只从一个规则包取用。", "Take it from one of them only."))
		}
	default:
		dst.Set(fd, src.Get(fd))
	}
}

// named sections hold names only, so that the same name from two packs is one.
func named(path string) bool { return path == "roles" || path == "departments" }

func repeats(list protoreflect.List, e protoreflect.Value) bool {
	id := idOf(e.Message().Interface())
	for i := range list.Len() {
		if idOf(list.Get(i).Message().Interface()) == id {
			return true
		}
	}
	return false
}

// finish puts the pack's own sections behind the included ones.
func (j *joiner) finish() {
	own := j.d.pack
	head := &policyv1.Include{}
	if len(own.GetInclude()) > 0 {
		head = own.GetInclude()[0]
	}
	for _, name := range sectionNames() {
		fd := own.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name))
		if own.ProtoReflect().Has(fd) {
			j.merge(head, name, j.base.ProtoReflect(), own.ProtoReflect(), fd)
		}
		if j.base.ProtoReflect().Has(fd) {
			own.ProtoReflect().Set(fd, j.base.ProtoReflect().Get(fd))
		}
	}
}

func itoa(i int) string { return strconv.Itoa(i) }
