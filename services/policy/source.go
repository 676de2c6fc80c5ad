package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// maxSource bounds a pack: the largest of the 27 procedures is a tenth of it.
const maxSource = 1 << 20

// place is where something stands in a file.
type place struct {
	file         string
	line, column int
	// offset is what to add to a column inside the scalar: 1 behind a quotation mark.
	offset int
}

// places remembers where each field of each message stands. Messages are known by identity, so that
// rules keep their place when sections of several packs are joined.
type places map[proto.Message]map[string]place

// reader turns one YAML document into a message and collects what is wrong with it.
type reader struct {
	file     string
	places   places
	findings []Finding
}

func (r *reader) add(rule string, n *yaml.Node, path, zh, en string, advice ...string) {
	f := Finding{File: r.file, Rule: rule, Severity: Error, Path: path, Text: words(zh, en)}
	if n != nil {
		f.Line, f.Column = n.Line, n.Column
	}
	if len(advice) == 2 {
		f.Advice = words(advice[0], advice[1])
	}
	r.findings = append(r.findings, f)
}

// read decodes source into m. Whatever is wrong becomes a finding; m then holds what could be read.
func (r *reader) read(source []byte, m proto.Message) {
	if len(source) > maxSource {
		r.add("L01", nil, "", "文件超过 1 MiB。", "The file is larger than 1 MiB.")
		return
	}
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	if i := bytes.IndexAny(source, "\r\u0085\u2028\u2029\x00"); i >= 0 {
		line := 1 + bytes.Count(source[:i], []byte("\n"))
		r.add("L01", &yaml.Node{Line: line, Column: 1}, "", "含有特殊换行符或空字符。", "The line holds an unusual line end or a zero byte.",
			"请只用普通换行。", "Use plain line feeds.")
		return
	}
	dec := yaml.NewDecoder(bytes.NewReader(source))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			r.add("L01", &yaml.Node{Line: 1, Column: 1}, "", "文件是空的。", "The file is empty.")
			return
		}
		r.syntax(err)
		return
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		r.add("L01", &more, "", "文件中有不止一个文档。", "The file holds more than one document.", "请删去“---”之后的内容。", "Remove what follows the second ---.")
		return
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		r.add("L01", &doc, "", "应为字段列表。", "The file must be a mapping of fields.", `例如 "pack: my-pack"。`, `Begin with "pack: my-pack".`)
		return
	}
	err := protoyaml.UnmarshalOptions{Path: r.file, CustomUnmarshaler: r, AllowPartial: true}.Unmarshal(source, m)
	if err != nil && !HasErrors(r.findings) {
		r.left(err)
	}
}

// syntax reports a mistake of YAML itself.
func (r *reader) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	n := &yaml.Node{Line: 1, Column: 1}
	if m := regexp.MustCompile(`line (\d+): (.*)`).FindStringSubmatch(text); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	r.add("L01", n, "", "不是有效的 YAML："+text+"。", "This is not YAML: "+text+".", "请检查缩进、引号与括号。", "Check indentation, quotes and brackets near this line.")
}

// left reports what protoyaml found and the checks before it did not.
func (r *reader) left(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		m := regexp.MustCompile(`^(?:.*?):(\d+):(\d+) (.*)$`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n := &yaml.Node{}
		n.Line, _ = strconv.Atoi(m[1])
		n.Column, _ = strconv.Atoi(m[2])
		r.add("L01", n, "", "无法读取："+m[3]+"。", "Cannot be read: "+m[3]+".")
	}
	if !HasErrors(r.findings) {
		r.add("L01", nil, "", "无法读取："+err.Error(), "Cannot be read: "+err.Error())
	}
}

// Unmarshal implements protoyaml.CustomUnmarshaler. It rewrites the short words of a pack in the
// node into what protoyaml reads, and leaves the decoding to protoyaml.
func (r *reader) Unmarshal(n *yaml.Node, m proto.Message) (bool, error) {
	desc := m.ProtoReflect().Descriptor()
	if desc.FullName().Parent() == "google.protobuf" {
		return false, nil
	}
	r.places[m] = map[string]place{"": r.at(n)}
	if t, ok := m.(*policyv1.Trigger); ok {
		r.trigger(n)
		if n.Kind == yaml.ScalarNode {
			r.shortTrigger(n, t)
			return true, nil
		}
	}
	if n.Kind != yaml.MappingNode {
		what := kindName(n)
		r.add("L01", n, string(desc.Name()), "这里应为字段列表，而不是"+what+"。", "This must be a mapping of fields, not "+what+".",
			"请写 {字段: 值}。", fmt.Sprintf("Write {%s: …}.", desc.Fields().Get(0).Name()))
		return true, nil
	}
	kept := n.Content[:0:0]
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		fd := r.key(k, desc)
		if fd == nil {
			continue
		}
		if seen[k.Value] {
			r.add("L05", k, k.Value, fmt.Sprintf("字段 %q 写了两次。", k.Value), fmt.Sprintf("Field %q is written twice.", k.Value), "请合并。", "Join the two.")
			continue
		}
		seen[k.Value] = true
		if !r.value(v, fd) {
			continue
		}
		r.remember(m, fd, v)
		kept = append(kept, k, v)
	}
	n.Content = kept
	return false, nil
}

func (r *reader) at(n *yaml.Node) place {
	p := place{file: r.file, line: n.Line, column: n.Column}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		p.offset = 1
	}
	return p
}

func (r *reader) remember(m proto.Message, fd protoreflect.FieldDescriptor, v *yaml.Node) {
	name := string(fd.Name())
	r.places[m][name] = r.at(v)
	switch {
	case fd.IsMap():
		for i := 0; i+1 < len(v.Content); i += 2 {
			r.places[m][name+"."+v.Content[i].Value] = r.at(v.Content[i+1])
		}
	case fd.IsList():
		for i, e := range v.Content {
			r.places[m][fmt.Sprintf("%s[%d]", name, i)] = r.at(e)
		}
	}
}

// key finds the field of a key, or reports that there is none.
func (r *reader) key(k *yaml.Node, desc protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	if k.Kind != yaml.ScalarNode || k.Anchor != "" {
		r.add("L01", k, string(desc.Name()), "字段名应为一个词。", "A field name must be one word.")
		return nil
	}
	if trap(k) {
		r.trap(k)
	}
	if fd := desc.Fields().ByName(protoreflect.Name(k.Value)); fd != nil {
		return fd
	}
	var names []string
	for i := range desc.Fields().Len() {
		names = append(names, string(desc.Fields().Get(i).Name()))
	}
	f := Finding{
		File: r.file, Line: k.Line, Column: k.Column, Rule: "L01", Severity: Error, Path: string(desc.Name()),
		Text:   words(fmt.Sprintf("没有字段 %q。", k.Value), fmt.Sprintf("Unknown field %q.", k.Value)),
		Advice: didYouMean(k.Value, names),
	}
	r.findings = append(r.findings, f)
	return nil
}

// value checks the form of a value and rewrites short enum words. It returns false if the value
// cannot be read; it is reported then.
func (r *reader) value(v *yaml.Node, fd protoreflect.FieldDescriptor) bool {
	if fd.IsMap() {
		return r.mapping(v, fd)
	}
	if !fd.IsList() {
		return r.single(v, fd)
	}
	if v.Kind != yaml.SequenceNode {
		r.add("L01", v, string(fd.Name()), fmt.Sprintf("字段 %q 应为列表。", fd.Name()), fmt.Sprintf("Field %q must be a list.", fd.Name()),
			"请写 [值]。", fmt.Sprintf("Write %s: [%s].", fd.Name(), shorten(v.Value)))
		return false
	}
	if v.Anchor != "" {
		r.anchor(v)
		return false
	}
	kept := v.Content[:0:0]
	for _, e := range v.Content {
		if r.single(e, fd) {
			kept = append(kept, e)
		}
	}
	v.Content = kept
	return true
}

func (r *reader) mapping(v *yaml.Node, fd protoreflect.FieldDescriptor) bool {
	if v.Kind != yaml.MappingNode || v.Anchor != "" {
		r.add("L01", v, string(fd.Name()), fmt.Sprintf("字段 %q 应为 {名称: 值}。", fd.Name()), fmt.Sprintf("Field %q must be {name: value, …}.", fd.Name()))
		return false
	}
	seen := map[string]bool{}
	kept := v.Content[:0:0]
	for i := 0; i+1 < len(v.Content); i += 2 {
		k, e := v.Content[i], v.Content[i+1]
		if k.Kind != yaml.ScalarNode || seen[k.Value] || k.Anchor != "" {
			r.add("L05", k, string(fd.Name()), fmt.Sprintf("名称 %q 写了两次，或不是一个词。", k.Value), fmt.Sprintf("Name %q is written twice, or is not one word.", k.Value))
			continue
		}
		if trap(k) {
			r.trap(k)
		}
		seen[k.Value] = true
		if r.single(e, fd.MapValue()) {
			kept = append(kept, k, e)
		}
	}
	v.Content = kept
	return true
}

func (r *reader) single(v *yaml.Node, fd protoreflect.FieldDescriptor) bool {
	if v.Kind == yaml.AliasNode || v.Anchor != "" {
		r.anchor(v)
		return false
	}
	if fd.Kind() == protoreflect.MessageKind {
		if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
			r.add("L01", v, string(fd.Name()), fmt.Sprintf("字段 %q 没有值。", fd.Name()), fmt.Sprintf("Field %q has no value.", fd.Name()), "请填写或删去。", "Fill it or remove it.")
			return false
		}
		return true
	}
	if v.Kind != yaml.ScalarNode {
		r.add("L01", v, string(fd.Name()), fmt.Sprintf("字段 %q 应为一个值，而不是%s。", fd.Name(), kindName(v)), fmt.Sprintf("Field %q must be one value, not %s.", fd.Name(), kindName(v)))
		return false
	}
	if v.Tag == "!!null" {
		r.add("L01", v, string(fd.Name()), fmt.Sprintf("字段 %q 没有值。", fd.Name()), fmt.Sprintf("Field %q has no value.", fd.Name()), "请填写或删去。", "Fill it or remove it.")
		return false
	}
	switch fd.Kind() {
	case protoreflect.EnumKind:
		return r.enum(v, fd.Enum(), string(fd.Name()))
	case protoreflect.BoolKind:
		if v.Value != "true" && v.Value != "false" {
			r.add("L02", v, string(fd.Name()), fmt.Sprintf("%q 不是 true 或 false。", v.Value), fmt.Sprintf("%q is neither true nor false.", shorten(v.Value)))
			return false
		}
	case protoreflect.StringKind:
		if trap(v) {
			r.trap(v)
		}
		if strings.TrimSpace(v.Value) == "" {
			r.add("L03", v, string(fd.Name()), fmt.Sprintf("字段 %q 是空的。", fd.Name()), fmt.Sprintf("Field %q is empty.", fd.Name()), "请填写或删去。", "Fill it or remove it.")
			return false
		}
	}
	return true
}

// enum rewrites MONEY into PARAMETER_TYPE_MONEY, as the field's type asks.
func (r *reader) enum(v *yaml.Node, e protoreflect.EnumDescriptor, path string) bool {
	full := enumPrefix(e) + v.Value
	if ev := e.Values().ByName(protoreflect.Name(full)); ev != nil && ev.Number() != 0 {
		v.Value, v.Tag, v.Style = full, "!!str", 0
		return true
	}
	f := Finding{
		File: r.file, Line: v.Line, Column: v.Column, Rule: "L02", Severity: Error, Path: path,
		Text: words(fmt.Sprintf("没有 %q 这个%s。", shorten(v.Value), e.Name()), fmt.Sprintf("%s %q does not exist.", e.Name(), shorten(v.Value))), Advice: didYouMean(v.Value, enumWords(e)),
	}
	r.findings = append(r.findings, f)
	return false
}

// trigger brings {event: STEP_DONE legal, if: …} into the form {event, id, if}.
func (r *reader) trigger(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := n.Content[i+1]
		event, id, found := strings.Cut(v.Value, " ")
		if n.Content[i].Value != "event" || !found || v.Kind != yaml.ScalarNode {
			continue
		}
		key := *n.Content[i]
		key.Value = "id"
		val := *v
		v.Value, val.Value, val.Column = event, id, v.Column+len(event)+1
		n.Content = append(n.Content, &key, &val)
		return
	}
}

func (r *reader) shortTrigger(n *yaml.Node, t *policyv1.Trigger) {
	event, id, _ := strings.Cut(n.Value, " ")
	word := *n
	word.Value = event
	if !r.enum(&word, policyv1.Event(0).Descriptor(), "trigger") {
		return
	}
	t.Event = policyv1.Event(policyv1.Event_value[word.Value])
	t.Id = strings.TrimSpace(id)
	at := r.at(n)
	r.places[t]["event"] = at
	at.column += len(event) + 1
	r.places[t]["id"] = at
}

func (r *reader) anchor(n *yaml.Node) {
	r.add("L01", n, "", "不允许锚点与别名。", "Anchors and aliases are not allowed.", "请直接写出内容。", "Write it out: a reader must see the rule where it stands.")
}

// trap tells whether a bare word is a truth value to other YAML readers.
func trap(n *yaml.Node) bool {
	if n.Style != 0 || n.Kind != yaml.ScalarNode {
		return false
	}
	switch strings.ToLower(n.Value) {
	case "on", "off", "yes", "no", "y", "n":
		return true
	}
	return false
}

func (r *reader) trap(n *yaml.Node) {
	r.add("L04", n, "", fmt.Sprintf("许多 YAML 工具把 %q 读作真假值。", n.Value), fmt.Sprintf("%q is read as a truth value by many YAML tools.", n.Value),
		"请加引号或换一个词。", "Quote it, or choose another word.")
}

// enumPrefix returns "PARAMETER_TYPE_" for ParameterType, from the zero value's name.
func enumPrefix(e protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(e.Values().ByNumber(0).Name()), "UNSPECIFIED")
}

func enumWords(e protoreflect.EnumDescriptor) []string {
	var out []string
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 {
			out = append(out, strings.TrimPrefix(string(v.Name()), enumPrefix(e)))
		}
	}
	return out
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	case yaml.AliasNode:
		return "an alias"
	}
	return fmt.Sprintf("%q", shorten(n.Value))
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "…"
	}
	return s
}
