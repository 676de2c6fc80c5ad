package cli

import (
	"strings"
	"unicode"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Languages a command writes texts in: those of packs and refusals, headings of tables
// and what is said about them. Names of states, ids and help stay as they are.
const (
	english = "en"
	chinese = "zh-CN"
)

// inChinese holds what commands themselves say, by what they say in English.
func inChinese() map[string]string {
	return map[string]string{
		// headings
		"AMOUNT": "金额", "CATEGORY": "类别", "CHANNEL": "渠道", "CLAIM": "补偿申请", "CLAUSE": "条款", "CLOCK": "时限", "COMPLAINT": "投诉",
		"DUE": "到期", "KIND": "种类", "LATE": "逾期", "NAME": "名称", "NUMBER": "编号", "OUTCOME": "结果", "RECEIVED": "接收时间", "REMEDY": "补偿方式",
		"RESOURCE": "对象", "RULE": "规则", "RULES": "规则数", "SECTION": "章节", "SIGNED BY": "签署人", "SINCE": "起始", "STATE": "状态", "STEP": "步骤",
		"TEXT": "内容", "TIME": "时间", "WHAT": "事项", "WHERE": "对象", "WHO": "人员", "WHO MAY SIGN": "可签署人", "WHY": "原因",
		"BEFORE": "原结果", "AFTER": "新结果",
		// what a rehearsal tells
		"GRADE": "定级", "OWNER": "责任", "DEADLINE": "期限", "APPROVER": "审批人", "NOTICE": "通知", "DUTY": "待办", "COURSE": "后续", "not replayed": "未重演", "drift": "偏差",
		"%d complaints replayed, %d would change, %d drift, %d not replayed.": "重演投诉 %d 件，其中 %d 件结果不同，%d 件与记录有偏差，%d 件未能重演。",
		"%s: %d complaints, %d changes":                                       "%s：%d 件投诉，%d 处变化",
		"DEPARTMENT":                                                          "责任部门", "MARK": "标记", "OUTSIDE": "不适用情形", "LIMIT": "时限长度", "APPROVAL": "审批", "SIGN": "签署环节", "BAND": "审批档位",
		"yes": "是", "no": "否", "person": "由人员指定", "true": "是", "false": "否", "sealed": "已密封", "recorded": "已记录", "not recorded": "未记录",
		"one of": "属于", "none of": "不属于", "with": "包含", "without": "不包含", "with the words": "含有", "without the words": "不含", "in force: %s": "现行：%s",
		"%s would have to be %s (is %s)": "%s 须为 %s（现为 %s）", "the condition would have to change: %s": "条件须改变：%s", "no change of facts gives it": "任何事实变化都不会得出",
		// what is in cells
		"late": "逾期", "none": "无", "parked event": "搁置的事件", "owed compensation": "待履行：补偿", "owed corrective action": "待履行：纠正措施",
		"owed follow up": "待履行：回访", "withdrawal": "撤回", "notice": "通知", "clock": "时限", "waits behind an earlier one": "排在更早的事件之后",
		"claims are not held yet": "补偿尚未冻结", "the case cannot be closed before": "完成前案件不能关闭", "due": "应于",
		"late verify": "逾期：核实", "late step": "逾期：步骤", "late sign": "逾期：签署", "late plan": "逾期：方案", "late measure": "逾期：措施",
		"late claim": "逾期：补偿申请", "late payable": "逾期：支付", "late action": "逾期：纠正措施", "late follow_up": "逾期：回访", "late reply": "逾期：答复",
		"late close": "逾期：关闭", "late delivery": "逾期：送达", "failed": "投递失败", "no_address": "无投递地址",
		// sentences
		"Nothing waits.":                                  "没有等待处理的事项。",
		"%s: %s, by %s\n":                                 "%s：%s，依据 %s\n",
		"%d events were applied.\n":                       "已处理 %d 个事件。\n",
		"%d parts could not be listed":                    "%d 项无法列出",
		"%s: no answer":                                   "%s：无应答",
		"%d events fail again":                            "%d 个事件再次失败",
		"Organisation %s has a directory and a policy.\n": "组织 %s 的通讯录与规则包已就绪。\n",
		"What was there already stays as it is.":          "已有的内容保持不变。",
		"A service is away; trying again.":                "有服务暂不可用，正在重试。",
		", clause %s":                                     "，条款 %s",
		"They say the same.":                              "两者内容相同。",
		"%d changed, %d added, %d removed.\n":             "修改 %d 项，新增 %d 项，删除 %d 项。\n",
		"Next: redress policy lint %s, redress policy test %s --mutate, then redress policy activate %s.": "接下来：redress policy lint %s，redress policy test %s --mutate，然后 redress policy activate %s。",
		"%s is stored, with its test run.\n":                                                              "%s 已保存，并已记录其演练结果。\n",
		"It is in force already.":                                                                         "它已在执行中。",
		"Another policy author now reads it and puts it in force:\n  %s\n":                                "请另一位政策制定人审阅并启用：\n  %s\n",
		"Put %s in force for complaints registered from now on? y/N":                                      "是否启用 %s，适用于此后登记的投诉？y/N",
		"%s is in force. Complaints that began before keep their revision.\n":                             "%s 已启用。此前登记的投诉仍按原修订版处理。\n",
		"%s, stored by %s, %s\n":                                                                          "%s，由 %s 于 %s 保存\n",
		"No run of its scenarios is on record.":                                                           "没有演练记录。",
		"Scenarios: %d passed, %d failed; %d expected values changed, %d unnoticed. Recorded by %s, %s\n": "场景：通过 %d，失败 %d；改动预期值 %d 处，未被察觉 %d 处。记录人 %s，%s\n",
		"Nothing is in force yet.":                                                                        "目前没有执行中的规则包。",
		"In force is %s. The new one differs:\n":                                                          "执行中的是 %s。新修订版的差异：\n",
	}
}

// tr says a phrase of the commands' own in the language wanted.
func (a *app) tr(phrase string) string {
	if a.language == chinese {
		if said, ok := inChinese()[phrase]; ok {
			return said
		}
	}
	return phrase
}

// words returns a text in the language wanted, else in the other one.
func (a *app) words(t *typev1.Text) string {
	first, second := t.GetEn(), t.GetZh()
	if a.language == chinese {
		first, second = second, first
	}
	if first != "" {
		return first
	}
	return second
}

// client returns whom a command calls, in the language wanted.
func (a *app) client() *client { return &client{app: a} }

// width is how many columns of a terminal a text takes: Chinese characters take two.
func width(text string) int {
	n := 0
	for _, r := range text {
		if n++; unicode.Is(unicode.Han, r) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xff60 {
			n++
		}
	}
	return n
}

// pad fills a text up to so many columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(columns-width(text), 0))
}
