// Package seal keeps personal data and free text out of everything that lasts.
//
// A string field declared DATA_CLASS_PERSONAL or DATA_CLASS_FREE_TEXT (option
// redress.type.v1.data) is replaced in place by a token
//
//	~s1.<subject>.<base64url>
//
// that only the key of its data subject opens. States, events and request rows
// hold tokens; decisions see tokens; destroying the key erases the person from
// all of them and leaves every hash chain valid. Start reading at [SealRequest]
// (the way in), [Open] (the way out) and [Keys] (where keys come from).
//
// What a token is bound to: the organisation, the subject and the class of the
// text, all authenticated, so that a token moved to another organisation or
// subject does not open, and a personal text moved into a free-text field stays
// personal. It is not bound to the path of its field: decisions copy texts from
// requests into states and events under other paths without opening them.
//
// The cipher is AES-256-GCM from the standard library with a random nonce. Tink
// was tried and not taken: there is one raw key per subject and no keyset to
// rotate, so it would add a module graph around the same primitive.
//
// Not sealed: names of resources, codes and figures (they have no class),
// contents of google.protobuf.Any, and what the organisation writes about itself.
// The length of a text shows in the length of its token.
//
// Source: DESIGN section 3 (personal data); RELIABILITY 3.4.
package seal
