package directory

import "strings"

// round is a loop and the place of a name in it.
type round struct {
	names []string
	place int
}

// loops are the names that lead back to themselves.
type loops map[string]round

// maxChain is how many names of a loop a message lists.
const maxChain = 10

// rounds returns the loops of names of which each leads to at most one other.
// It looks at every name once: a directory may be a chain as long as its table.
func rounds(next map[string]string) loops {
	found := loops{}
	seen := make(map[string]int, len(next)) // place in its path + 1; below 0 once its path is done
	for start := range next {
		var path []string
		name := start
		for name != "" && seen[name] == 0 {
			path = append(path, name)
			seen[name] = len(path)
			name = next[name]
		}
		if at := seen[name]; name != "" && at > 0 {
			names := path[at-1:]
			for i, n := range names {
				found[n] = round{names, i}
			}
		}
		for _, n := range path {
			seen[n] = -1
		}
	}
	return found
}

// from returns the loop from name to name again, "" if there is none.
func (l loops) from(name string) string {
	r, ok := l[name]
	if !ok {
		return ""
	}
	var b strings.Builder
	for i := range min(len(r.names), maxChain) {
		b.WriteString(r.names[(r.place+i)%len(r.names)] + " → ")
	}
	if len(r.names) > maxChain {
		b.WriteString("… → ")
	}
	return b.String() + name
}
