// Package config reads configuration strictly: one YAML file, unknown keys are
// errors, durations and sizes carry units, secrets are named by the path of a
// file, and everything that is wrong is said at once with its key.
//
// It does not know what there is to configure: each package has a struct with
// Defaults and Validate. Start reading at [Load].
//
// Source: STYLE section 3.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Defaulter fills in what the file may leave out. It is called before the file
// is read, the outer struct first, so that an inner default is the last word
// before the file. Entries of lists and maps get no defaults.
type Defaulter interface{ Defaults() }

// Validator says what is wrong with the values, every problem of it.
type Validator interface{ Validate(p *Problems) }

// Load reads the file into the struct that into points to and validates it.
// Its error names the file and joins all problems.
func Load(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data, into)
}

// Parse is Load for content that is at hand; name stands for the file in errors.
// Empty content gives the defaults.
func Parse(name string, data []byte, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("%s: configuration is read into a pointer to a struct, not %T", name, into)
	}
	defaults(v)
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return decodeError(name, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one document", name)
	}
	return Validate(name, into)
}

// Validate checks a struct that was made without a file.
func Validate(name string, of any) error {
	p := &Problems{}
	validate(reflect.ValueOf(of), p)
	if len(p.found) == 0 {
		return nil
	}
	for i, problem := range p.found {
		p.found[i] = fmt.Errorf("%s: %w", name, problem)
	}
	return errors.Join(p.found...)
}

// SetDefaults fills the defaults of a struct that is not read from a file.
func SetDefaults(of any) { defaults(reflect.ValueOf(of)) }

// Print returns the configuration as YAML, in the form it would be read.
func Print(of any) ([]byte, error) { return yaml.Marshal(of) }

// Problems collects what is wrong, each with its full key.
type Problems struct {
	prefix string
	found  []error
}

// Add says what is wrong with the key of the struct being validated: "must be positive".
func (p *Problems) Add(key, format string, args ...any) {
	p.found = append(p.found, fmt.Errorf("%s: %s", join(p.prefix, key), fmt.Sprintf(format, args...)))
}

// Check adds the problem unless ok.
func (p *Problems) Check(ok bool, key, format string, args ...any) {
	if !ok {
		p.Add(key, format, args...)
	}
}

func join(prefix, key string) string {
	if prefix == "" || key == "" {
		return prefix + key
	}
	return prefix + "." + key
}

// unknownKey and lineOf read yaml's messages, which name Go types nobody who
// configures knows.
func decodeError(name string, err error) error {
	var t *yaml.TypeError
	if !errors.As(err, &t) {
		return fmt.Errorf("%s: %w", name, err)
	}
	unknown := regexp.MustCompile(`^line (\d+): field (.+) not found in type .*$`)
	var errs []error
	for _, message := range t.Errors {
		message = unknown.ReplaceAllString(message, "line $1: $2: unknown key")
		errs = append(errs, fmt.Errorf("%s: %s", name, message))
	}
	return errors.Join(errs...)
}

func defaults(v reflect.Value) {
	walk(v, "", func(v reflect.Value, _ string) {
		if d, ok := reflect.TypeAssert[Defaulter](v); ok {
			d.Defaults()
		}
	})
}

func validate(v reflect.Value, p *Problems) {
	walk(v, "", func(v reflect.Value, key string) {
		if d, ok := reflect.TypeAssert[Validator](v); ok {
			inner := &Problems{prefix: key}
			d.Validate(inner)
			p.found = append(p.found, inner.found...)
		}
	})
}

// walk visits a pointer to every struct below v, the outer before the inner,
// with its key.
func walk(v reflect.Value, key string, visit func(reflect.Value, string)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
			visit(v, key)
			fields(v.Elem(), key, visit)
			return
		}
		walk(v.Elem(), key, visit)
	case reflect.Struct:
		if v.CanAddr() {
			walk(v.Addr(), key, visit)
			return
		}
		c := reflect.New(v.Type())
		c.Elem().Set(v)
		walk(c, key, visit)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), key+"["+strconv.Itoa(i)+"]", visit)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			walk(v.MapIndex(k), join(key, fmt.Sprint(k)), visit)
		}
	}
}

func fields(v reflect.Value, key string, visit func(reflect.Value, string)) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-":
			continue
		case strings.Contains(options, "inline"):
			walk(v.Field(i), key, visit)
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		walk(v.Field(i), join(key, name), visit)
	}
}
