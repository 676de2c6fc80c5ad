package seal

import (
	"context"

	"example.com/redress/services/kit/fault"
)

// Keys lends the keys of data subjects.
//
// The key is [KeySize] bytes and belongs to the caller, who never stores it.
// With create, a subject that has none gets one. Without, such a subject is
// NOT_FOUND SUBJECT_UNKNOWN. Once destroyed, a key is NOT_FOUND SUBJECT_ERASED
// for ever, with create too. Implementations are safe for concurrent use.
type Keys interface {
	Key(ctx context.Context, organization, subject string, create bool) ([]byte, error)
}

// Destroyer destroys keys: that is how a person is erased.
type Destroyer interface {
	// Destroy makes the subject's texts unreadable for ever. It returns only
	// once that is durable; repeating it, also for a subject that never had a
	// key, is fine.
	Destroy(ctx context.Context, organization, subject string) error
}

// Reasons of the faults of this package.
const (
	// ReasonSubjectErased: the person was erased.
	ReasonSubjectErased = "SUBJECT_ERASED"
	// ReasonSubjectUnknown: the subject has no key.
	ReasonSubjectUnknown = "SUBJECT_UNKNOWN"
	// ReasonSubjectInvalid: not an id of a subject, see [ValidSubject].
	ReasonSubjectInvalid = "SUBJECT_INVALID"
	// ReasonTokenRefused: a caller's text begins like a token.
	ReasonTokenRefused = "SEAL_TOKEN_REFUSED"
	// ReasonTokenMalformed: a text of ours begins like a token and is none.
	ReasonTokenMalformed = "SEAL_TOKEN_MALFORMED"
	// ReasonBroken: what was sealed does not open under its key.
	ReasonBroken = "SEAL_BROKEN"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonSubjectErased, Kind: fault.NotFound, ZH: "该个人的资料已被删除。", EN: "This person's data has been erased."},
		{Reason: ReasonSubjectUnknown, Kind: fault.NotFound, ZH: "没有该个人的资料。", EN: "There is no data about this person."},
		{Reason: ReasonSubjectInvalid, Kind: fault.Invalid, ZH: "个人编号“{subject}”格式不正确。", EN: "{subject} is not the id of a person."},
		{Reason: ReasonTokenRefused, Kind: fault.Invalid, ZH: "字段 {field} 的内容不能以“~s1.”开头。", EN: "{field}: a text must not begin with \"~s1.\"."},
		{Reason: ReasonTokenMalformed, Kind: fault.Internal, ZH: "字段 {field} 的密文格式不正确。", EN: "{field}: the sealed text is malformed."},
		{Reason: ReasonBroken, Kind: fault.DataLoss, ZH: "有一段加密内容已损坏，无法读取。", EN: "A sealed text is damaged and cannot be read."},
	}
}

func invalidSubject(subject string) error {
	return fault.New(fault.Invalid, ReasonSubjectInvalid, "subject", subject)
}

func erased(subject string) error {
	return fault.New(fault.NotFound, ReasonSubjectErased, "subject", subject)
}
