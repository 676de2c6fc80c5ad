package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesALicenceByItsOwnTextAndNotByWhatItMentions(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"MIT":          "The MIT License\n\nPermission is hereby granted, free of charge, to any person\n  obtaining a copy of",
		"BSD-2-Clause": "> Redistribution and use in source and binary\n> forms, with or without",
		"BSD-3-Clause": "Redistribution and use in source and binary forms ... may be used to endorse or promote products derived",
		"MPL-2.0":      "Mozilla Public License Version 2.0 ... Secondary License means the GNU General Public License, Version 2.0, the GNU Affero General Public License",
		"GPL-3.0":      "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007 ... 13. Use with the GNU Affero General Public License.",
		"AGPL-3.0":     "GNU AFFERO GENERAL PUBLIC LICENSE Version 3 ... the GNU General Public License version 3",
	} {
		got, ok := name(text)
		require.True(t, ok, want)
		require.Equal(t, want, got)
	}
	_, ok := name("All rights reserved.")
	require.False(t, ok)
}

func TestRefusesWhatIsNotAllowedWhereItIsUsed(t *testing.T) {
	t.Parallel()
	require.NoError(t, allowed([]string{"Apache-2.0", "MIT"}, shipped))
	require.NoError(t, allowed([]string{"GPL-3.0"}, pinned))
	require.Error(t, allowed([]string{"GPL-3.0"}, tool))
	require.Error(t, allowed([]string{"MIT", "GPL-3.0"}, shipped), "all of several licences count")
	require.Error(t, allowed([]string{"AGPL-3.0"}, pinned))
}

func TestRefusesAModuleWithoutALicenceFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := of(module{Dir: dir})
	require.ErrorContains(t, err, "no licence file")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("ask us"), 0o600))
	_, err = of(module{Dir: dir})
	require.ErrorContains(t, err, "unknown licence in LICENSE")
}
