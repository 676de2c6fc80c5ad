package scenario

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// methodFor is the RPC of an act on the subject that a move means: acts such as SIGN
// and FILL have one for each kind of subject.
func (w *words) methodFor(a policyv1.Act, with map[string]*structpb.Value) *method {
	all := actMethods(a)
	pattern := ""
	switch a {
	case policyv1.Act_ACT_FILL:
		pattern = formPattern(w.forms[with["form"].GetStringValue()].GetAbout())
	case policyv1.Act_ACT_SIGN, policyv1.Act_ACT_ASK:
		pattern = approvalPattern(w.approvals[with["approval"].GetStringValue()].GetOf())
	case policyv1.Act_ACT_DO_STEP, policyv1.Act_ACT_SKIP_STEP:
		pattern = "cases/*"
		if w.duties[with["step"].GetStringValue()] {
			pattern = "duties/*"
		}
	case policyv1.Act_ACT_PAY:
		pattern = "entries/*"
	case policyv1.Act_ACT_PENALISE:
		// A notice with a form of the pack, or one entry of the ledger.
		all = slices.DeleteFunc(all, func(m *method) bool { return m.takes("form") != (with["form"] != nil) })
	}
	for _, m := range all {
		if pattern == "" || m.on == pattern {
			return m
		}
	}
	for _, m := range all {
		if a == policyv1.Act_ACT_ASK && m.on == "cases/*" {
			return m // asked of the case, signed on a resource of its own
		}
	}
	return nil
}

func formPattern(a policyv1.About) string {
	switch a {
	case policyv1.About_ABOUT_PLAN:
		return "cases/*/plans/*"
	case policyv1.About_ABOUT_CLAIM:
		return "claims/*"
	case policyv1.About_ABOUT_GOODS:
		return "goods/*"
	case policyv1.About_ABOUT_ACTION:
		return "actions/*"
	case policyv1.About_ABOUT_FOLLOW_UP:
		return "followUps/*"
	case policyv1.About_ABOUT_PENALTY:
		return "penalties/*"
	case policyv1.About_ABOUT_DEPARTMENT:
		return "departments/*"
	}
	return "complaints/*"
}

func approvalPattern(s policyv1.Subject) string {
	switch s {
	case policyv1.Subject_SUBJECT_GRADE:
		return "cases/*"
	case policyv1.Subject_SUBJECT_PLAN:
		return "cases/*/plans/*"
	case policyv1.Subject_SUBJECT_CLAIM:
		return "claims/*"
	case policyv1.Subject_SUBJECT_RETURN:
		return "goods/*"
	case policyv1.Subject_SUBJECT_ACTION:
		return "actions/*"
	case policyv1.Subject_SUBJECT_PENALTY:
		return "penalties/*"
	}
	return "cases/*/approvals/*"
}

// takes tells whether a request has a place for a key.
func (m *method) takes(key string) bool {
	if m.place(m.desc.Input(), key) != nil {
		return true
	}
	p := m.payload()
	return p != nil && m.place(p.Message(), key) != nil
}

// takesFacts tells whether a request holds facts of forms.
func (m *method) takesFacts() bool {
	if m.desc.Input().Fields().ByName(factsField) != nil {
		return true
	}
	p := m.payload()
	return p != nil && p.Message().Fields().ByName(factsField) != nil
}

const factsField = "facts"

// place is the field for a key: of that name, or for "to" the one that says whom.
func (m *method) place(d protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	switch key {
	case factsField, "etag", "request_id":
		return nil
	case "to":
		for _, name := range []protoreflect.Name{"to", "departments", "person"} {
			if f := d.Fields().ByName(name); f != nil {
				return f
			}
		}
		return nil
	}
	return d.Fields().ByName(protoreflect.Name(key))
}

// callAct makes an act by its RPC's declaration: the resource it is on, its version,
// the values of the move, and as facts what no field takes.
func callAct(ctx context.Context, w *world, in *input, m *method) (string, error) {
	req, err := newMessage(m.desc.Input())
	if err != nil {
		return "", err
	}
	if m.field != "" {
		name, etag, err := w.objectOf(ctx, in, m)
		if err != nil {
			return "", err
		}
		set(req, m.field, name)
		set(req, "etag", etag)
	}
	set(req, "request_id", uuid.NewString())
	for _, key := range selectors() {
		in.taken[key] = true
	}
	target := req
	if p := m.payload(); p != nil {
		target = req.Mutable(p).Message()
	}
	for _, key := range slices.Sorted(maps.Keys(in.values)) {
		v := in.values[key]
		fd, values := m.place(req.Descriptor(), key), req
		if fd == nil && target != req {
			fd, values = m.place(target.Descriptor(), key), target
		}
		if fd == nil || fd.Kind() == protoreflect.MessageKind && fd.Message() == target.Descriptor() && target != req {
			continue
		}
		in.taken[key] = true
		if err := in.put(values, fd, v); err != nil {
			return "", err
		}
	}
	if err := w.complete(in, m, req, target); err != nil {
		return "", err
	}
	stands(req)
	stands(target)
	answer, err := newMessage(m.desc.Output())
	if err != nil {
		return "", err
	}
	if err := w.conn(m.service).Invoke(w.acting(ctx), m.full(), req.Interface(), answer.Interface()); err != nil {
		return "", err
	}
	return w.remember(answer), nil
}

// stands fills in words that must be there and that a scenario does not care about, and
// lets who signs without saying how approve.
func stands(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		switch {
		case m.Has(fd) || fd.IsList() || fd.IsMap():
		case fd.Kind() == protoreflect.EnumKind && fd.Enum().FullName() == "redress.type.v1.Decision":
			m.Set(fd, protoreflect.ValueOfEnum(protoreflect.EnumNumber(typev1.Decision_DECISION_APPROVE)))
		case fd.Kind() == protoreflect.StringKind && proto.GetExtension(fd.Options(), typev1.E_Data).(typev1.DataClass) == typev1.DataClass_DATA_CLASS_FREE_TEXT &&
			slices.Contains(proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior), annotations.FieldBehavior_REQUIRED):
			m.Set(fd, protoreflect.ValueOfString(stand))
		}
	}
}

// complete gives the request the facts that are left, and the complaint it is about.
func (w *world) complete(in *input, m *method, req, target protoreflect.Message) error {
	for _, at := range []protoreflect.Message{target, req} {
		fd := at.Descriptor().Fields().ByName(factsField)
		if fd == nil {
			continue
		}
		facts, err := in.facts()
		if err != nil {
			return err
		}
		for id, f := range facts {
			at.Mutable(fd).Map().Set(protoreflect.ValueOfString(id).MapKey(), protoreflect.ValueOfMessage(f.ProtoReflect()))
		}
		break
	}
	if m.field != "" {
		return nil
	}
	for _, at := range []protoreflect.Message{target, req} {
		if fd := at.Descriptor().Fields().ByName("complaint"); fd != nil && fd.Kind() == protoreflect.StringKind && !in.has("complaint") {
			at.Set(fd, protoreflect.ValueOfString(w.complaint))
			return nil
		}
	}
	return nil
}

// remember notes what an answer made or changed as the newest of its collection.
func (w *world) remember(answer protoreflect.Message) string {
	fd := resourceOf(answer.Descriptor())
	if fd == nil || !answer.Has(fd) {
		return ""
	}
	name := textIn(answer.Get(fd).Message(), "name")
	w.newest[patternOf(name)] = name
	return name
}

// patternOf is the kind of a resource: its name with a star for each id.
func patternOf(name string) string {
	parts := strings.Split(name, "/")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "*"
	}
	return strings.Join(parts, "/")
}

// objectOf is the resource that a move is on, as it stands: the one it names, or the
// newest of its kind.
func (w *world) objectOf(ctx context.Context, in *input, m *method) (name, etag string, err error) {
	switch m.on {
	case "complaints/*":
		c, err := w.seen(ctx, in)
		return c.GetName(), c.GetEtag(), err
	case "cases/*":
		k, err := w.kase(ctx, in)
		return k.GetName(), k.GetEtag(), err
	case "departments/*":
		return "departments/" + in.text("department", ""), "", nil
	}
	item, err := w.newestOf(ctx, in, m.on)
	if err != nil {
		return "", "", err
	}
	return textIn(item, "name"), textIn(item, "etag"), nil
}

// newestOf reads the resource of a kind that a move is on.
func (w *world) newestOf(ctx context.Context, in *input, pattern string) (protoreflect.Message, error) {
	if on := in.move.GetOn(); on != "" && on != newestOne && patternOf(w.named[on]) == pattern {
		return w.fetch(ctx, pattern, w.named[on])
	}
	items, err := w.resources(ctx, in, pattern)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(i protoreflect.Message) bool { return !in.means(i) })
	if len(items) == 0 {
		return nil, in.mistake("there are no %s yet", collection(pattern))
	}
	return items[len(items)-1], nil
}

// means tells whether a resource can be the one a move is on: of several approvals the
// one it names, of several duties the step it names.
func (in *input) means(item protoreflect.Message) bool {
	if id := in.values["approval"].GetStringValue(); id != "" {
		if a := approvalIn(item); a != nil {
			return a.GetId() == id
		}
	}
	for _, key := range []string{"step", "entry"} {
		if fd := item.Descriptor().Fields().ByName(protoreflect.Name(key)); in.has(key) && fd != nil && fd.Kind() == protoreflect.StringKind {
			return item.Get(fd).String() == plainText(in.values[key])
		}
	}
	return true
}

// approvalIn is the approval that a resource carries, or nil.
func approvalIn(m protoreflect.Message) *typev1.Approval {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Kind() != protoreflect.MessageKind || fd.IsList() || fd.IsMap() || !m.Has(fd) {
			continue
		}
		if a, ok := m.Get(fd).Message().Interface().(*typev1.Approval); ok {
			return a
		}
	}
	return nil
}

func (w *world) fetch(ctx context.Context, pattern, name string) (protoreflect.Message, error) {
	m := getter(pattern)
	req, err := newMessage(m.desc.Input())
	if err != nil {
		return nil, err
	}
	set(req, "name", name)
	answer, err := newMessage(m.desc.Output())
	if err != nil {
		return nil, err
	}
	if err := w.conn(m.service).Invoke(w.reading(ctx), m.full(), req.Interface(), answer.Interface()); err != nil {
		return nil, err
	}
	return answer.Get(resourceOf(m.desc.Output())).Message(), nil
}

// resources reads the resources of a kind that belong to the complaint of a move, the
// newest last; where it has none, those that belong to no complaint. Without a complaint
// it reads all.
func (w *world) resources(ctx context.Context, in *input, pattern string) ([]protoreflect.Message, error) {
	m := lister(pattern)
	if m == nil {
		return nil, in.mistake("no RPC lists %s", collection(pattern))
	}
	parent := ""
	if m.desc.Input().Fields().ByName("parent") != nil {
		k, err := w.kase(ctx, in)
		if err != nil {
			return nil, err
		}
		parent = k.GetName()
	}
	found, err := w.list1(ctx, m, parent, w.complaint)
	if err != nil || len(found) > 0 || parent != "" || w.complaint == "" {
		return found, err
	}
	found, err = w.list1(ctx, m, "", "")
	return slices.DeleteFunc(found, func(r protoreflect.Message) bool { return textIn(r, "complaint") != "" }), err
}

// list1 reads a list to its end, the newest last.
func (w *world) list1(ctx context.Context, m *method, parent, complaint string) ([]protoreflect.Message, error) {
	items := itemsOf(m.desc.Output())
	if items == nil {
		items = rowsOf(m.desc.Output())
	}
	out, err := all(func(token string) ([]protoreflect.Message, string, error) {
		req, err := newMessage(m.desc.Input())
		if err != nil {
			return nil, "", err
		}
		set(req, "parent", parent)
		set(req, "complaint", complaint)
		set(req, "page_token", token)
		if fd := req.Descriptor().Fields().ByName("page_size"); fd != nil {
			req.Set(fd, protoreflect.ValueOfInt32(pageSize))
		}
		answer, err := newMessage(m.desc.Output())
		if err != nil {
			return nil, "", err
		}
		if err := w.conn(m.service).Invoke(w.reading(ctx), m.full(), req.Interface(), answer.Interface()); err != nil {
			return nil, "", err
		}
		var page []protoreflect.Message
		for i := range answer.Get(items).List().Len() {
			page = append(page, answer.Get(items).List().Get(i).Message())
		}
		return page, textIn(answer, "next_page_token"), nil
	})
	slices.Reverse(out) // lists show the newest first
	slices.SortStableFunc(out, func(a, b protoreflect.Message) int {
		return cmp.Or(madeAt(a).AsTime().Compare(madeAt(b).AsTime()), cmp.Compare(numberOf(a), numberOf(b)))
	})
	return out, err
}

// numberOf is the number that a resource carries in its name, 0 if it carries none.
func numberOf(m protoreflect.Message) int {
	name := textIn(m, "name")
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '/')+1:])
	if err != nil {
		return 0
	}
	return n
}

// madeAt is when a resource came into being.
func madeAt(m protoreflect.Message) *timestamppb.Timestamp {
	for _, name := range []protoreflect.Name{"create_time", "open_time", "report_time", "ask_time", "request_time", "propose_time", "offer_time", "send_time"} {
		if fd := m.Descriptor().Fields().ByName(name); fd != nil && m.Has(fd) {
			if t, ok := m.Get(fd).Message().Interface().(*timestamppb.Timestamp); ok {
				return t
			}
		}
	}
	return nil
}

func newMessage(d protoreflect.MessageDescriptor) (protoreflect.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, err
	}
	return t.New(), nil
}

// set sets a string field, if the message has it and there is something to set.
func set(m protoreflect.Message, field, value string) {
	if fd := m.Descriptor().Fields().ByName(protoreflect.Name(field)); fd != nil && fd.Kind() == protoreflect.StringKind && !fd.IsList() && value != "" {
		m.Set(fd, protoreflect.ValueOfString(value))
	}
}

func textIn(m protoreflect.Message, field string) string {
	if fd := m.Descriptor().Fields().ByName(protoreflect.Name(field)); fd != nil && fd.Kind() == protoreflect.StringKind && !fd.IsList() {
		return m.Get(fd).String()
	}
	return ""
}

// put writes a value of a scenario into a field of a request.
func (in *input) put(m protoreflect.Message, fd protoreflect.FieldDescriptor, v *structpb.Value) error {
	switch {
	case fd.IsMap():
		return in.putMap(m.Mutable(fd).Map(), fd, v)
	case fd.IsList():
		list := m.Mutable(fd).List()
		values := v.GetListValue().GetValues()
		if v.GetListValue() == nil {
			values = []*structpb.Value{v}
		}
		for _, x := range values {
			one, err := in.one(fd, x)
			if err != nil {
				return err
			}
			list.Append(one)
		}
		return nil
	}
	one, err := in.one(fd, v)
	if err != nil {
		return err
	}
	m.Set(fd, one)
	return nil
}

func (in *input) putMap(m protoreflect.Map, fd protoreflect.FieldDescriptor, v *structpb.Value) error {
	for key, x := range v.GetStructValue().GetFields() {
		one, err := in.one(fd.MapValue(), x)
		if err != nil {
			return err
		}
		m.Set(protoreflect.ValueOfString(key).MapKey(), one)
	}
	return nil
}

// one turns a value of a scenario into that of a field: amounts, local times, enum
// words, people as the actors they play, departments by their ids.
func (in *input) one(fd protoreflect.FieldDescriptor, v *structpb.Value) (protoreflect.Value, error) {
	s := plainText(v)
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(v.GetBoolValue()), nil
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(v.GetNumberValue())), nil
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(v.GetNumberValue())), nil
	case protoreflect.EnumKind:
		values := fd.Enum().Values()
		prefix := strings.TrimSuffix(string(values.Get(0).Name()), "UNSPECIFIED")
		if value := values.ByName(protoreflect.Name(prefix + s)); value != nil {
			return protoreflect.ValueOfEnum(value.Number()), nil
		}
		return protoreflect.Value{}, in.mistake("%s is %q, which is none of its words", fd.Name(), s)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(in.named(fd, s)), nil
	case protoreflect.MessageKind:
		return in.message(fd, v)
	}
	return protoreflect.Value{}, in.mistake("%s cannot be written in a scenario", fd.Name())
}

// named turns what scenarios call people, departments and earlier resources into names.
func (in *input) named(fd protoreflect.FieldDescriptor, s string) string {
	if name, ok := in.world.named[s]; ok {
		return name
	}
	pattern := patternRule(fd)
	switch {
	case s == "" || strings.Contains(s, "people/") || strings.HasPrefix(s, "departments/"):
		return s
	case strings.Contains(pattern, "departments/") && in.world.play.pack.words.departments[s]:
		return "departments/" + s
	case strings.Contains(pattern, "people/"):
		return in.person(s)
	case strings.Contains(pattern, "departments/"):
		return "departments/" + s
	case strings.Contains(pattern, "complaints/") && s == newestOne:
		return in.world.complaint
	case strings.Contains(pattern, "complaints/") && s == "none":
		return ""
	}
	return s
}

// patternRule is the pattern that the declaration of a string asks for.
func patternRule(fd protoreflect.FieldDescriptor) string {
	if !proto.HasExtension(fd.Options(), validate.E_Field) {
		return ""
	}
	rules := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
	if items := rules.GetRepeated().GetItems(); items != nil {
		return items.GetString().GetPattern()
	}
	return rules.GetString().GetPattern()
}

func (in *input) message(fd protoreflect.FieldDescriptor, v *structpb.Value) (protoreflect.Value, error) {
	switch fd.Message().FullName() {
	case "redress.type.v1.Money":
		return protoreflect.ValueOfMessage(cny(plainText(v)).ProtoReflect()), nil
	case "google.protobuf.Timestamp":
		at, err := in.local(plainText(v))
		return protoreflect.ValueOfMessage(at.ProtoReflect()), err
	}
	m, err := newMessage(fd.Message())
	if err != nil {
		return protoreflect.Value{}, err
	}
	if v.GetStructValue() == nil {
		return protoreflect.Value{}, in.mistake("%s must be written with its fields", fd.Name())
	}
	for key, x := range v.GetStructValue().GetFields() {
		below := fd.Message().Fields().ByName(protoreflect.Name(key))
		if below == nil {
			return protoreflect.Value{}, in.mistake("%s has no field %q", fd.Name(), key)
		}
		if err := in.put(m, below, x); err != nil {
			return protoreflect.Value{}, err
		}
	}
	return protoreflect.ValueOfMessage(m), nil
}
