// Package search makes what is said in complaints findable by words, without
// showing it to the database: texts are opened, cut into pairs of characters, and
// each pair becomes a number that only the holder of the key can make.
//
// There is no dictionary of words: most Chinese words have two characters, which are
// one pair, and longer ones are some. Pairs that occur apart say nothing, so what is
// found is compared with the text ([Words.In]).
//
// Start reading at [Parse] for what is asked, [Index.Terms] for what is stored.
//
// Source: docs/adr/0014.
package search

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/seal"
)

const (
	// leastRunes is how many characters a word has at least: those of a pair.
	leastRunes = 2
	// mostWords is how many words are looked for at once.
	mostWords = 8
)

// ReasonWords says that the query has no words, too many, or one that is too short.
const ReasonWords = "SEARCH_WORDS"

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{{
		Reason: ReasonWords, Kind: fault.Invalid,
		ZH: "请输入 1 至 {words} 个词，以空格分隔，每个词至少 {runes} 个字。", EN: "Give 1 to {words} words with blanks between them, each of at least {runes} characters.",
	}}
}

// normal returns the text as it is compared: compatible characters are one, full
// width is half width, capitals are small. It is the same for texts and queries.
func normal(text string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(text)))
}

// Words are what is looked for, normalised.
type Words []string

// Parse cuts a query at its white space. Fault: SEARCH_WORDS.
func Parse(query string) (Words, error) {
	words := Words(strings.Fields(normal(query)))
	short := slices.ContainsFunc(words, func(w string) bool { return len([]rune(w)) < leastRunes })
	if len(words) > 0 && len(words) <= mostWords && !short {
		return words, nil
	}
	return nil, fault.New(fault.Invalid, ReasonWords, "words", strconv.Itoa(mostWords), "runes", strconv.Itoa(leastRunes)).WithViolations(fault.Violation{
		Field: "query", Reason: ReasonWords,
		Text: &typev1.Text{Zh: "1 至 8 个词，以空格分隔，每个词至少 2 个字", En: "must be 1 to 8 words with blanks between them, each of at least 2 characters"},
	})
}

// In reports whether every word occurs in what the complaint says, as it is shown to
// whoever asks: opened as far as they may see, without what is hidden from them.
func (ws Words) In(c *intakev1.Complaint) bool {
	var texts []string
	for text := range said(c) {
		texts = append(texts, normal(text))
	}
	return !slices.ContainsFunc(ws, func(word string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, word) })
	})
}

// said returns the texts of a complaint that are searched. What is personal is not:
// staff see it masked, and a search that finds it would tell it.
func said(c *intakev1.Complaint) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		texts := []string{c.GetDescription(), c.GetComplaintObject(), c.GetNumber()}
		for _, id := range slices.Sorted(maps.Keys(c.GetFacts())) {
			texts = append(texts, c.GetFacts()[id].GetText())
		}
		for _, text := range texts {
			if text != "" && text != seal.Masked && text != seal.Erased && !yield(text) {
				return
			}
		}
	}
}

// pair is two characters that stand beside each other.
type pair [2]rune

// pairs adds those of a normalised text. None goes across white space, which no word has.
func pairs(text string, to map[pair]bool) {
	var before rune
	for _, r := range text {
		if unicode.IsSpace(r) {
			r = 0
		} else if before != 0 {
			to[pair{before, r}] = true
		}
		before = r
	}
}
