package connector_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	connectorv1 "example.com/redress/proto/gen/redress/connector/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/connector"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "table.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestTheFirstRowThatFitsAnswers(t *testing.T) {
	t.Parallel()
	table := &connector.Table{}
	require.NoError(t, table.Load(write(t, `{"hlr": [
		{"when": {"subject": {"choice": "voice"}}, "answers": {"activated": {"flag": true}}},
		{"when": {"subject": {"choice": "data"}}, "unavailable": true},
		{"answers": {"activated": {"flag": false}}}]}`)))
	ask := func(subject string) (*connectorv1.LookUpResponse, error) {
		return table.LookUp(t.Context(), &connectorv1.LookUpRequest{Connector: "hlr", Facts: map[string]*typev1.Fact{
			"subject": {Value: &typev1.Fact_Choice{Choice: subject}},
		}})
	}
	voice, err := ask("voice")
	require.NoError(t, err)
	require.True(t, voice.GetAnswers()["activated"].GetFlag())
	_, err = ask("data")
	require.Equal(t, codes.Unavailable, status.Code(err))
	other, err := ask("charge")
	require.NoError(t, err)
	require.False(t, other.GetAnswers()["activated"].GetFlag())
}

func TestWhatTheTableDoesNotHoldIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := (&connector.Table{}).LookUp(t.Context(), &connectorv1.LookUpRequest{Connector: "hlr"})
	require.Equal(t, codes.Unavailable, status.Code(err))
}

func TestATableThatCannotBeReadSaysWhere(t *testing.T) {
	t.Parallel()
	table := &connector.Table{}
	require.ErrorContains(t, table.Load(write(t, `{"hlr": [{"answers": {"activated": {"colour": 1}}}]}`)), "hlr: row 1: activated")
	require.Error(t, table.Load(write(t, `[]`)))
	require.Error(t, table.Load(filepath.Join(t.TempDir(), "absent.json")))
}
