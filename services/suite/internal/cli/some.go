package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"example.com/redress/gateway"
	"example.com/redress/services/compensation"
	correctiveaction "example.com/redress/services/corrective-action"
	"example.com/redress/services/intake"
	"example.com/redress/services/kit/command"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/notification"
	"example.com/redress/services/reporting"
	"example.com/redress/services/routing"
)

// services returns the services, each as it runs in a process of its own.
func services() []process.Program {
	return []process.Program{
		intake.Program(), routing.Program(), compensation.Program(), correctiveaction.Program(), notification.Program(), reporting.Program(),
	}
}

// programs returns the services and the gateway.
func programs() []command.Program {
	var out []command.Program
	for _, p := range services() {
		out = append(out, p.Command())
	}
	return append(out, gateway.Program())
}

// serveSome runs the named programs, each with its section of the file, until
// ctx ends or one of them does.
func (a *app) serveSome(ctx context.Context, file string, names []string) error {
	if file == "" {
		return usage("give --config FILE with a section for each of %s", strings.Join(names, ", "))
	}
	sections, err := readSections(file)
	if err != nil {
		return &UsageError{err}
	}
	type one struct {
		command.Program

		settings any
	}
	var all []one
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		i := slices.IndexFunc(programs(), func(p command.Program) bool { return p.Name == name })
		if i < 0 {
			return usage("there is no service %q; there are %s", name, strings.Join(programNames(), ", "))
		}
		p := programs()[i]
		settings := p.Settings()
		if err := config.Parse(file+": "+name, sections[name], settings); err != nil {
			return &UsageError{err}
		}
		all = append(all, one{p, settings})
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(all))
	var running sync.WaitGroup
	logs := &lines{to: a.Err}
	for i, p := range all {
		running.Go(func() {
			defer stop() // one that ends takes the others with it: half a suite helps nobody
			if err := p.Run(ctx, p.settings, logs); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.Name, err)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func programNames() []string {
	var names []string
	for _, p := range programs() {
		names = append(names, p.Name)
	}
	return names
}

// readSections returns the text of each section of a file. Sections of services
// that are not asked for are left unread.
func readSections(file string) (map[string][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var nodes map[string]yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&nodes); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	out := map[string][]byte{}
	for name, node := range nodes {
		if !slices.Contains(programNames(), name) {
			return nil, fmt.Errorf("%s: %s: unknown section; there are %s", file, name, strings.Join(programNames(), ", "))
		}
		if out[name], err = yaml.Marshal(&node); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
	}
	return out, nil
}

// lines lets several loggers share a writer.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}
