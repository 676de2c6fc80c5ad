package directory_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

// Decisions of a group are tried ahead of their turn, on what is known by then: that
// is nobody's directory, and must not be kept as if it were.
func TestADecisionAheadOfItsTurnLeavesNoDirectoryBehind(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		work := journal.Work{Organization: "acme", Key: "people/x"}
		j, err := journal.Open(t.Context(), open(t), journal.Options{Service: "notification", Clock: clock.NewVirtual(at), Lanes: 1})
		require.NoError(t, err)
		t.Cleanup(j.Close)
		write(t, j, "acme", func(u *journal.Unit) error {
			for _, id := range []string{"gm", "li"} {
				if err := u.SetProjection("people/"+id, directory.PeoplePattern, 1, person(id)); err != nil {
					return err
				}
			}
			return nil
		})
		units := directory.NewUnits()

		began, done := make(chan struct{}), make(chan struct{})
		var once sync.Once
		results := []<-chan journal.Result{j.Submit(t.Context(), work, func(*journal.Unit) error {
			once.Do(func() { close(began) })
			<-done
			return nil
		})}
		<-began
		people := make([]int, 8)
		for n := range people {
			results = append(results, j.Submit(t.Context(), work, func(u *journal.Unit) error {
				d, err := units.At(u)
				if err != nil {
					return err
				}
				if people[n] = len(d.People()); u.Certain() {
					assert.Equal(t, 2, people[n])
				}
				return nil
			}))
		}
		close(done)
		for _, r := range results {
			require.NoError(t, (<-r).Err)
		}
		for _, n := range people {
			require.Equal(t, 2, n)
		}
	})
}
