package timerindex

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Member is one generation of one timer.
type Member struct {
	// Organization that owns the resource.
	Organization string
	// Name of the resource, for example "cases/{case}/clocks/{clock}".
	Name string
	// Generation of the timer; a firing of another generation is dropped by SQL.
	Generation int64
}

// String returns "organization|name#generation".
func (m Member) String() string {
	return m.Organization + "|" + m.Name + "#" + strconv.FormatInt(m.Generation, 10)
}

// Marks of a packed member. Nothing of ours contains them as text.
const (
	packed     = '\x01' // begins it
	nameMark   = '\x02' // before the name
	countMark  = '\x03' // before the generation
	idMark     = '\x04' // before a UUID, 16 bytes
	firstWord  = '\x05' // stands for the first of words
	firstPlain = ' '    // below it there are marks only
)

// words are what names of timers are made of, apart from ids and kinds; each is one
// byte in Redis. What is added goes to the end, and nothing is taken away: Redis holds
// members of earlier versions.
//
//nolint:gochecknoglobals // a constant, if Go had constants of arrays
var words = [...]string{"cases/", "claims/", "actions/", "entries/", "duties/", "/clocks/"}

// Packed returns the member as Redis holds it: as String does, but with ids of 16 bytes
// instead of 36, and words of one, since a million members are held at once. A name
// with control characters is held as String has it.
func (m Member) Packed() string {
	isMark := func(r rune) bool { return r < firstPlain }
	if strings.ContainsFunc(m.Organization, isMark) || strings.ContainsFunc(m.Name, isMark) {
		return m.String()
	}
	out := make([]byte, 0, len(m.Organization)+len(m.Name)+8)
	out = append(append(append(out, packed), m.Organization...), nameMark)
	for rest := m.Name; rest != ""; {
		if id, ok := leadingID(rest); ok && (len(rest) == len(m.Name) || m.Name[len(m.Name)-len(rest)-1] == '/') {
			out = append(append(out, idMark), id[:]...)
			rest = rest[36:]
			continue
		}
		if i, word := leadingWord(rest); word != "" {
			out = append(out, firstWord+byte(i))
			rest = rest[len(word):]
			continue
		}
		out = append(out, rest[0])
		rest = rest[1:]
	}
	return string(strconv.AppendInt(append(out, countMark), m.Generation, 10))
}

func leadingID(s string) (id uuid.UUID, ok bool) {
	if len(s) < 36 || s[8] != '-' {
		return id, false
	}
	id, err := uuid.Parse(s[:36])
	return id, err == nil && !strings.ContainsAny(s[:36], "ABCDEF") // which is not how it is written back
}

func leadingWord(s string) (int, string) {
	for i, w := range words {
		if strings.HasPrefix(s, w) {
			return i, w
		}
	}
	return 0, ""
}

// ParseMember reads what Packed or String wrote.
func ParseMember(s string) (Member, error) {
	m, ok := unpack(s)
	if !ok {
		m, ok = parse(s)
	}
	if !ok {
		return Member{}, fmt.Errorf("timer member %q: not organization|name#generation", s)
	}
	return m, nil
}

func parse(s string) (Member, bool) {
	organization, rest, found := strings.Cut(s, "|")
	i := strings.LastIndexByte(rest, '#')
	if !found || i < 0 {
		return Member{}, false
	}
	generation, err := strconv.ParseInt(rest[i+1:], 10, 64)
	m := Member{Organization: organization, Name: rest[:i], Generation: generation}
	return m, err == nil && m.String() == s
}

func unpack(s string) (Member, bool) {
	if s == "" || s[0] != packed {
		return Member{}, false
	}
	organization, rest, found := strings.Cut(s[1:], string(nameMark))
	end := strings.LastIndexByte(rest, countMark)
	if !found || end < 0 {
		return Member{}, false
	}
	generation, err := strconv.ParseInt(rest[end+1:], 10, 64)
	if err != nil {
		return Member{}, false
	}
	var name strings.Builder
	name.Grow(2 * len(s))
	for i := 0; i < end; i++ {
		switch b := rest[i]; {
		case b >= firstPlain:
			name.WriteByte(b)
		case b == idMark && i+16 < end:
			name.WriteString(uuid.UUID([]byte(rest[i+1 : i+17])).String())
			i += 16
		case b >= firstWord && int(b-firstWord) < len(words):
			name.WriteString(words[b-firstWord])
		default:
			return Member{}, false
		}
	}
	m := Member{Organization: organization, Name: name.String(), Generation: generation}
	return m, m.Packed() == s
}
