package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

func newComplaint(a *app) *cobra.Command {
	cl := a.client()
	c := &cobra.Command{
		Use: "complaint", Short: "Register complaints and look at them",
		Long: "Calls a running suite as a person or application. A complaint is named by its number, its id, or complaints/{id}.",
	}
	cl.flags(c)
	c.AddCommand(newComplaintCreate(a, cl), newComplaintList(a, cl), newComplaintSearch(a, cl), newComplaintShow(a, cl),
		newComplaintVerify(a, cl), newComplaintWithdraw(a, cl))
	return c
}

func newComplaintCreate(a *app, cl *client) *cobra.Command {
	var file, received string
	var pairs []string
	m := &intakev1.Complaint{Complainant: &intakev1.Complainant{}}
	c := &cobra.Command{
		Use: "create", Short: "Register a complaint",
		Long: `Registers a complaint from flags, or from a file with the JSON of the edge
(POST /v1/complaints), "-" for standard input; flags come on top of the file.`,
		Example: `  redress complaint create --person li-na --channel telephone --name 王先生 --telephone 13800000000 \
    --category product_quality --description "The boiler leaks since Monday" --fact demand="repair it"
  redress complaint create --token "$T" --file complaint.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			body := &intakev1.Complaint{}
			if file != "" {
				if err := a.readProto(file, body); err != nil {
					return err
				}
			}
			given(body, m)
			if err := facts(body, pairs); err != nil {
				return err
			}
			if received != "" {
				t, err := time.Parse(time.RFC3339, received)
				if err != nil {
					return usage("--received %q is not an instant like 2026-04-08T17:20:00+08:00", received)
				}
				body.ReceiveTime = timestamppb.New(t)
			}
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				got, err := intakev1.NewIntakeServiceClient(conn).CreateComplaint(ctx, &intakev1.CreateComplaintRequest{Complaint: body, RequestId: requestID()})
				if err != nil {
					return err
				}
				return a.showComplaint(got.GetComplaint())
			})
		},
	}
	f := c.Flags()
	f.StringVar(&file, "file", "", "a `FILE` of JSON, - for standard input")
	f.StringVar(&m.Channel, "channel", "", "the channel it came in by, for example telephone")
	f.StringVar(&m.Description, "description", "", "what happened, in the customer's words")
	f.StringVar(&m.Category, "category", "", "a category of the pack")
	f.StringVar(&m.ComplaintObject, "object", "", "the product or service, with its number")
	f.StringSliceVar(&m.Demands, "demand", nil, "a remedy sought, an option of the pack; may be repeated")
	f.StringArrayVar(&pairs, "fact", nil, "a fact of the pack's forms, `ID=VALUE` for text, else ID:TYPE=VALUE with choice, choices, flag, count or date; may be repeated")
	f.BoolVar(&m.Urgent, "urgent", false, "mark it urgent")
	f.StringVar(&m.Complainant.DisplayName, "name", "", "who complains")
	f.StringVar(&m.Complainant.Telephone, "telephone", "", "their telephone number")
	f.StringVar(&m.Complainant.Email, "email", "", "their e-mail address")
	f.StringVar(&received, "received", "", "the `INSTANT` the organisation received it; default now")
	return c
}

// facts adds facts that flags said.
func facts(to *intakev1.Complaint, pairs []string) error {
	for _, pair := range pairs {
		field, value, ok := strings.Cut(pair, "=")
		id, kind, _ := strings.Cut(field, ":")
		if !ok || id == "" {
			return usage("--fact %q: write ID=VALUE or ID:TYPE=VALUE", pair)
		}
		f, err := fact(kind, value)
		if err != nil {
			return usage("--fact %q: %w", pair, err)
		}
		if to.Facts == nil {
			to.Facts = map[string]*typev1.Fact{}
		}
		to.Facts[id] = f
	}
	return nil
}

func fact(kind, value string) (*typev1.Fact, error) {
	switch kind {
	case "", "text":
		return &typev1.Fact{Value: &typev1.Fact_Text{Text: value}}, nil
	case "choice":
		return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: value}}, nil
	case "choices":
		return &typev1.Fact{Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: strings.Split(value, ",")}}}, nil
	case "date":
		return &typev1.Fact{Value: &typev1.Fact_Date{Date: value}}, nil
	case "flag":
		flag, err := strconv.ParseBool(value)
		return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: flag}}, err
	case "count":
		n, err := strconv.ParseInt(value, 10, 64)
		return &typev1.Fact{Value: &typev1.Fact_Count{Count: n}}, err
	}
	return nil, fmt.Errorf("there is no type %q", kind)
}

// given puts what flags said over what a file said.
func given(to, flags *intakev1.Complaint) {
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&to.Channel, flags.Channel}, {&to.Description, flags.Description}, {&to.Category, flags.Category}, {&to.ComplaintObject, flags.ComplaintObject},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if len(flags.Demands) > 0 {
		to.Demands = flags.Demands
	}
	to.Urgent = to.Urgent || flags.Urgent
	if to.Complainant == nil {
		to.Complainant = &intakev1.Complainant{}
	}
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&to.Complainant.DisplayName, flags.Complainant.DisplayName}, {&to.Complainant.Telephone, flags.Complainant.Telephone}, {&to.Complainant.Email, flags.Complainant.Email},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
}

// readProto reads the JSON of the edge from a file or, for "-", from standard input.
func (a *app) readProto(file string, into *intakev1.Complaint) error {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(a.In)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(text, into); err != nil {
		return usage("%s: %w", file, err)
	}
	return nil
}

func newComplaintList(a *app, cl *client) *cobra.Command {
	var state, channel, category string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List complaints, the newest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			q := &intakev1.ListComplaintsRequest{Channel: channel, Category: category}
			if state != "" {
				value, ok := intakev1.Complaint_State_value["STATE_"+strings.ToUpper(state)]
				if !ok || value == 0 {
					return usage("--state %q: choose registered, verified, withdrawn, closed or archived", state)
				}
				q.State = intakev1.Complaint_State(value)
			}
			var all []*intakev1.Complaint
			err := cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				return every(limit, func(size int32, token string) (int, string, error) {
					q.PageSize, q.PageToken = size, token
					got, err := intakev1.NewIntakeServiceClient(conn).ListComplaints(ctx, q)
					all = append(all, got.GetComplaints()...)
					return len(got.GetComplaints()), got.GetNextPageToken(), err
				})
			})
			if err != nil {
				return err
			}
			if a.json() {
				return a.writeProto(&intakev1.ListComplaintsResponse{Complaints: all})
			}
			return a.showComplaints(all)
		},
	}
	f := c.Flags()
	f.StringVar(&state, "state", "", "only those in this state")
	f.StringVar(&channel, "channel", "", "only those of this channel")
	f.StringVar(&category, "category", "", "only those of this category")
	f.IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	return c
}

// complaintName finds a complaint by number, id or name.
func complaintName(ctx context.Context, conn grpc.ClientConnInterface, text string) (string, error) {
	if strings.HasPrefix(text, "complaints/") {
		return text, nil
	}
	if _, err := uuid.Parse(text); err == nil {
		return "complaints/" + text, nil
	}
	got, err := intakev1.NewIntakeServiceClient(conn).ListComplaints(ctx, &intakev1.ListComplaintsRequest{Number: text, PageSize: 1})
	if err != nil {
		return "", err
	}
	if len(got.GetComplaints()) == 0 {
		return "", usage("there is no complaint with number %s", text)
	}
	return got.GetComplaints()[0].GetName(), nil
}

// oneComplaint finds a complaint and reads it.
func oneComplaint(ctx context.Context, conn grpc.ClientConnInterface, text string) (*intakev1.Complaint, error) {
	name, err := complaintName(ctx, conn, text)
	if err != nil {
		return nil, err
	}
	got, err := intakev1.NewIntakeServiceClient(conn).GetComplaint(ctx, &intakev1.GetComplaintRequest{Name: name})
	return got.GetComplaint(), err
}

func newComplaintSearch(a *app, cl *client) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "search WORD...", Short: "Find complaints by words in what was said, the newest first",
		Long: `Finds complaints in which every word occurs: in the description, in what is complained
about, in texts of forms, or in the number. A word has at least two characters; width and
case do not matter. What was written a moment ago is found within about a second.`,
		Example: `  redress complaint search --person li-na 退款 态度`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, words []string) error {
			q := &intakev1.SearchComplaintsRequest{Query: strings.Join(words, " ")}
			var all []*intakev1.Complaint
			err := cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				return every(limit, func(size int32, token string) (int, string, error) {
					q.PageSize, q.PageToken = size, token
					got, err := intakev1.NewIntakeServiceClient(conn).SearchComplaints(ctx, q)
					all = append(all, got.GetComplaints()...)
					return len(got.GetComplaints()), got.GetNextPageToken(), err
				})
			})
			if err != nil {
				return err
			}
			if a.json() {
				return a.writeProto(&intakev1.SearchComplaintsResponse{Complaints: all})
			}
			return a.showComplaints(all)
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	return c
}

// showComplaints writes a line for each.
func (a *app) showComplaints(all []*intakev1.Complaint) error {
	t := a.table("NUMBER", "STATE", "RECEIVED", "CHANNEL", "CATEGORY", "NAME")
	for _, m := range all {
		t.row(m.GetNumber(), enum(m.GetState(), "STATE_"), local(m.GetReceiveTime()), m.GetChannel(), m.GetCategory(), m.GetName())
	}
	return t.flush()
}

func newComplaintShow(a *app, cl *client) *cobra.Command {
	return &cobra.Command{
		Use: "show COMPLAINT", Short: "Show the whole file of a complaint", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				file, err := caseFile(ctx, conn, args[0])
				if err != nil {
					return err
				}
				if a.json() {
					return a.writeProto(file)
				}
				return a.showFile(file)
			})
		},
	}
}

func caseFile(ctx context.Context, conn grpc.ClientConnInterface, text string) (*reportingv1.CaseFile, error) {
	name, err := complaintName(ctx, conn, text)
	if err != nil {
		return nil, err
	}
	got, err := reportingv1.NewReportingServiceClient(conn).GetCaseFile(ctx, &reportingv1.GetCaseFileRequest{Name: name})
	return got.GetFile(), err
}

func newComplaintVerify(a *app, cl *client) *cobra.Command {
	var note string
	c := &cobra.Command{
		Use: "verify COMPLAINT", Short: "Record that the facts were verified with the customer", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				m, err := oneComplaint(ctx, conn, args[0])
				if err != nil {
					return err
				}
				got, err := intakev1.NewIntakeServiceClient(conn).VerifyComplaint(ctx, &intakev1.VerifyComplaintRequest{
					Name: m.GetName(), Note: note, Etag: m.GetEtag(), RequestId: requestID(),
				})
				if err != nil {
					return err
				}
				return a.showComplaint(got.GetComplaint())
			})
		},
	}
	c.Flags().StringVar(&note, "note", "", "what was found")
	return c
}

func newComplaintWithdraw(a *app, cl *client) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "withdraw COMPLAINT", Short: "Take a complaint back, for the customer", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				m, err := oneComplaint(ctx, conn, args[0])
				if err != nil {
					return err
				}
				got, err := intakev1.NewIntakeServiceClient(conn).WithdrawComplaint(ctx, &intakev1.WithdrawComplaintRequest{
					Name: m.GetName(), Reason: reason, Etag: m.GetEtag(), RequestId: requestID(),
				})
				if err != nil {
					return err
				}
				if s := got.GetComplaint().GetWithdrawal().GetState(); s != intakev1.Withdrawal_STATE_EFFECTIVE {
					a.say("The withdrawal is %s.", strings.ToLower(strings.ReplaceAll(enum(s, "STATE_"), "_", " ")))
				}
				return a.showComplaint(got.GetComplaint())
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, in the customer's words")
	return c
}

func (a *app) showComplaint(m *intakev1.Complaint) error {
	if a.json() {
		return a.writeProto(m)
	}
	t := a.table("NUMBER", "STATE", "RECEIVED", "CHANNEL", "NAME")
	t.row(m.GetNumber(), enum(m.GetState(), "STATE_"), local(m.GetReceiveTime()), m.GetChannel(), m.GetName())
	return t.flush()
}

// showFile writes what matters of a file; -o json has all of it.
func (a *app) showFile(file *reportingv1.CaseFile) error {
	m, kase := file.GetComplaint(), file.GetCase()
	fmt.Fprintf(a.Out, "%s  %s, received %s by %s\n%s\n", m.GetNumber(), enum(m.GetState(), "STATE_"), local(m.GetReceiveTime()), m.GetChannel(), m.GetDescription())
	if kase != nil {
		fmt.Fprintf(a.Out, "\nCase %s, stage %s, round %d, owner %s, departments %s\n", enum(kase.GetState(), "STATE_"), a.orNone(kase.GetStage()), kase.GetRound(),
			a.orNone(kase.GetOwner()), a.orNone(strings.Join(kase.GetDepartments(), ", ")))
		for _, scale := range sorted(kase.GetGrades()) {
			g := kase.GetGrades()[scale]
			fmt.Fprintf(a.Out, "Grade %s: %s, by %s\n", scale, g.GetLevel(), a.orNone(rule(g.GetRule())))
		}
	}
	if len(file.GetClocks()) > 0 {
		fmt.Fprintln(a.Out)
		t := a.table("CLOCK", "STATE", "DUE", "OUTCOME", "RULE")
		for _, k := range file.GetClocks() {
			t.row(k.GetKind(), enum(k.GetState(), "STATE_"), local(k.GetDueTime()), set(k.GetOutcome(), "OUTCOME_"), rule(k.GetRule()))
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if len(file.GetClaims()) > 0 {
		fmt.Fprintln(a.Out)
		t := a.table("CLAIM", "STATE", "AMOUNT", "REMEDY", "NAME")
		for _, k := range file.GetClaims() {
			t.row(k.GetNumber(), enum(k.GetState(), "STATE_"), k.GetAmount().GetCurrencyCode()+" "+k.GetAmount().GetAmount(), k.GetRemedy(), k.GetName())
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.Out)
	return a.showTimeline(file, false)
}

// showTimeline writes what happened; rulesOnly leaves out what no rule led to.
func (a *app) showTimeline(file *reportingv1.CaseFile, rulesOnly bool) error {
	t := a.table("TIME", "WHAT", "WHO", "WHY")
	for _, item := range file.GetTimeline() {
		var why []string
		for _, r := range item.GetRules() {
			why = append(why, rule(r))
		}
		if rulesOnly && len(why) == 0 {
			continue
		}
		text := a.words(item.GetText())
		if text == "" {
			text = item.GetType()[strings.LastIndexByte(item.GetType(), '.')+1:]
		}
		t.row(local(item.GetOccurTime()), text, item.GetPrincipal(), strings.Join(why, ", "))
	}
	return t.flush()
}
