package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// wired is a suite that commands are run against over its listener.
type wired struct {
	*suitetest.Suite

	t *testing.T
}

func wire(t *testing.T, change ...func(*suite.Config)) *wired {
	t.Helper()
	return &wired{suitetest.New(t, change...), t}
}

func (w *wired) args(person string, args []string) []string {
	return append(args, "--server", w.GRPCAddr(), "--data", w.Folder, "--person", person)
}

// run runs a command as a person and returns what it printed; it must succeed.
func (w *wired) run(person string, args ...string) string {
	w.t.Helper()
	out := must(w.t, w.args(person, args)...)
	w.Settled()
	return out
}

// refused runs a command as a person that must fail, and returns what it printed and said.
func (w *wired) refused(person string, args ...string) (out, said string) {
	w.t.Helper()
	out, errs, code := exit(w.t, w.args(person, args)...)
	require.Equal(w.t, 1, code, "redress %s\n%s%s", strings.Join(args, " "), out, errs)
	return out, errs
}

// cells requires that a line of a table holds all the texts, in order.
func cells(t *testing.T, out string, texts ...string) {
	t.Helper()
	for line := range strings.Lines(out) {
		rest, found := line, true
		for _, text := range texts {
			_, after, ok := strings.Cut(rest, text)
			rest, found = after, found && ok
		}
		if found {
			return
		}
	}
	require.Fail(t, "no such line", "%q in\n%s", texts, out)
}

func fact(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

// verified registers a complaint, verifies it and grades it.
func (w *wired) verified() *intakev1.Complaint {
	w.t.Helper()
	yes := &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}}
	intake := intakev1.NewIntakeServiceClient(w.Conn)
	c := w.Register()
	for form, is := range map[string]struct {
		who   string
		facts map[string]*typev1.Fact
	}{
		"verification": {"people/li-na", map[string]*typev1.Fact{"facts_confirmed": yes, "demand_confirmed": yes, "process_explained": yes, "findings": fact("现场确认")}},
		"grading":      {"people/zhang-wei", map[string]*typev1.Fact{"basis": fact("多户反映"), "grading_reason": fact("可能为批量问题")}},
	} {
		got, err := intake.FillForm(w.As(is.who), &intakev1.FillFormRequest{Name: c.GetName(), Form: form, Etag: c.GetEtag(), RequestId: suitetest.ID(), Facts: is.facts})
		require.NoError(w.t, err)
		c = got.GetComplaint()
	}
	got, err := intake.VerifyComplaint(w.As("people/li-na"), &intakev1.VerifyComplaintRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: suitetest.ID()})
	require.NoError(w.t, err)
	w.Settled()
	return got.GetComplaint()
}

func caseName(c *intakev1.Complaint) string {
	return strings.Replace(c.GetName(), "complaints/", "cases/", 1)
}

// proposed proposes a plan that owes a claim and a corrective action.
func (w *wired) proposed(c *intakev1.Complaint) string {
	w.t.Helper()
	got, err := routingv1.NewRoutingServiceClient(w.Conn).ProposePlan(w.As("people/li-na"), &routingv1.ProposePlanRequest{Parent: caseName(c), RequestId: suitetest.ID(), Plan: &routingv1.Plan{
		Summary: "补偿并整改工艺", Measures: []*routingv1.Measure{
			{
				Id: "credit", Kind: routingv1.Measure_KIND_COMPENSATION, Description: "以物业费抵扣", Remedy: "property_fee_credit", Ground: "warranty_works",
				Causes: []string{"engineering"}, Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "30000.00"},
			},
			{Id: "seams", Kind: routingv1.Measure_KIND_CORRECTIVE_ACTION, Description: "修订工艺", Person: "people/wu-di", Department: "departments/quality"},
		},
	}})
	require.NoError(w.t, err)
	w.Settled()
	return got.GetPlan().GetName()
}

func (w *wired) plan(name string) *routingv1.Plan {
	w.t.Helper()
	got, err := routingv1.NewRoutingServiceClient(w.Conn).GetPlan(w.As("people/li-na"), &routingv1.GetPlanRequest{Name: name})
	require.NoError(w.t, err)
	return got.GetPlan()
}

// started signs a plan on the command line and starts it.
func (w *wired) started(c *intakev1.Complaint) string {
	w.t.Helper()
	plan := w.proposed(c)
	w.run("zhang-wei", "approve", "plan", plan)
	w.run("zhao-lei", "approve", "plan", plan)
	_, err := routingv1.NewRoutingServiceClient(w.Conn).StartPlan(w.As("people/li-na"), &routingv1.StartPlanRequest{Name: plan, Etag: w.plan(plan).GetEtag(), RequestId: suitetest.ID()})
	require.NoError(w.t, err)
	w.Settled()
	return plan
}

func (w *wired) claim(c *intakev1.Complaint) *compensationv1.Claim {
	w.t.Helper()
	got, err := compensationv1.NewCompensationServiceClient(w.Conn).ListClaims(w.As("people/zhou-hui"), &compensationv1.ListClaimsRequest{Complaint: c.GetName()})
	require.NoError(w.t, err)
	require.Len(w.t, got.GetClaims(), 1)
	return got.GetClaims()[0]
}

func TestAGradeIsSignedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	w := wire(t)
	c := w.verified()
	kase := caseName(c)
	routing := routingv1.NewRoutingServiceClient(w.Conn)
	got, err := routing.GetCase(w.As("people/zhang-wei"), &routingv1.GetCaseRequest{Name: kase})
	require.NoError(t, err)
	require.Contains(t, refused(t, w.args("liu-yang", []string{"approve", "grade", strings.TrimPrefix(kase, "cases/")})...), "nobody proposed another grade")
	_, err = routing.ProposeGrade(w.As("people/zhang-wei"), &routingv1.ProposeGradeRequest{
		Name: kase, Etag: got.GetCase().GetEtag(), RequestId: suitetest.ID(), Proposal: &routingv1.GradeProposal{Scale: "severity", Level: "major", Basis: "多户反映"},
	})
	require.NoError(t, err)
	w.Settled()

	cells(t, w.run("liu-yang", "approve", "list"), c.GetNumber(), "SIGN", "approval of the grade", "department_director", kase)
	cells(t, w.run("liu-yang", "approve", "list", "--language", "zh-CN"), c.GetNumber(), "SIGN", "定级审批", "department_director", kase)
	cells(t, w.run("liu-yang", "approve", "list", "--language", "zh-CN"), "投诉", "种类", "事项", "人员", "到期", "逾期", "对象")
	require.NotContains(t, w.run("li-na", "approve", "list"), kase, "somebody else's signature")

	_, said := w.refused("sun-bo", "approve", "grade", kase)
	require.Regexp(t, `may not sign|entitled|signature`, said)
	_, said = w.refused("sun-bo", "approve", "grade", kase, "--language", "zh-CN")
	require.Regexp(t, `[一-龥]`, said, "refused in Chinese")

	out := w.run("liu-yang", "approve", "grade", kase, "--comment", "同意")
	require.Contains(t, out, "grade: GRANTED, by grade ((三))")
	cells(t, out, "STEP", "STATE", "WHO MAY SIGN", "SIGNED BY")
	cells(t, out, "approve_grade", "SIGNED", "department_director", "people/liu-yang")
	got, err = routing.GetCase(w.As("people/zhang-wei"), &routingv1.GetCaseRequest{Name: kase})
	require.NoError(t, err)
	require.Equal(t, "major", got.GetCase().GetGrades()["severity"].GetLevel())
}

func TestPlansAndClaimsAreSignedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	w := wire(t)
	c := w.verified()
	plan := w.proposed(c)
	out := w.run("zhang-wei", "approve", "plan", plan, "--language", "zh-CN")
	require.Contains(t, out, "plan：OPEN，依据 plan ((四))")
	cells(t, out, "步骤", "状态", "可签署人", "签署人")
	cells(t, out, "group", "SIGNED", "people/zhang-wei")
	out = w.run("zhao-lei", "approve", "plan", plan, "--return", "请补充工期")
	require.Contains(t, out, "plan: RETURNED")
	require.Equal(t, routingv1.Plan_STATE_RETURNED, w.plan(plan).GetState())

	plan = w.started(c)
	require.Equal(t, routingv1.Plan_STATE_RUNNING, w.plan(plan).GetState())
	claim := w.claim(c)
	_, err := compensationv1.NewCompensationServiceClient(w.Conn).SubmitClaim(w.As("people/chen-jing"), &compensationv1.SubmitClaimRequest{
		Name: claim.GetName(), Etag: claim.GetEtag(), RequestId: suitetest.ID(), Justification: "质保期内渗水",
		Facts: map[string]*typev1.Fact{"demanded": fact("赔偿家具损失"), "claim_basis": fact("质保条款")}, Payee: &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"},
	})
	require.NoError(t, err)
	w.Settled()
	cells(t, w.run("sun-bo", "approve", "list"), c.GetNumber(), "SIGN", claim.GetName())
	for _, who := range []string{"sun-bo", "gao-jun", "he-min"} {
		require.Contains(t, w.run(who, "approve", "claim", strings.TrimPrefix(claim.GetName(), "claims/")), "compensation: OPEN")
	}
	out = w.run("lin-tao", "approve", "claim", claim.GetName(), "--reject", "金额过高")
	require.NotContains(t, out, "GRANTED")
	require.Equal(t, compensationv1.Claim_STATE_RETURNED, w.claim(c).GetState())
	var approval struct{ State string }
	_, said := w.refused("lin-tao", "approve", "claim", claim.GetName())
	require.NotEmpty(t, said)
	require.NoError(t, json.Unmarshal([]byte(w.run("lin-tao", "approve", "list", "-o", "json")), &approval))
}

func TestStuckListsWhatIsOwed(t *testing.T) {
	t.Parallel()
	w := wire(t)
	require.Equal(t, "Nothing waits.\n", w.run("admin", "stuck"))
	require.Equal(t, "没有等待处理的事项。\n", w.run("admin", "stuck", "--language", "zh-CN"))
	c := w.verified()
	w.started(c)
	claim := w.claim(c).GetName()
	out := w.run("admin", "stuck")
	cells(t, out, "WHAT", "WHERE", "COMPLAINT", "SINCE", "WHY")
	cells(t, out, "owed compensation", claim+", by compensation", c.GetNumber(), "plan ((四)), the case cannot be closed before")
	cells(t, out, "owed corrective action", "actions/", ", by corrective-action", c.GetNumber())
	out = w.run("admin", "stuck", "--language", "zh-CN")
	cells(t, out, "事项", "对象", "投诉", "起始", "原因")
	cells(t, out, "待履行：补偿", claim, c.GetNumber(), "plan ((四)), 完成前案件不能关闭")
	var answer struct {
		Obligations []struct {
			Number      string
			Obligations []struct{ Kind, Resource, State string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(w.run("admin", "stuck", "-o", "json")), &answer))
	require.Len(t, answer.Obligations, 1)
	require.Equal(t, c.GetNumber(), answer.Obligations[0].Number)
	require.Len(t, answer.Obligations[0].Obligations, 2)
	require.Equal(t, claim, answer.Obligations[0].Obligations[0].Resource)

	// Without compensation a withdrawal waits; what does not answer is named.
	require.NoError(t, w.StopService(t.Context(), "compensation"))
	_, errs, err := run(t, w.args("li-na", []string{"complaint", "withdraw", c.GetNumber()})...)
	require.NoError(t, err)
	require.Contains(t, errs, "The withdrawal is requested.")
	out, said := w.refused("admin", "stuck")
	cells(t, out, "withdrawal", c.GetName(), c.GetNumber(), "claims are not held yet")
	require.Contains(t, said, "parked events of compensation: no answer")
	require.Contains(t, said, "1 parts could not be listed")
	require.NoError(t, w.StartService(t.Context(), "compensation"))
	w.withdrawn(c)
	require.Equal(t, "Nothing waits.\n", w.run("admin", "stuck"), "who has ended owes nothing")
}

// withdrawn waits until the withdrawal of a complaint counts.
func (w *wired) withdrawn(c *intakev1.Complaint) {
	w.t.Helper()
	ctx, cancel := clock.System().WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	for {
		got, err := intakev1.NewIntakeServiceClient(w.Conn).GetComplaint(w.As("people/li-na"), &intakev1.GetComplaintRequest{Name: c.GetName()})
		require.NoError(w.t, err)
		if got.GetComplaint().GetState() == intakev1.Complaint_STATE_WITHDRAWN {
			w.Settled()
			return
		}
		require.NoError(w.t, clock.System().Pause(ctx, 10*time.Millisecond))
	}
}

func TestStuckRetriesWhatWasParked(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	w := wire(t, func(c *suite.Config) {
		c.Faults = func(service string) journal.FaultHook {
			return func(op string) error {
				if service != "corrective-action" || op != "resources.insert" || !broken.Load() {
					return nil
				}
				return sqldb.NewError(sqldb.Other, op, "it cannot be written")
			}
		}
	})
	c := w.verified()
	broken.Store(true)
	w.started(c)
	out := w.run("admin", "stuck")
	cells(t, out, "parked event", "corrective-action, from routing ", c.GetName())
	cells(t, w.run("admin", "stuck", "--language", "zh-CN"), "搁置的事件", "corrective-action, from routing ", c.GetName())
	out, said := w.refused("admin", "stuck", "--retry")
	require.Equal(t, "0 events were applied.\n", out)
	require.Contains(t, said, "corrective-action, from routing ")
	require.Contains(t, said, "1 events fail again")

	broken.Store(false)
	require.Regexp(t, `^已处理 [1-9]\d* 个事件。\n$`, w.run("admin", "stuck", "--retry", "--language", "zh-CN"))
	require.Equal(t, "0 events were applied.\n", w.run("admin", "stuck", "--retry"))
	require.NotContains(t, w.run("admin", "stuck"), "parked event")
	actions, err := correctiveactionv1.NewCorrectiveActionServiceClient(w.Conn).ListActions(w.As("people/wu-di"), &correctiveactionv1.ListActionsRequest{Complaint: c.GetName()})
	require.NoError(t, err)
	require.Len(t, actions.GetActions(), 1, "what was owed is there now")
}

func TestARuleOnAComplaintIsExplained(t *testing.T) {
	t.Parallel()
	w := wire(t)
	c := w.verified()
	for _, name := range []string{c.GetNumber(), c.GetName(), strings.TrimPrefix(c.GetName(), "complaints/")} {
		out := w.run("li-na", "policy", "explain", name)
		cells(t, out, "TIME", "WHAT", "WHO", "WHY")
		cells(t, out, "response ((一))")
	}
	en, zh := w.run("li-na", "policy", "explain", c.GetNumber()), w.run("li-na", "policy", "explain", c.GetNumber(), "--language", "zh-CN")
	cells(t, zh, "时间", "事项", "人员", "原因")
	require.Equal(t, strings.Count(en, "\n"), strings.Count(zh, "\n"))
	require.NotRegexp(t, `[一-龥]{4}`, strings.ReplaceAll(en, "((一))", ""))
	var file struct {
		Timeline []struct{ Text struct{ Zh, En string } }
	}
	require.NoError(t, json.Unmarshal([]byte(w.run("li-na", "policy", "explain", c.GetNumber(), "-o", "json")), &file))
	require.NotEmpty(t, file.Timeline)
	require.Contains(t, refused(t, w.args("li-na", []string{"policy", "explain", "C20200101-000001"})...), "there is no complaint")
	cells(t, must(t, "policy", "explain", "demo", "response", "--language", "zh-CN"), "clocks", "response", "(一)", "首次实质性回复")
	require.Contains(t, refused(t, "policy", "explain", "demo", "--language", "fr"), "choose en or zh-CN")
}

func TestAnOrganisationIsMadeOverMutualTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := newCertifier(t, dir)
	for _, name := range []string{"routing", "suite", "intake"} {
		ca.certify(t, name)
	}
	server, keys := free(t), free(t)
	section := func(name, listen, peer, at string) string {
		return `
` + name + `:
  data: ` + dir + `/` + name + `
  server:
    listen: "` + listen + `"
    clients: [suite, ` + peer + `]
    tls: {cert_file: ` + dir + `/` + name + `.crt, key_file: ` + dir + `/` + name + `.key, client_ca_file: ` + dir + `/ca.crt, allow_uncertified: true}
  peers:
    ` + peer + `: {target: "` + at + `", tls: {cert_file: ` + dir + `/` + name + `.crt, key_file: ` + dir + `/` + name + `.key, ca_file: ` + dir + `/ca.crt}}
`
	}
	file := write(t, "services.yaml", section("routing", server, "intake", keys)+section("intake", keys, "routing", server))
	stop := serveSome(t, file, "routing", "intake")
	create := func(as, id string, more ...string) []string {
		return append([]string{
			"organization", "create", id, "--pack", "demo", "--directory", filepath.Join("..", "..", "seed", "demo.csv"), "--server", server,
			"--ca", filepath.Join(dir, "ca.crt"), "--cert", filepath.Join(dir, as+".crt"), "--key", filepath.Join(dir, as+".key"),
		}, more...)
	}
	out, errs, code := exit(t, create("intake", "acme")...)
	require.Equal(t, 1, code, out)
	require.Contains(t, errs, "METHOD_DENIED", "who is not suite makes nothing")
	out, errs, err := run(t, create("suite", "acme")...)
	require.NoError(t, err, errs)
	require.Equal(t, "Organisation acme has a directory and a policy.\n", out)
	require.NotContains(t, errs, "stays as it is")
	out, errs, err = run(t, create("suite", "acme", "--language", "zh-CN")...)
	require.NoError(t, err)
	require.Equal(t, "组织 acme 的通讯录与规则包已就绪。\n", out)
	require.Contains(t, errs, "已有的内容保持不变。")
	_, errs, code = exit(t, create("suite", "other", "--pack", "no-such-pack")...)
	require.Equal(t, 1, code)
	require.NotEmpty(t, errs)
	stop()

	db, err := sqldb.Open(t.Context(), sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(dir, "routing", "db", "routing.db")})
	require.NoError(t, err)
	count := map[string]int64{}
	require.NoError(t, db.Query(t.Context(), "test.count", `SELECT substr(name, 1, instr(name, '/')), count(*) FROM resources WHERE organization = 'acme' GROUP BY 1`, nil, func(r sqldb.Row) error {
		var kind string
		var n int64
		err := r.Scan(&kind, &n)
		count[kind] = n
		return err
	}))
	require.NoError(t, db.Close())
	require.Equal(t, map[string]int64{"departments/": 11, "people/": 20 + 19, "channels/": 5, "packs/": 1}, count, "people with their roles, and the revision in force")
}

// certifier certifies services for a test.
type certifier struct {
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newCertifier(t *testing.T, folder string) *certifier {
	t.Helper()
	c := &certifier{folder: folder}
	c.key, c.cert = c.make(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return c
}

func (c *certifier) certify(t *testing.T, name string) {
	t.Helper()
	c.make(t, name, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, URIs: []*url.URL{{Scheme: "spiffe", Host: "redress.test", Path: "/services/" + name}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// make writes NAME.crt and NAME.key, signed by the authority, or by itself if there is none yet.
func (c *certifier) make(t *testing.T, name string, template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := clock.System().Now()
	template.SerialNumber, template.Subject = big.NewInt(now.UnixNano()), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = now.Add(-time.Minute), now.Add(time.Hour)
	parent, signer := c.cert, c.key
	if parent == nil {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{name + ".crt": {Type: "CERTIFICATE", Bytes: raw}, name + ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(filepath.Join(c.folder, file), pem.EncodeToMemory(block), 0o600))
	}
	return key, cert
}

// free returns an address nobody listens at now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
