package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A slot of the log of a [FileStore]:
//
//	 0  "rk1" and the kind
//	 4  whose it is: SHA-256 of use, organisation and subject, each behind its length
//	36  CRC-32C of what stands before, big endian
//	40  the key, wrapped by the master key and bound to whose it is; zeros if gone
//	100 zeros
//
// 128 divides the size of every sector, so a slot is on the disk whole or not at
// all, and overwriting one cannot harm its neighbour. A slot of zeros is empty.
const (
	slotSize    = 128
	slotHead    = 40
	slotMagic   = "rk1"
	wrappedSize = KeySize + BlobOverhead
)

// Kinds of slots.
const (
	slotEmpty byte = 0
	slotKey   byte = 'k'
	slotGone  byte = 'g'
)

var (
	errGone = errors.New("the key was destroyed")
	errNone = errors.New("there is no key")
)

// slotID says whose key a slot holds.
type slotID [sha256.Size]byte

func keyID(organization, subject string) slotID {
	return sha256.Sum256(parts(domain, "key", organization, subject))
}

func lookupID(organization string) slotID {
	return sha256.Sum256(parts(domain, "lookup", organization))
}

// masterID is that of the first slot, which proves the master key.
func masterID() slotID { return sha256.Sum256(parts(domain, "store")) }

// use is what the wrapped key is bound to.
func (id slotID) use() string { return "key:" + string(id[:]) }

// appendSlot appends a slot to b; without a key for one that is gone.
func appendSlot(b []byte, kind byte, id slotID, wrapped []byte) []byte {
	at := len(b)
	b = append(b, slotMagic...)
	b = append(b, kind)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint32(b, checksum(b[at:]))
	b = append(b, wrapped...)
	return append(b, make([]byte, slotSize-(len(b)-at))...)
}

// parseSlot returns what a slot says; false if its head is damaged.
func parseSlot(b []byte) (kind byte, id slotID, ok bool) {
	if [slotSize]byte(b) == ([slotSize]byte{}) {
		return slotEmpty, id, true
	}
	kind = b[len(slotMagic)]
	id = slotID(b[4:])
	ok = string(b[:len(slotMagic)]) == slotMagic && (kind == slotKey || kind == slotGone) &&
		binary.BigEndian.Uint32(b[slotHead-4:]) == checksum(b[:slotHead-4])
	return kind, id, ok
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
