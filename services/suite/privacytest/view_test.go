package privacytest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/suite/suitetest"
)

const masked = "***"

func TestOnlyFinanceSeesThePayee(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.registered()
	p.verified()
	p.proposed()
	p.claimed()
	for _, who := range []string{agent, supervisor, group, operations, marketing, quality, officer, "people/auditor", "people/sun-bo", "people/gao-jun", "people/he-min", "people/guo-qiang"} {
		got, err := p.compensation.GetClaim(p.As(who), &compensationv1.GetClaimRequest{Name: p.claim})
		if err != nil {
			continue // sees nothing of it at all
		}
		y := got.GetClaim().GetPayee()
		assert.Equal(t, []string{masked, masked, masked}, []string{y.GetDisplayName(), y.GetAccount(), y.GetInstitution()}, who)
		list, err := p.compensation.ListClaims(p.As(who), &compensationv1.ListClaimsRequest{Complaint: p.complaint})
		require.NoError(t, err)
		for _, c := range list.GetClaims() {
			assert.NotContains(t, c.GetPayee().String(), mark, who)
		}
		_, err = p.compensation.ListPayables(p.As(who), &compensationv1.ListPayablesRequest{})
		assert.Error(t, err, who)
	}
	got, err := p.compensation.GetClaim(p.As(finance), &compensationv1.GetClaimRequest{Name: p.claim})
	require.NoError(t, err)
	require.Contains(t, got.GetClaim().GetPayee().GetAccount(), mark)
	payables, err := p.compensation.ListPayables(p.As(finance), &compensationv1.ListPayablesRequest{})
	require.NoError(t, err)
	require.Contains(t, payables.GetPayables()[0].GetClaim().GetPayee().GetDisplayName(), mark)
	file, err := reportingv1.NewReportingServiceClient(p.Conn).GetCaseFile(p.As(operations), &reportingv1.GetCaseFileRequest{Name: p.complaint})
	require.NoError(t, err)
	for _, c := range file.GetFile().GetClaims() {
		assert.NotContains(t, c.GetPayee().String(), mark, "the case file masks the payee")
	}
}

func TestStaffSeeContactsMaskedAndCustomersTheirOwn(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.registered()
	for _, who := range []string{agent, supervisor, operations, officer, "people/auditor"} {
		got, err := p.intake.GetComplaint(p.As(who), &intakev1.GetComplaintRequest{Name: p.complaint})
		require.NoError(t, err, who)
		c := got.GetComplaint().GetComplainant()
		assert.Equal(t, []string{masked, masked, masked, masked}, []string{c.GetDisplayName(), c.GetTelephone(), c.GetEmail(), c.GetAddress()}, who)
		assert.Contains(t, got.GetComplaint().GetDescription(), mark, "%s reads what it is about", who)
		list, err := p.intake.ListComplaints(p.As(who), &intakev1.ListComplaintsRequest{})
		require.NoError(t, err)
		assert.Equal(t, masked, list.GetComplaints()[0].GetComplainant().GetTelephone(), who)
		file, err := reportingv1.NewReportingServiceClient(p.Conn).GetCaseFile(p.As(who), &reportingv1.GetCaseFileRequest{Name: p.complaint})
		if err == nil {
			assert.Equal(t, masked, file.GetFile().GetComplaint().GetComplainant().GetTelephone(), who)
		}
	}
	own := p.JSON(customer, http.MethodGet, "/v1/"+p.complaint, nil)
	require.Equal(t, http.StatusOK, own.Code)
	complainant, _ := own.Body["complainant"].(map[string]any)
	require.Contains(t, complainant["telephone"], digits)
	require.Contains(t, complainant["displayName"], mark)
	for _, method := range []string{"", "/evidence", "/events"} {
		got := p.JSON(stranger, http.MethodGet, "/v1/"+p.complaint+method, nil)
		assert.Equal(t, http.StatusNotFound, got.Code, method)
		assert.Empty(t, leaks(got.Raw))
	}
	_, err := p.intake.RevealContact(p.As(customer), &intakev1.RevealContactRequest{Name: p.complaint, Reason: "curious", RequestId: suitetest.ID()})
	require.Error(t, err)
}
