// Package sealtest has keys in memory for the tests of services that seal.
package sealtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"sync"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/seal"
)

// Keys are keys in memory. The zero value works and is safe for concurrent use.
type Keys struct {
	mu     sync.Mutex
	keys   map[[2]string][]byte
	erased map[[2]string]bool
	fail   error
	calls  int
}

var (
	_ seal.Keys      = (*Keys)(nil)
	_ seal.Destroyer = (*Keys)(nil)
)

// Key implements [seal.Keys].
func (k *Keys) Key(_ context.Context, organization, subject string, create bool) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	id := [2]string{organization, subject}
	switch key, ok := k.keys[id]; {
	case k.fail != nil:
		return nil, k.fail
	case k.erased[id]:
		return nil, fault.New(fault.NotFound, seal.ReasonSubjectErased, "subject", subject)
	case ok:
		return bytes.Clone(key), nil
	case !create:
		return nil, fault.New(fault.NotFound, seal.ReasonSubjectUnknown, "subject", subject)
	}
	key := make([]byte, seal.KeySize)
	rand.Read(key)
	if k.keys == nil {
		k.keys = map[[2]string][]byte{}
	}
	k.keys[id] = key
	return bytes.Clone(key), nil
}

// Destroy implements [seal.Destroyer].
func (k *Keys) Destroy(_ context.Context, organization, subject string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := [2]string{organization, subject}
	delete(k.keys, id)
	if k.erased == nil {
		k.erased = map[[2]string]bool{}
	}
	k.erased[id] = true
	return nil
}

// Fail makes every later call of Key answer err; nil ends it.
func (k *Keys) Fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = err
}

// Calls returns how often Key was called.
func (k *Keys) Calls() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls
}
