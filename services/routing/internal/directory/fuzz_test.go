package directory

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
)

// Whatever a table holds, it is planned or refused with rows, columns and
// reasons a person is told.
func FuzzTable(f *testing.F) {
	demo, err := os.ReadFile("../../../suite/seed/demo.csv")
	require.NoError(f, err)
	f.Add(demo)
	f.Add([]byte("record,id,zh,superior,department,owner,role\nperson,a,b,a\ndepartment,a,,,a,,\nassignment,x,,,,a,head\n\"channel\",c,,,,a,\n"))
	f.Add([]byte("\xef\xbb\xbfrecord,id\r\n\"per\nson\",x\r\n"))
	words, err := catalogue()
	require.NoError(f, err)
	at := standing{
		people:      map[string]*directoryv1.Person{"people/a": {Name: "people/a", Superior: "people/b"}, "people/b": {Name: "people/b"}},
		opened:      map[string]*directoryv1.Person{"people/a": {}, "people/b": {}},
		departments: map[string]*directoryv1.Department{"departments/a": {Name: "departments/a"}},
	}
	f.Fuzz(func(t *testing.T, table []byte) {
		rows, found := parse(table)
		p := draw(rows, found, at, "people/me", time.Unix(0, 0))
		for _, v := range p.problems {
			require.Positive(t, v.row)
			e, ok := words.Entry(v.err.Reason)
			require.True(t, ok, v.err.Reason)
			require.Equal(t, e.Kind, v.err.Kind)
		}
		if len(p.problems) == 0 {
			require.Len(t, p.steps, len(rows))
		}
	})
}
