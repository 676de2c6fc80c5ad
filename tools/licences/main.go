// Licences lists the licence of every module that the repository uses and fails if one is not allowed.
//
//	go run ./tools/licences            # from the root of the repository; writes a table
//
// A module counts as used when a package of it is linked into a program, a test or a tool: what merely stands in go.mod is
// not looked at. The licence is read from the files of the module in the module cache; nothing is looked up elsewhere.
//
// What we ship and test with may be under MIT, BSD, ISC, Apache-2.0, MPL-2.0 and the few that ask for less. The tools of
// tools/pinned may also be under a GPL: they are run on our code and never linked with it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
)

// use says how close a module comes to the customer, closest first.
type use int

const (
	shipped use = iota // linked into a program of the suite
	tested             // linked into a test only
	tool               // linked into a generator or another program of tools
	pinned             // linked into a linter of tools/pinned only
)

func (u use) String() string { return [...]string{"shipped", "test", "tool", "pinned tool"}[u] }

// query is one call of go list.
type query struct {
	dir  string
	use  use
	args []string
}

// module is what go list says of a module.
type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	uses := map[string]use{}
	modules := map[string]module{}
	for _, q := range queries() {
		found, err := list(q)
		if err != nil {
			return err
		}
		for _, m := range found {
			key := m.Path + "@" + m.Version
			if before, ok := uses[key]; !ok || q.use < before {
				uses[key], modules[key] = q.use, m
			}
		}
	}
	return report(out, uses, modules)
}

// queries lists what to ask, from the closest use to the farthest.
func queries() []query {
	var qs []query
	for _, m := range []string{"proto", "services/kit", "gateway", "services"} {
		qs = append(qs,
			query{m, shipped, []string{"./..."}},
			query{m, tested, []string{"-test", "./..."}})
	}
	return append(qs,
		query{"tools", tool, []string{"-test", "./..."}},
		query{"tools", tool, []string{"tool"}},
		query{"tools/pinned", pinned, []string{"tool"}})
}

// list returns the modules of others that the packages of q are made from.
func list(q query) ([]module, error) {
	cmd := exec.Command("go", append([]string{"list", "-e", "-deps", "-json=Module"}, q.args...)...)
	cmd.Dir, cmd.Stderr = q.dir, os.Stderr
	if q.use == pinned {
		cmd.Env = append(os.Environ(), "GOWORK=off")
	}
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", strings.Join(cmd.Args, " "), q.dir, err)
	}
	var found []module
	for dec := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p struct{ Module *module }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list in %s: %w", q.dir, err)
		}
		if p.Module != nil && !p.Module.Main && p.Module.Version != "" && !strings.HasPrefix(p.Module.Path, "example.com/redress/") {
			found = append(found, *p.Module)
		}
	}
}

// report writes the table and returns an error that names every module which is not allowed.
func report(out io.Writer, uses map[string]use, modules map[string]module) error {
	keys := make([]string, 0, len(uses))
	for k := range uses {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if c := int(uses[a]) - int(uses[b]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	var refused []error
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, k := range keys {
		licences, err := of(modules[k])
		if err == nil {
			err = allowed(licences, uses[k])
		}
		if err != nil {
			refused = append(refused, fmt.Errorf("%s (%s): %w", k, uses[k], err))
		}
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\n", uses[k], k, strings.Join(licences, " and ")); err != nil {
			return err
		}
	}
	return errors.Join(append([]error{table.Flush()}, refused...)...)
}
