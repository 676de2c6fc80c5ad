package edgetest_test

import (
	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
)

// judges takes papers in, judges that the complaint stands, and records praise.
func (w *walk) judges() {
	c := as[*intakev1.ProvideDocumentsResponse](w, agent, &intakev1.ProvideDocumentsRequest{
		Name: w.complaint, Documents: []*intakev1.ProvidedDocument{{Document: "picture", SignedBy: []string{"customer"}}}, Etag: w.current().GetEtag(),
	}).GetComplaint()
	require.False(w.t, c.GetDocuments()[0].GetLate())
	c = as[*intakev1.JudgeComplaintResponse](w, agent, &intakev1.JudgeComplaintRequest{
		Name: w.complaint, Stands: intakev1.Judgement_STANDS_UPHELD, Reason: "现场确认属实", Etag: w.current().GetEtag(),
	}).GetComplaint()
	require.NotNil(w.t, c.GetAcceptTime())
	p := as[*intakev1.RecordPraiseResponse](w, agent, &intakev1.RecordPraiseRequest{Praise: &intakev1.Praise{Employee: agent, Note: "耐心细致", Complaint: w.complaint}}).GetPraise()
	require.Equal(w.t, "耐心细致", as[*intakev1.GetPraiseResponse](w, agent, &intakev1.GetPraiseRequest{Name: p.GetName()}).GetPraise().GetNote())
	require.Len(w.t, as[*intakev1.ListPraisesResponse](w, agent, &intakev1.ListPraisesRequest{Employee: agent}).GetPraises(), 1)
}
