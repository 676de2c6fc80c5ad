package compare

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// titles says what the fields of a pack are called by people: by name, and as Message.name where one
// name stands for different things. Each entry is Chinese, then English.
func titles() map[string][2]string {
	return map[string][2]string{
		// sections
		"pack": {"规则包", "pack"}, "title": {"标题", "title"}, "source": {"依据文件", "source document"}, "include": {"引用的规则包", "included packs"},
		"parameters": {"参数", "parameters"}, "roles": {"角色", "roles"}, "departments": {"部门", "departments"}, "calendar": {"工作日历", "working calendar"},
		"forms": {"表单", "forms"}, "categories": {"投诉类别", "categories"}, "grades": {"定级", "grades"}, "acceptance": {"受理", "acceptance"},
		"stages": {"阶段", "stages"}, "duties": {"职责", "duties"}, "gates": {"关口", "gates"}, "clocks": {"时限", "clocks"}, "routing": {"分派", "routing"},
		"approvals": {"审批", "approvals"}, "compensation": {"补偿", "compensation"}, "returns": {"退货", "returns"}, "liability": {"责任分摊", "liability"},
		"corrective_action": {"纠正措施", "corrective action"}, "notices": {"通知", "notices"}, "follow_up": {"回访", "follow-up"}, "rounds": {"再次处理", "rounds"},
		"counters": {"计数", "counters"}, "assessment": {"考核", "assessment"}, "reactions": {"联动", "reactions"}, "reports": {"统计与报告", "reports"},
		"guidance": {"话术卡", "guidance cards"},
		// fields
		"about": {"对象", "about"}, "above": {"高于（不含）", "above, excluded"}, "account": {"扣款来源", "taken from"}, "action": {"开立纠正措施", "open a corrective action"},
		"actual": {"实际费用", "actual cost"}, "after": {"此前已试过的卡", "after cards"}, "after_last": {"末轮之后", "after the last round"}, "along": {"随附通知", "notice along with it"},
		"among": {"统计范围", "among"}, "amount": {"金额", "amount"}, "answers": {"可答复的字段", "what it answers"}, "any_of": {"任一材料", "any of these papers"},
		"approval": {"所需审批", "approval"}, "ask": {"发起审批", "ask for approval"}, "Node.ask": {"查询的系统", "asks"}, "asked_by": {"可发起人", "asked by"}, "asks": {"自动发起", "asked for by"},
		"assign": {"指定部门", "make responsible"}, "Routing.assign": {"责任矩阵", "responsibility matrix"}, "back_to": {"退回阶段", "back to stage"}, "bands": {"金额档", "amount bands"},
		"before": {"之前须满足", "before"}, "below": {"低于（不含）", "below, excluded"}, "Watch.below": {"低于", "below"}, "blocks_close": {"未完成不得关闭", "keeps the complaint open"},
		"branches": {"分支", "branches"}, "by": {"责任人", "by"}, "by_grade": {"各级时限", "limit by level"}, "causes": {"原因", "causes"}, "ceiling": {"上限", "ceiling"},
		"channels": {"渠道", "channels"}, "checks": {"校验", "checks"}, "choices": {"选项", "choices"}, "Notice.choices": {"可选答复", "answers to choose from"}, "choose": {"可供选择", "to choose from"}, "clause": {"条款", "clause"},
		"close": {"结案结果", "close as"}, "connectors": {"外部系统", "connectors"}, "converts": {"折算的记录", "converts"}, "counts": {"计入条件", "counts"}, "dated_by": {"计期时点", "dated by"},
		"decided_by": {"裁定人", "decided by"}, "designee": {"可指定代行人", "may name a designee"}, "deviation": {"偏离所需审批", "approval of a deviation"}, "diagnoses": {"诊断", "diagnoses"},
		"diagnosis": {"得出诊断", "diagnosis"}, "dispositions": {"处置方式", "dispositions"}, "dispute_to": {"争议裁决人", "disputes go to"}, "distinct": {"去重字段", "distinct by"},
		"do": {"随后", "then"}, "Card.do": {"应做", "do"}, "document": {"材料", "document"}, "dont": {"勿做", "do not"}, "doubles": {"加倍的记录", "doubles"}, "each": {"逐项判断的清单", "for each of"},
		"Clock.each": {"逾期计次周期", "period of lateness"}, "en": {"英文", "in English"}, "enough": {"签署人数", "enough"}, "enters": {"进入条件", "entered by"}, "entry": {"记录考核", "book"},
		"escalate": {"升级至", "escalate to"}, "event": {"事件", "event"}, "every": {"周期", "every"}, "Counter.every": {"每满", "each time it is a multiple of"}, "evidence": {"材料要求", "evidence"},
		"exchange": {"数据交换", "exchange"}, "exempts": {"免除的记录", "exempts"}, "extend": {"延期", "extension"}, "fact": {"须记录的事实", "fact"}, "fields": {"字段", "fields"},
		"filled_by": {"填写人", "filled by"}, "Do.follow_up": {"安排回访", "schedule the follow-up"}, "for_each_bad": {"每项不满意随后", "for each bad item"}, "form": {"表单", "form"},
		"ActionKind.forms": {"所含表单", "forms"}, "from": {"起算", "counted from"}, "Clock.from": {"起算事件", "started by"}, "Band.from": {"不低于", "from, included"}, "Entry.from": {"最低金额", "lowest amount"},
		"Notice.from": {"签发人", "issued by"}, "fund": {"转入基金", "fund"}, "grade": {"设定级别", "sets levels"}, "grounds": {"事由", "grounds"}, "group": {"小组或委员会", "is a group"},
		"hidden_from": {"对其隐藏", "hidden from"}, "holder": {"归属", "tied to"}, "holidays": {"节假日数据", "holidays"}, "hours": {"可发送时段", "hours"}, "id": {"编号", "id"}, "if": {"条件", "if"},
		"if_dissatisfied": {"不满意随后", "if dissatisfied"}, "initiators": {"可申请人", "who may ask"}, "instead": {"可代替的签署", "instead"}, "issue": {"发出通知", "issue"}, "Notice.issue": {"自动发出", "issued on"},
		"item_bad": {"单项不满意条件", "an item is bad if"}, "items": {"子字段", "items"}, "kind": {"种类", "kind"}, "late": {"逾期结果", "when too late"}, "levels": {"级别", "levels"}, "limit": {"时限", "limit"},
		"list": {"列出的清单", "list"}, "lists": {"列示条件", "lists"}, "many": {"多个单位", "stands for many"}, "mark": {"标记", "mark"}, "marked": {"以此为到期", "due as marked"}, "marks": {"标记", "marks"},
		"match": {"匹配依据", "matched by"}, "max": {"最多轮次", "at most"}, "mean": {"均值字段", "mean of"}, "measure": {"指标", "measure"}, "measures": {"指标", "measures"}, "media": {"媒介", "media"},
		"medium": {"媒介", "medium"}, "met_by": {"达成事件", "met by"}, "modes": {"方式", "modes"}, "needs": {"须具备", "needs"}, "node": {"下一节点", "next node"}, "nodes": {"节点", "nodes"},
		"normally": {"通常签发人", "normally by"}, "notice": {"通知", "notice"}, "notify": {"告知", "tell"}, "number": {"编号规则", "numbering"}, "objective": {"仅作目标", "objective only"}, "of": {"关于", "of"},
		"offers": {"可提供", "offers"}, "on_breach": {"逾期随后", "on breach"}, "on_issue": {"发出后", "on issue"}, "only": {"仅限", "only"}, "open": {"营业时间", "opening hours"}, "opens": {"开启事件", "opened by"},
		"optional": {"可不做", "optional"}, "options": {"选项编号", "ids of the choices"}, "origins": {"来源", "origins"}, "otherwise": {"否则", "otherwise"}, "outcome": {"结果", "outcome"}, "outside": {"不受理情形", "outside the procedure"},
		"over": {"超过", "over"}, "owed_by": {"责任人", "owed by"}, "owes": {"事后须补", "owes afterwards"}, "owner": {"负责人", "owner"}, "paperwork": {"补办时限", "papers within"}, "parent": {"上级类别", "belongs to"},
		"parties": {"分摊方", "parties"}, "parts": {"段落", "paragraphs"}, "pay_within": {"缴款时限", "pay within"}, "per": {"分别统计", "per"}, "period": {"重新计数周期", "afresh each"}, "periods": {"连续期数", "periods in a row"},
		"points": {"分值", "points"}, "range": {"范围", "range"}, "rate": {"回访比例", "share to be asked"}, "ratio": {"比例", "ratio"}, "reaches": {"达到", "reaches"}, "reading": {"解读", "reading"},
		"recuses": {"被投诉人回避", "recuses"}, "refer": {"转其他程序", "refer to"}, "refers_to": {"引用程序", "refers to"}, "remainder": {"余额承担方", "bears the remainder"}, "remedies": {"补偿方式", "remedies"},
		"remedy": {"补偿方式", "remedy"}, "repeat": {"重复投诉", "repeats"}, "Card.repeat": {"重述间隔", "repeat every"}, "required": {"必填", "required"}, "required_if": {"必填条件", "required if"}, "revision": {"版本", "revision"},
		"round": {"再次处理", "handle again"}, "rules": {"带来的规则", "rules it brings"}, "same": {"须相同的字段", "same"}, "satisfied": {"满意条件", "satisfied if"}, "say": {"可说", "say"}, "scale": {"依据的定级", "scale"},
		"sections": {"章节", "sections"}, "send_to": {"发送至", "sent to"}, "sends": {"发送事件", "sent on"}, "set_by": {"可设定人", "set by"}, "share": {"比例", "share"}, "shares": {"分摊比例", "share of"},
		"show_to": {"展示给", "shown to"}, "shows": {"展示指标", "shows"}, "signed_by": {"须签字人", "signed by"}, "signs": {"签署", "signatures"}, "since": {"自此事实起算", "since"}, "stage": {"阶段", "stage"},
		"standards": {"补偿标准", "standards"}, "stands": {"成立条件", "stands if"}, "started": {"按已开始的周期计", "counts periods begun"}, "starts": {"启动事件", "started by"}, "status": {"公开状态", "public state"},
		"step": {"步骤", "step"}, "steps": {"步骤", "steps"}, "strict": {"须按顺序", "in order"}, "summed_by": {"累计口径", "summed by"}, "summed_within": {"累计期间", "summed within"}, "target": {"目标", "target"},
		"text": {"内容", "text"}, "that": {"须成立", "that"}, "to": {"发给", "to"}, "Assign.to": {"责任部门", "departments"}, "Entry.to": {"记给", "booked to"}, "top": {"前几名", "how many"}, "top_by": {"排名依据", "ranked by"},
		"trees": {"判断树", "decision trees"}, "type": {"类型", "type"}, "undiagnosed": {"未得诊断随后", "when undiagnosed"}, "units": {"单位数", "units"}, "until": {"截至", "until"}, "up_to": {"不高于", "up to, included"},
		"urgent": {"紧急审批", "by telephone"}, "usually": {"通常为", "usually"}, "value": {"值", "value"}, "verified_by": {"验证人", "verified by"}, "void_by": {"作废事件", "void by"}, "waiver": {"特批", "waiver"},
		"warn": {"仅提示", "warns only"}, "Clock.warn": {"提前提醒", "warns before"}, "watches": {"监测", "watches"}, "when": {"触发事件", "when"}, "who": {"签署人", "who"}, "windows": {"期限窗口", "windows"},
		"within": {"期限", "within"}, "wording": {"答复用语", "wording"}, "work_order": {"派工单至", "work order to"}, "worth": {"有效期", "worth sending for"}, "written": {"含人工撰写", "holds written words"},
		"written_by": {"编写人", "written by"}, "zh": {"中文", "in Chinese"}, "zone": {"时区", "time zone"},
		// what is no field
		"order": {"先后顺序", "order"}, "basis": {"计时方式", "basis"},
	}
}

// chinese says what the closed words of packs are called, by enumeration and word. In English the word
// itself is read aloud: CLOCK_BREACHED is "clock breached".
func chinese() map[string]string {
	out := map[string]string{}
	for enum, list := range map[string]string{
		"ParameterType": "MONEY 金额 SHARE 百分比 RATIO 比例 LIMIT 时限 COUNT 整数 ROLE 角色 CHOICE 选项 FLAG 是否",
		"Holder":        "ORGANIZATION 全组织 DEPARTMENT 各部门 CASE 个案",
		"About":         "COMPLAINT 投诉 PLAN 处理方案 CLAIM 补偿申请 GOODS 货物 ACTION 纠正措施 FOLLOW_UP 回访 PENALTY 处罚 DEPARTMENT 部门",
		"FieldType":     "TEXT 文字 FLAG 是否 COUNT 整数 MONEY 金额 DATE 日期 INSTANT 时刻 CHOICE 单选 CHOICES 多选 SCORE 评分 PERSON 人员 DEPARTMENT 部门 FILE 附件 LIST 清单",
		"WindowOf":      "COMPLAINT 投诉 EVIDENCE 材料 LOSS_DATA 损失数据",
		"Status":        "REGISTERED 已登记 ACCEPTED 已受理 HANDLING 处理中 ANSWERED 已答复 COMPLETED 已完成 CLOSED 已关闭",
		"Subject":       "ASSIGNMENT 责任部门 GRADE 定级 REPLY 答复 PLAN 处理方案 EXTENSION 延期 CLAIM 补偿申请 CONSENT 同意 DEVIATION 偏离标准 RETURN 退货 LIABILITY 责任分摊 ACTION 纠正措施 PENALTY 处罚 RECORD 记录",
		"RemedyKind":    "GOODS 换货补货 WORK 维修返工 MONEY 付款 CREDIT 抵扣 GIFT 赠品 GESTURE 善意表示",
		"Base":          "LOSS 损失 COMPENSATION 补偿额 COSTS 处理费用 FUEL 油费 DISPUTED 争议金额",
		"ActionType":    "CORRECTIVE 纠正 PREVENTIVE 预防 RECTIFICATION 整改 IMPROVEMENT 改进 RETEST 复测 RECALL 召回",
		"Of":            "COMPLAINTS 投诉 PRAISES 表扬 ENTRIES 考核记录 CLOCKS 时限 FOLLOW_UPS 回访 ACTIONS 纠正措施 DEPARTMENTS 部门",
		"EntryKind":     "POINTS 扣分加分 FINE 罚款 REWARD 奖励 RECORD 记录",
		"Medium":        "ON_SITE 现场 ORAL 口头 TELEPHONE 电话 WRITTEN 书面 LETTER 信函 EMAIL 电子邮件 FAX 传真 ONLINE 在线 APP 应用程序 SMS 短信 SOCIAL 社交媒体 VISIT 上门",
		"Outcome":       "NOT_REGISTERED 不予登记 OUT_OF_PROCEDURE 另行处理 OUT_OF_SCOPE 不在范围 INVALID 无效 INCOMPLETE 不完整 REFUSED 拒绝 NOT_UPHELD 不成立 COMPLETED 处理完毕 FINAL 终结",
		"Every":         "WEEK 每周 MONTH 每月 QUARTER 每季 YEAR 每年",
		"Kind":          "REVIEW 审核 COUNTERSIGN 会签 OPINION 意见 ANNOTATE 批阅 APPROVE 审批 ACKNOWLEDGE 知悉",
		"Event": "COMPLAINT_RECEIVED 收到投诉 COMPLAINT_REGISTERED 投诉登记 COMPLAINT_VERIFIED 投诉核实 COMPLAINT_JUDGED 投诉判定 COMPLAINT_ACCEPTED 投诉受理 COMPLAINT_WITHDRAWN 投诉撤回 " +
			"REPEAT_FOUND 发现重复投诉 GRADE_SET 定级生效 FORM_FILLED 表单填写 PRAISE_RECORDED 记录表扬 CASE_DEPARTMENT_ASSIGNED 指定责任部门 CASE_PASSED_ON 案件转办 CASE_SIGNED_FOR 案件签收 " +
			"CASE_OWNER_NAMED 指定负责人 CASE_STAGE_ENTERED 进入阶段 CASE_CAUSE_RECORDED 记录原因 CASE_DIAGNOSED 作出诊断 CASE_WORK_ORDER_DONE 工单完成 CASE_ROUND_STARTED 再次处理开始 " +
			"CASE_HANDLING_COMPLETED 处理完毕 CASE_CLOSED 案件关闭 STEP_DONE 步骤完成 PLAN_PROPOSED 提出方案 PLAN_CARRIED_OUT 方案执行完毕 OFFER_MADE 提出补偿意向 OFFER_ANSWERED 客户答复意向 " +
			"CLOCK_WARNED 时限提醒 CLOCK_BREACHED 时限逾期 CLOCK_LATE 时限续逾期 CLOCK_MET 时限达成 NEWS_RECEIVED 收到后台消息 MEASURE_CARRIED_OUT 措施执行完毕 APPROVAL_ASKED 发起审批 " +
			"APPROVAL_SIGNED 审批签署 APPROVAL_GRANTED 审批通过 APPROVAL_REFUSED 审批否决 CLAIM_REQUESTED 申请补偿 CLAIM_PAID 补偿支付 GOODS_REPORTED 货物申报 GOODS_BACK 货物退回 " +
			"GOODS_STORED 货物入库 GOODS_DISPOSED 货物处置 LIABILITY_ALLOCATED 责任分摊 LIABILITY_DISPUTED 分摊争议 ACTION_OPENED 开立纠正措施 ACTION_CARRIED_OUT 措施实施 ACTION_VERIFIED 措施验证 " +
			"ENTRY_MADE 考核记录 REPLY_SENT 发出答复 NOTICE_ISSUED 发出通知 NOTICE_ANSWERED 答复通知 FOLLOW_UP_ANSWERED 回访答复 COUNTER_REACHED 计数达到 WATCH_TRIPPED 监测触发",
		"Act": "REGISTER 登记 FILL 填表 ADD_EVIDENCE 补充材料 VERIFY 核实 JUDGE 判定 GRADE 定级 WITHDRAW 撤回 RECORD_PRAISE 记录表扬 ASK 发起审批 SIGN 签署 REPORT 编制报告 ASSIGN 指定部门 " +
			"PASS_ON 转办 SIGN_FOR 签收 NAME_OWNER 指定负责人 CONTACT 联系客户 RECORD_CAUSE 记录原因 DIAGNOSE 诊断 PROPOSE_PLAN 提出方案 OFFER 提出意向 ANSWER_OFFER 记录意向答复 " +
			"START_PLAN 开始执行方案 CARRY_OUT 完成措施 DO_STEP 完成步骤 SKIP_STEP 免做步骤 REPLY 答复 EXTEND 延期 INTERVENE 介入 ESCALATE 升级 ANSWER_WORK_ORDER 回复工单 COMPLETE 完成处理 " +
			"CLOSE 关闭归档 NEWS 接收消息 TRY_CARD 使用话术卡 REQUEST_CLAIM 申请补偿 SET_METHOD 选择补偿方式 PAY 支付 REPORT_GOODS 申报货物 GIVE_NOTICE_OF_RETURN 预告退货 BRING_BACK 退回货物 " +
			"STORE_GOODS 货物入库 DISPOSE 处置货物 ALLOCATE 分摊责任 DISPUTE 提出争议 DECIDE_DISPUTE 裁决争议 OPEN_ACTION 开立纠正措施 IMPLEMENT 实施措施 VERIFY_ACTION 验证措施 PENALISE 处罚 " +
			"ISSUE 发出通知 ANSWER_NOTICE 答复通知 FOLLOW_UP 回访",
	} {
		pairs := strings.Fields(list)
		for i := 0; i+1 < len(pairs); i += 2 {
			out[enum+"."+pairs[i]] = pairs[i+1]
		}
	}
	return out
}

// dictionary holds the words of one comparison.
type dictionary struct {
	titles  map[string][2]string
	chinese map[string]string
}

// words are made once: the table is read only.
//
//nolint:gochecknoglobals // holds what never changes.
var words = sync.OnceValue(func() *dictionary { return &dictionary{titles(), chinese()} })

// title says what a field is called; a field without a title by its name.
func (d *dictionary) title(fd protoreflect.FieldDescriptor) *typev1.Text {
	name := string(fd.Name())
	for _, key := range []string{string(fd.Parent().Name()) + "." + name, name} {
		if t, ok := d.titles[key]; ok {
			return &typev1.Text{Zh: t[0], En: t[1]}
		}
	}
	return both(name)
}

func (d *dictionary) word(key string) *typev1.Text {
	return &typev1.Text{Zh: d.titles[key][0], En: d.titles[key][1]}
}

// enum says a closed word in both languages.
func (d *dictionary) enum(e protoreflect.EnumDescriptor, n protoreflect.EnumNumber) *typev1.Text {
	v := e.Values().ByNumber(n)
	if v == nil {
		return both("?")
	}
	word := strings.TrimPrefix(string(v.Name()), strings.TrimSuffix(string(e.Values().ByNumber(0).Name()), "UNSPECIFIED"))
	out := both(strings.ToLower(strings.ReplaceAll(word, "_", " ")))
	if zh, ok := d.chinese[string(e.Name())+"."+word]; ok {
		out.Zh = zh
	}
	return out
}

func both(s string) *typev1.Text { return &typev1.Text{Zh: s, En: s} }
