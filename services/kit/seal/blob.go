package seal

import (
	"context"
	"fmt"

	"example.com/redress/services/kit/fault"
)

// BlobOverhead is what a sealed blob is longer than the blob.
const BlobOverhead = 12 + 16

// Blob returns content sealed under the subject's key and bound to name, which
// says where it belongs ("complaints/…/evidence/… chunk 3 of 5"): under another
// name it does not open. Not for strings of messages; see [Seal].
//
// Source: DESIGN section 3 (blobs enter storage sealed).
func Blob(ctx context.Context, keys Keys, organization, subject, name string, content []byte) ([]byte, error) {
	b, err := boxOf(ctx, keys, organization, subject, true)
	if err != nil {
		return nil, err
	}
	return b.aead.Seal(make([]byte, 0, BlobOverhead+len(content)), nil, content, b.bound(0, "blob:"+name)), nil //nolint:gosec // G407: the AEAD draws the nonce itself (cipher.NewGCMWithRandomNonce)
}

// OpenBlob returns the content that [Blob] sealed under the same subject and name.
// Faults: SUBJECT_ERASED, SEAL_BROKEN, and those of keys.
func OpenBlob(ctx context.Context, keys Keys, organization, subject, name string, sealed []byte) ([]byte, error) {
	b, err := boxOf(ctx, keys, organization, subject, false)
	if err != nil {
		return nil, err
	}
	if len(sealed) < BlobOverhead {
		return nil, fault.New(fault.DataLoss, ReasonBroken, "subject", subject).Wrap(fmt.Errorf("%d bytes", len(sealed)))
	}
	content, err := b.aead.Open(nil, nil, sealed, b.bound(0, "blob:"+name))
	if err != nil {
		return nil, fault.New(fault.DataLoss, ReasonBroken, "subject", subject).Wrap(err)
	}
	return content, nil
}

func boxOf(ctx context.Context, keys Keys, organization, subject string, create bool) (*box, error) {
	if !ValidSubject(subject) {
		return nil, invalidSubject(subject)
	}
	key, err := keys.Key(ctx, organization, subject, create)
	if err != nil {
		return nil, err
	}
	return newBox(key, organization, subject)
}
