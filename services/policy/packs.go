package policy

import (
	"embed"
	"fmt"
	"io/fs"
	"path"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

//go:embed packs/*/pack.yaml
var shipped embed.FS

// Shipped returns the YAML of a pack that is in the binary, or ErrNoPack. It is the include function
// for shipped packs; the revision is compared by Load.
func Shipped(pack, _ string) ([]byte, error) {
	if !packName(pack) {
		return nil, ErrNoPack
	}
	b, err := shipped.ReadFile("packs/" + pack + "/pack.yaml")
	if err != nil {
		return nil, ErrNoPack
	}
	return b, nil
}

// ShippedNames lists the packs in the binary, sorted.
func ShippedNames() []string {
	entries, err := fs.ReadDir(shipped, "packs")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// LoadShipped loads a pack that is in the binary.
func LoadShipped(pack string) (*policyv1.Pack, []Finding, error) {
	b, err := Shipped(pack, "")
	if err != nil {
		return nil, nil, fmt.Errorf("policy: %q: %w", pack, err)
	}
	p, findings := Load(path.Join("packs", pack, "pack.yaml"), b, Shipped)
	return p, findings, nil
}
