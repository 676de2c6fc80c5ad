package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// A person reads words where conditions see ids.
func TestOptionsHaveWordsInBothLanguages(t *testing.T) {
	field := func(options string) string {
		_, findings := policy.Load("sample.yaml", []byte("pack: sample\nforms: [{id: f, clause: '1', about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: kind, type: CHOICE, "+options+"}]}]\n"), nil)
		return printed(findings)
	}
	require.Empty(t, field("choices: [{id: new, text: {zh: 新, en: new}}]"))
	require.Contains(t, field("options: [new]"), "L08 E")
	require.Contains(t, field("choices: [{id: new}]"), "L08 E")
	require.Contains(t, field("choices: [{id: new, text: {zh: 新}}]"), "text.en")
	require.Contains(t, field("choices: [{id: new, text: {zh: 新, en: new}}, {id: new, text: {zh: 新, en: new}}]"), "L05 E")
}

func TestLettersSayOptionsInWords(t *testing.T) {
	p, findings := policy.Compile(load(t, `pack: letters
forms: [{id: f, clause: "1", about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: demand, type: CHOICES, choices: [{id: refund, text: {zh: 退款, en: a refund}}, {id: apology, text: {zh: 道歉, en: an apology}}]}]}]
notices: [{id: letter, clause: "1", text: {zh: 甲, en: a}, to: [customer], issue: [COMPLAINT_REGISTERED], parts: [{id: p, text: {zh: "您要求{demand}。", en: "You ask for {demand}."}}]}]
`), policy.Options{})
	require.Empty(t, findings)
	got, err := p.Render("letter", &policy.Sheet{Facts: map[string]*typev1.Fact{
		"demand": {Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: []string{"refund", "apology"}}}},
	}}, policy.Filling{})
	require.NoError(t, err)
	require.Equal(t, "您要求退款、道歉。", got.Parts[0].GetZh())
	require.Equal(t, "You ask for a refund, an apology.", got.Parts[0].GetEn())
}
