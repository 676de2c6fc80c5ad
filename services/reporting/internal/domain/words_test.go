package domain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	_ "example.com/redress/proto/gen/redress/compensation/v1"
	_ "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	_ "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/reporting/internal/domain"
)

// TestEveryChangeHasWords walks all changes that staff may see.
func TestEveryChangeHasWords(t *testing.T) {
	t.Parallel()
	seen := 0
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "redress.") || f.Package() == "redress.reporting.v1" {
			return true
		}
		for i := range f.Messages().Len() {
			if m := f.Messages().Get(i); domain.Audible(m) {
				seen++
				require.True(t, domain.Told(m.FullName()), "%s has no words", m.FullName())
			}
		}
		return true
	})
	require.Greater(t, seen, 50)
}

func TestTell(t *testing.T) {
	t.Parallel()
	require.Equal(t, "时限：response，已完成", domain.Tell(&clockv1.ClockChanged{Kind: clockv1.ClockChanged_KIND_MET}, &clockv1.Clock{Kind: "response"}).GetZh())
	require.Equal(t, "Step: classify, done", domain.Tell(&routingv1.StepChanged{Step: "classify", State: routingv1.Step_STATE_DONE}, &routingv1.Case{}).GetEn())
	require.Equal(t, "A form was filled: registration", domain.Tell(&intakev1.FormFilled{Form: "registration"}, &intakev1.Complaint{}).GetEn())
	require.Equal(t, "PersonErased", domain.Tell(&intakev1.PersonErased{}, &intakev1.DataSubject{}).GetEn(), "a change without words is told by its name")
}
