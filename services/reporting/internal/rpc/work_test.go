package rpc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	_ "example.com/redress/proto/gen/redress/compensation/v1"
	_ "example.com/redress/proto/gen/redress/correctiveaction/v1"
	_ "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/reporting/internal/domain"
	"example.com/redress/services/reporting/internal/rpc"
)

// TestWorkIsDoneByDeclaredMethods holds the table of RPCs to what is declared.
func TestWorkIsDoneByDeclaredMethods(t *testing.T) {
	t.Parallel()
	for _, m := range domain.Methods() {
		require.NotEmpty(t, rpc.Functions(m), m)
	}
}
