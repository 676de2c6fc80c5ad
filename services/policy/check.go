package policy

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// checker collects what is wrong with a pack as a whole.
type checker struct {
	pack     *policyv1.Pack
	places   places
	values   map[string]string // of parameters; nil while blank ones are allowed
	words    *vocabulary
	conds    map[string]*condition
	findings []Finding
}

// check is lint without values of parameters: what Load does.
// read are the findings of the reader: what it dropped is not reported as missing too.
func check(p *policyv1.Pack, at places, read []Finding) *checker {
	c := checkWith(p, at, nil)
	c.findings = slices.DeleteFunc(c.findings, func(f Finding) bool {
		return (f.Rule == "L02" || f.Rule == "L28") && slices.ContainsFunc(read, func(r Finding) bool { return r.File == f.File && r.Line == f.Line })
	})
	return c
}

func checkWith(p *policyv1.Pack, at places, values map[string]string) *checker {
	c := &checker{pack: p, places: at, values: values, conds: map[string]*condition{}}
	given := values
	if given == nil {
		given = map[string]string{}
	}
	v, err := newVocabulary(p, given, zoneOf(p.GetCalendar()))
	if err != nil {
		c.report(p, "", "", "L10", err.Error(), err.Error(), nil)
		return c
	}
	c.words = v
	c.checkNames()
	c.checkRules()
	c.checkFigures()
	c.checkWho()
	c.checkReferences()
	c.checkConditions()
	c.checkForms()
	c.checkParameters()
	c.checkClocks()
	c.checkApprovals()
	c.checkFlow()
	c.checkNotices()
	c.checkAcceptance()
	c.checkRouting()
	c.checkMoney()
	c.checkCounting()
	c.checkEntries()
	c.checkReach()
	c.checkGuidance()
	c.checkTexts()
	return c
}

// report adds an error at the field of a message, or at the message if the field was not written.
func (c *checker) report(m proto.Message, field, path, rule string, zh, en string, advice *typev1.Text) {
	c.reportAt(m, field, path, rule, Error, 0, zh, en, advice)
}

func (c *checker) reportAt(m proto.Message, field, path, rule string, sev Severity, column int, zh, en string, advice *typev1.Text) {
	at, ok := c.places[m][field]
	if !ok {
		at = c.places[m][""]
	} else if column > 0 {
		at.column += at.offset + column - 1
	}
	c.findings = append(c.findings, Finding{File: at.file, Line: at.line, Column: at.column, Path: path, Rule: rule, Severity: sev, Text: words(zh, en), Advice: advice})
}

// checkNames finds ids written twice and ids that are no ids.
//
// Rules share one space, because scenarios, decisions and refusals point to them by id alone. Names
// (roles, departments, categories, levels, options) each have their own list.
func (c *checker) checkNames() {
	if !packName(c.pack.GetPack()) {
		c.report(c.pack, "pack", "pack", "L05", fmt.Sprintf("%q 不是规则包名。", c.pack.GetPack()), fmt.Sprintf("%q is not the id of a pack.", c.pack.GetPack()),
			words("请用小写单词以连字符相连。", "Write lower-case words joined by hyphens."))
	}
	spaces := map[string]map[string]proto.Message{}
	walk("", c.pack, func(path string, m proto.Message) {
		f := m.ProtoReflect().Descriptor().Fields().ByName("id")
		if _, isTrigger := m.(*policyv1.Trigger); f == nil || isTrigger {
			return
		}
		id := idOf(m)
		switch {
		case id == "" && optionalID(m):
			return
		case id == "":
			c.report(m, "", path, "L05", "缺少 id。", "The id is missing.", words("请给出小写 id。", "Give it a lower_snake id."))
			return
		case !snake(id):
			c.report(m, "id", path, "L05", fmt.Sprintf("%q 不是 id。", id), fmt.Sprintf("%q is not an id.", id), words("请用 lower_snake。", "Write lower_snake, at most 63 letters."))
			return
		}
		space := "rules"
		if isName(m) || !isRule(m) {
			space = path[:strings.LastIndex(path, ".")] + string(m.ProtoReflect().Descriptor().Name())
		}
		if spaces[space] == nil {
			spaces[space] = map[string]proto.Message{}
		}
		if other := spaces[space][id]; other != nil {
			where := ""
			if at := c.places[other][""]; at.line > 0 {
				where = fmt.Sprintf(" at %s:%d", at.file, at.line)
			}
			what := string(other.ProtoReflect().Descriptor().Name())
			c.report(m, "id", path, "L05", fmt.Sprintf("id %q 已用于 %s%s。", id, what, where), fmt.Sprintf("id %q is already a %s%s.", id, what, where),
				words("请改名；场景按 id 引用。", "Rename one; scenarios point to ids."))
			return
		}
		spaces[space][id] = m
	})
}

// optionalID: sections that may go without an id because there is one of each.
func optionalID(m proto.Message) bool {
	switch m.(type) {
	case *policyv1.Returns, *policyv1.Liability, *policyv1.Need:
		return true
	}
	return false
}

func packName(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for w := range strings.SplitSeq(s, "-") {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return s[0] >= 'a' && s[0] <= 'z'
}

// checkRules asks every rule for its clause, its text in both languages, and readings that exist.
func (c *checker) checkRules() {
	walk("", c.pack, func(path string, m proto.Message) {
		if t, ok := m.(*typev1.Text); ok {
			c.bothLanguages(m, path, t)
			return
		}
		if !isRule(m) {
			return
		}
		ref := quote(m)
		if !isName(m) && ref.GetClause() == "" && len(ref.GetReadings()) == 0 && !c.inStageWithClause(path) {
			c.report(m, "", path, "L07", "规则没有条款。", "The rule has no clause.", words("请写明条款，或由我们作出的解读。", "Name the clause, or a reading if we decided it."))
		}
		if ref.GetText() == nil {
			c.report(m, "", path, "L08", "规则没有中英文说明。", "The rule has no text.", words("请写 text: {zh: …, en: …}。", "Write text: {zh: …, en: …}: refusals and decisions quote it."))
		}
		for i, r := range ref.GetReadings() {
			if !knownReading(r) {
				c.report(m, fmt.Sprintf("reading[%d]", i), path, "L09", fmt.Sprintf("没有解读 %q。", r), fmt.Sprintf("Reading %q is unknown.", r),
					words("请先写入 PROCEDURES.md。", "Add the reading to the procedure's ambiguities first."))
			}
		}
	})
}

func (c *checker) inStageWithClause(path string) bool {
	parts := strings.Split(path, ".")
	return len(parts) == 4 && parts[0] == "stages" && ByID(c.pack.GetStages(), parts[1]).GetClause() != ""
}

func (c *checker) bothLanguages(m proto.Message, path string, t *typev1.Text) {
	for _, l := range []struct{ name, value string }{{"zh", t.GetZh()}, {"en", t.GetEn()}} {
		if strings.TrimSpace(l.value) == "" {
			c.report(m, "", path, "L08", "缺少 "+l.name+" 文字。", "text."+l.name+" is missing.", words("请补全：读者用自己的语言阅读。", "Add it: readers are answered in their language."))
		}
	}
}

// knownReading knows the readings of the digest by the highest number of each procedure. Readings
// that are not of its form belong to an operator's own packs.
func knownReading(r string) bool {
	const highest = "01:5 02:6 03:4 04:3 05:2 06:1 07:2 08:1 09:3 10:3 11:5 12:5 13:5 14:8 15:7 16:3 17:4 18:4 19:9 20:4 21:1 22:3 23:2 24:2 25:4 26:5 27:12"
	var p, a int
	if n, _ := fmt.Sscanf(r, "K%d", &a); n == 1 && r == fmt.Sprintf("K%d", a) {
		return a >= 1 && a <= 13
	}
	if n, _ := fmt.Sscanf(r, "P%02d-A%d", &p, &a); n != 2 || r != fmt.Sprintf("P%02d-A%d", p, a) {
		return r != "" && !strings.HasPrefix(r, "P0") && !strings.HasPrefix(r, "K")
	}
	for e := range strings.FieldsSeq(highest) {
		var q, top int
		if n, _ := fmt.Sscanf(e, "%02d:%d", &q, &top); n == 2 && q == p {
			return a >= 1 && a <= top
		}
	}
	return false
}

// checkConditions compiles every condition and looks whether its place brings what it reads.
func (c *checker) checkConditions() {
	for _, s := range sitesOf(c.pack) {
		cond, ok := c.conds[s.text]
		if !ok {
			var problems []problem
			cond, problems = c.words.compile(s.text)
			c.problems(s, problems)
			if cond != nil {
				c.conds[s.text] = cond
			}
		}
		if cond == nil {
			continue
		}
		c.problems(s, c.words.outside(cond, s.allowed))
		if len(cond.uses) == 0 && s.field != "among" {
			c.reportAt(s.owner, s.field, s.path, "L16", Warning, 1, "条件不取决于任何事实。", "The condition depends on no fact: it is always or never true.", words("请删去条件。", "Drop it."))
		} else if answer, ok := c.words.constant(cond); ok {
			zh, en := "恒为真", "always true"
			if answer == False {
				zh, en = "恒为假", "never true"
			}
			c.reportAt(s.owner, s.field, s.path, "L16", Warning, 1, "无论记录什么，条件"+zh+"。", "Whatever is recorded, this condition is "+en+".", words("请删去或改写条件。", "Drop it, or say what it is to tell apart."))
		}
	}
}

func (c *checker) problems(s site, list []problem) {
	for _, p := range list {
		c.reportAt(s.owner, s.field, s.path, p.rule, p.severity, p.column, fmt.Sprintf("第 %d 列：%s", p.column, p.zh), fmt.Sprintf("column %d: %s", p.column, p.en), p.advice)
	}
}

// checkForms: the same id in two forms must mean the same; options and ranges must fit the type.
func (c *checker) checkForms() {
	for _, form := range c.pack.GetForms() {
		path := "forms." + form.GetId()
		if form.GetAbout() == 0 {
			c.report(form, "", path, "L02", "缺少 about。", "about is missing: what is the form about?", didYouMean("", enumWords(policyv1.About(0).Descriptor())))
		}
		for _, f := range form.GetFields() {
			c.checkField(path+"."+f.GetId(), f)
			first := c.words.facts[f.GetId()]
			if first.field != f && (first.field.GetType() != f.GetType() || !slices.Equal(first.field.GetOptions(), f.GetOptions())) {
				c.report(f, "id", path+"."+f.GetId(), "L05", fmt.Sprintf("字段 %q 在表单 %s 中另有类型或选项。", f.GetId(), first.form.GetId()),
					fmt.Sprintf("Field %q has another type or other options in form %s.", f.GetId(), first.form.GetId()), words("请改名：条件只见一个事实。", "Rename one: conditions see one fact of that id."))
			}
		}
	}
}

func (c *checker) checkField(path string, f *policyv1.Field) {
	c.checkRecusal(path, f)
	choice := f.GetType() == policyv1.FieldType_FIELD_TYPE_CHOICE || f.GetType() == policyv1.FieldType_FIELD_TYPE_CHOICES
	ranged := f.GetType() == policyv1.FieldType_FIELD_TYPE_SCORE || f.GetType() == policyv1.FieldType_FIELD_TYPE_COUNT || f.GetType() == policyv1.FieldType_FIELD_TYPE_LIST
	_, _, rangeOK := parseRange(f.GetRange())
	switch {
	case f.GetType() == 0:
		c.report(f, "", path, "L02", "缺少 type。", "type is missing.", didYouMean("", enumWords(policyv1.FieldType(0).Descriptor())))
	case choice && len(f.GetOptions()) == 0:
		c.report(f, "", path, "L13", "没有选项。", "A choice needs options.", nil)
	case !choice && len(f.GetOptions()) > 0:
		c.report(f, "choices", path, "L13", "只有 CHOICE 和 CHOICES 有选项。", "Only CHOICE and CHOICES have options.", nil)
	case f.GetRange() != "" && (!ranged || !rangeOK):
		c.report(f, "range", path, "L03", fmt.Sprintf("%q 不是范围。", f.GetRange()), fmt.Sprintf("%q is not a range of a SCORE, a COUNT or the entries of a LIST.", f.GetRange()), words("请写 1..5。", `Write "1..5", both bounds included.`))
	case f.GetType() == policyv1.FieldType_FIELD_TYPE_SCORE && f.GetRange() == "":
		c.report(f, "", path, "L03", "SCORE 须有 range。", "A SCORE needs a range.", words("请写 range: 1..5。", `Write range: "1..5".`))
	case f.GetType() == policyv1.FieldType_FIELD_TYPE_LIST && len(f.GetItems()) == 0:
		c.report(f, "", path, "L01", "LIST 须有 items。", "A LIST needs items.", nil)
	case f.GetType() != policyv1.FieldType_FIELD_TYPE_LIST && len(f.GetItems()) > 0:
		c.report(f, "items", path, "L01", "只有 LIST 有 items。", "Only a LIST has items.", nil)
	}
	for _, item := range f.GetItems() {
		c.checkField(path+"."+item.GetId(), item)
	}
}

// checkParameters: a value needs a reading and must be of the type.
func (c *checker) checkParameters() {
	for _, q := range c.pack.GetParameters() {
		path := "parameters." + q.GetId()
		if q.GetType() == 0 {
			c.report(q, "", path, "L02", "缺少 type。", "type is missing.", didYouMean("", enumWords(policyv1.ParameterType(0).Descriptor())))
			continue
		}
		if c.values != nil || q.GetValue() == "" {
			continue // values of the owner are checked by Compile
		}
		if len(q.GetReading()) == 0 {
			c.report(q, "value", path, "L19", fmt.Sprintf("参数 %s 有值 %q 而无解读。", q.GetId(), q.GetValue()), fmt.Sprintf("Parameter %s has the value %q but no reading.", q.GetId(), q.GetValue()),
				words("请留空，或写明谁作的决定。", "Leave it blank, or cite who decided."))
		}
		if advice := checkParameter(q); advice != "" {
			c.report(q, "value", path, "L03", fmt.Sprintf("%q 不是该类型的值。", q.GetValue()), fmt.Sprintf("%q is not a value of that type.", q.GetValue()), words(advice, advice))
		}
	}
}
