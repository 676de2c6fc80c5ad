package search

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// Index turns words into terms of the journal. Safe for concurrent use.
type Index struct {
	keys    seal.Keys
	key     []byte
	ciphers sync.Map // by organisation
}

// NewIndex returns an index whose terms are made with the key, 32 bytes, of texts that
// are opened with keys.
func NewIndex(key []byte, keys seal.Keys) *Index { return &Index{key: key, keys: keys} }

// cipher returns the organisation's. Its key is the organisation's own, so that the
// same words of two have nothing in common.
func (x *Index) cipher(organization string) (cipher.Block, error) {
	if c, ok := x.ciphers.Load(organization); ok {
		return c.(cipher.Block), nil
	}
	mac := hmac.New(sha256.New, x.key)
	mac.Write([]byte(organization))
	c, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("search terms: %w", err)
	}
	x.ciphers.Store(organization, c)
	return c, nil
}

// terms returns those of the pairs: the first four bytes of one block of AES. Two
// pairs share a term about once in four thousand million.
func (x *Index) terms(organization string, all map[pair]bool) ([]uint32, error) {
	c, err := x.cipher(organization)
	if err != nil {
		return nil, err
	}
	terms := make([]uint32, 0, len(all))
	for p := range all {
		var block [aes.BlockSize]byte
		binary.BigEndian.PutUint32(block[:], uint32(p[0]))
		binary.BigEndian.PutUint32(block[4:], uint32(p[1]))
		c.Encrypt(block[:], block[:])
		terms = append(terms, binary.BigEndian.Uint32(block[:]))
	}
	return terms, nil
}

// Wanted returns the terms that whatever has the words has.
func (x *Index) Wanted(organization string, words Words) ([]uint32, error) {
	all := map[pair]bool{}
	for _, w := range words {
		pairs(w, all)
	}
	return x.terms(organization, all)
}

// Terms returns the terms of a complaint as stored; none if its person was erased.
// Cost: one key.
func (x *Index) Terms(ctx context.Context, organization string, c *intakev1.Complaint) ([]uint32, error) {
	open := &intakev1.Complaint{Number: c.GetNumber(), Description: c.GetDescription(), ComplaintObject: c.GetComplaintObject(), Facts: map[string]*typev1.Fact{}}
	for id, f := range c.GetFacts() {
		if f.GetText() != "" {
			open.Facts[id] = proto.CloneOf(f)
		}
	}
	if err := seal.Open(ctx, x.keys, organization, open, seal.View{FreeText: true}); err != nil {
		return nil, err
	}
	if open.GetDescription() == seal.Erased {
		return nil, nil
	}
	all := map[pair]bool{}
	for text := range said(open) {
		pairs(normal(text), all)
	}
	return x.terms(organization, all)
}

// Follow makes the complaint of an event findable, in the transaction that moves the
// position in intake's own feed. What came later is told of by an event to come.
func (x *Index) Follow(u *journal.Unit, name string, version int64) error {
	c := &intakev1.Complaint{}
	now, err := u.Get(name, c)
	if err != nil || now != version {
		return err
	}
	terms, err := x.Terms(context.Background(), u.Organization(), c)
	if err != nil {
		return err
	}
	return u.SetTerms(name, version, terms)
}
