package csvimport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/csvimport"
)

func TestATextIsSuggestedTheCategoryWhoseNamesItShares(t *testing.T) {
	t.Parallel()
	category := func(id, parent, name string) *policyv1.Category {
		return &policyv1.Category{Id: id, Parent: parent, Text: &typev1.Text{Zh: name, En: id}}
	}
	s := csvimport.NewSuggester([]*policyv1.Category{
		category("transport", "", "交通运输"), category("taxi", "transport", "出租车管理"), category("health", "", "卫生计生"), category("hospital", "health", "医院收费"),
	})
	require.Equal(t, "transport", s.Suggest("昨晚的出租车司机拒载"))
	require.Equal(t, "health", s.Suggest("医院乱收费"))
	require.Empty(t, s.Suggest("楼上漏水"))
}
