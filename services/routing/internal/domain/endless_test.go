package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/domain"
)

func TestConsequencesThatDoNotEndAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	pack, findings := policy.Load("small.yaml", []byte(small+`
rounds:
- {id: again, clause: "7", starts: [COMPLAINT_VERIFIED, CASE_ROUND_STARTED again], back_to: handling, text: {zh: 再来, en: again}}
`), policy.Shipped)
	require.NotNil(t, pack, "%v", findings)
	p, findings := policy.Compile(pack, policy.Options{})
	require.NotNil(t, p, "%v", findings)
	w := newWorld(t, p)
	w.register(t, local(t, "04-08 17:20"), nil)
	told := len(w.events)
	at := local(t, "04-08 18:00")
	err := w.run(domain.Begin(w.policy, at, w.kase, nil), on(policyv1.Event_EVENT_COMPLAINT_VERIFIED, at))
	refused(t, err, domain.ReasonTooManyFollow, "")
	require.Len(t, w.events, told)
	require.EqualValues(t, 1, w.kase.GetRound())
}
