package policy

import (
	"embed"
	"io/fs"
	"path"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

//go:embed packs/*/scenarios/*.yaml
var shippedScenarios embed.FS

// ReadScenarios reads a scenario file as Load reads a pack: the same short words, the same traps, and
// every mistake at once with its place. Whether what it says makes sense for its packs is for whoever
// plays it.
func ReadScenarios(file string, source []byte) (*policyv1.ScenarioFile, []Finding) {
	r := &reader{file: file, places: places{}}
	out := &policyv1.ScenarioFile{}
	r.read(source, out)
	return out, sortFindings(r.findings)
}

// Source is a file of YAML.
type Source struct {
	// File names it in findings.
	File string
	// YAML is its content.
	YAML []byte
}

// ShippedScenarios returns the scenario files of a pack in the binary, in order of their names;
// ErrNoPack if there is no such pack.
func ShippedScenarios(pack string) ([]Source, error) {
	if _, err := Shipped(pack, ""); err != nil {
		return nil, err
	}
	files, err := fs.Glob(shippedScenarios, path.Join("packs", pack, "scenarios", "*.yaml"))
	if err != nil {
		return nil, err
	}
	out := make([]Source, 0, len(files))
	for _, file := range files {
		b, err := shippedScenarios.ReadFile(file)
		if err != nil {
			return nil, err
		}
		out = append(out, Source{File: file, YAML: b})
	}
	return out, nil
}
