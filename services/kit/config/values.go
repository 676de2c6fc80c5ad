package config

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Duration is a length of time with its unit, as in 30s or 1h30m. A bare number
// is an error.
type Duration time.Duration

// Std returns the duration as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the duration as it is written in a file.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		return typeError(n, "a duration with its unit, such as 30s")
	}
	*d = Duration(v)
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// Size is a number of bytes, as in 4MiB, 100kB or 512B. A bare number is an error.
type Size int64

// Units of [Size].
const (
	Byte Size = 1
	KiB       = 1024 * Byte
	MiB       = 1024 * KiB
	GiB       = 1024 * MiB
)

// units are tried from the largest; B comes last because all end in it.
func units() []struct {
	name string
	size Size
} {
	return []struct {
		name string
		size Size
	}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", Byte}}
}

// ParseSize reads a whole number with one of the units B, kB, MB, GB, KiB, MiB, GiB.
func ParseSize(s string) (Size, error) {
	for _, u := range units() {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/int64(u.size) {
			break
		}
		return Size(n) * u.size, nil
	}
	return 0, fmt.Errorf("%q is no size with its unit, such as 4MiB", s)
}

// String returns the size in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range units() {
		if s >= u.size && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return "0B"
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	v, err := ParseSize(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return typeError(n, "a size with its unit, such as 4MiB")
	}
	*s = v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (s Size) MarshalYAML() (any, error) { return s.String(), nil }

// maxSecret bounds what is read as a secret: a wrong path must not fill memory.
const maxSecret = 64 * KiB

// SecretFile is the path of a file that holds a secret. The secret itself never
// stands in a configuration.
type SecretFile string

// Read returns the content of the file without the newline at its end. An empty
// path or an empty file is an error.
func (f SecretFile) Read() ([]byte, error) {
	if f == "" {
		return nil, fmt.Errorf("read secret: no file named")
	}
	info, err := os.Stat(string(f))
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if info.Size() > int64(maxSecret) {
		return nil, fmt.Errorf("read secret: %s is larger than %s", f, maxSecret)
	}
	data, err := os.ReadFile(string(f))
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	data = bytes.TrimRight(data, "\r\n")
	if len(data) == 0 {
		return nil, fmt.Errorf("read secret: %s is empty", f)
	}
	return data, nil
}

func typeError(n *yaml.Node, want string) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is not %s", n.Line, n.Value, want)}}
}
