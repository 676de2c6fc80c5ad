package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// marks are sentences by which a licence is known, after white space has been made single and letters small.
// The one that stands first in the text counts: a licence may mention others further down.
var marks = []struct{ licence, sentence string }{
	{"AGPL-3.0", "gnu affero general public license"},
	{"LGPL", "gnu lesser general public license version"},
	{"GPL-3.0", "gnu general public license version 3"},
	{"GPL-2.0", "gnu general public license version 2"},
	{"MPL-2.0", "mozilla public license version 2.0"},
	{"MPL-2.0", "mozilla public license, version 2.0"},
	{"Apache-2.0", "apache license version 2.0"},
	{"Apache-2.0", "apache license, version 2.0"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD-2-Clause", "redistribution and use in source and binary forms"},
	{"Unlicense", "this is free and unencumbered software released into the public domain"},
	{"CC0-1.0", "cc0 1.0 universal"},
	{"CC-BY", "creative commons attribution"},
	{"public domain", "sqlite is public domain"},
}

// everywhere are the licences that anything may have.
var everywhere = []string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Apache-2.0", "MPL-2.0", "Unlicense", "CC0-1.0", "public domain"}

// pinnedToo are those that only a tool outside the workspace may have.
var pinnedToo = []string{"GPL-2.0", "GPL-3.0", "LGPL"}

// endorsement is the third clause, which makes BSD-3-Clause out of BSD-2-Clause.
const endorsement = "to endorse or promote products"

// judged are modules that a person looked at because their files do not say it in a way that a program can read.
var judged = map[string]string{
	"github.com/golangci/gofmt": "BSD-3-Clause", // no licence file; a copy of Go's own gofmt
}

// ignored are files named like a licence that license nothing we use.
var ignored = map[string]string{
	"CC-BY-ND-4.0.txt": "a project's pictures and logos, which no program links",
	"LICENSE.docs":     "the module's documentation",
	"LICENSE-LOGO":     "a picture in the module's README",
	"COPYING":          "where LICENSE or UNLICENSE stands beside it, says that one may choose",
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([-._].*)?$`)
	space       = regexp.MustCompile(`[\s*#>]+`)
)

// of returns the licences of m, sorted, each once.
//
// It reads the licence files in the module's folder and in its folder LICENSES; those of folders further down cover code
// copied there and are reported by whoever copied it. It returns an error if there is no such file, or one that it does not know.
func of(m module) ([]string, error) {
	if l, ok := judged[m.Path]; ok {
		return []string{l}, nil
	}
	files, err := licenceFiles(m.Dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read licence: %w", err)
		}
		l, ok := name(string(text))
		if !ok {
			return nil, fmt.Errorf("unknown licence in %s", filepath.Base(f))
		}
		found = append(found, l)
	}
	if len(found) == 0 {
		return nil, errors.New("no licence file")
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// licenceFiles returns the files of a module's folder that hold a licence.
func licenceFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the module's folder: %w", err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && licenceFile.MatchString(e.Name()) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	more, err := filepath.Glob(filepath.Join(dir, "LICENSES", "*"))
	if err != nil {
		return nil, fmt.Errorf("list LICENSES: %w", err)
	}
	files = append(files, more...)
	if len(files) > 1 {
		files = slices.DeleteFunc(files, func(f string) bool { return ignored[filepath.Base(f)] != "" })
	}
	return files, nil
}

// name returns which licence text is.
func name(text string) (string, bool) {
	flat := space.ReplaceAllString(strings.ToLower(text), " ")
	licence, first := "", len(flat)
	for _, m := range marks {
		if at := strings.Index(flat, m.sentence); at >= 0 && at < first {
			licence, first = m.licence, at
		}
	}
	if licence == "BSD-2-Clause" && strings.Contains(flat, endorsement) {
		licence = "BSD-3-Clause"
	}
	return licence, licence != ""
}

// allowed returns an error naming those of licences that a module used so may not have.
//
// A module with several licence files usually holds copied code under the others, so all must be allowed.
func allowed(licences []string, u use) error {
	for _, l := range licences {
		if slices.Contains(everywhere, l) || (u == pinned && slices.Contains(pinnedToo, l)) {
			continue
		}
		return fmt.Errorf("licence %s is not allowed", l)
	}
	return nil
}
