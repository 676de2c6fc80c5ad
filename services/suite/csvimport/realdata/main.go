// Command realdata tries the import on real files: every row must be registered or
// refused with a reason, none lost, none registered twice by a second run. It
// prints what was recognised as repeated, how well categories are suggested, and
// how long replies took.
//
// The files are read where they are and never copied. Without the folder nothing
// is tried, and that is said; where REDRESS_REQUIRE_DATA is 1, as in CI beside the
// files, that is a failure. With -rows only so many rows of each file are imported.
package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/csvimport"
)

//go:embed mappings pack.yaml
var ours embed.FS

// directory of the organisation that the rows come to.
const directory = `record,id,zh,en,email,telephone,functions,superior,role,department,owner
person,importer,importer,importer,,,AGENT MANAGER,,,,
person,writer,writer,writer,,,POLICY_AUTHOR,,,,
person,checker,checker,checker,,,POLICY_AUTHOR,,,,
assignment,a1,,,,,,,desk,,importer
channel,telephone,,,,,,,,,importer
channel,online,,,,,,,,,importer
channel,app,,,,,,,,,importer
channel,letter,,,,,,,,,importer
channel,fax,,,,,,,,,importer
channel,email,,,,,,,,,importer
`

const organization = "imports"

// tried is a file with its mapping. key is the column that tells its complaints
// apart, where the file may hold one more than once.
type tried struct{ file, mapping, key string }

func files() []tried {
	return []tried{
		{"zh-auto-complaints/2020-06-05_08.csv", "zh-auto-complaints", "投诉编号"},
		{"zh-auto-complaints/2020-06-18_20.csv", "zh-auto-complaints", "投诉编号"},
		{"zh-petition-labelled/messages.csv", "zh-petition", ""},
		{"zh-petition-labelled/taxonomy.csv", "zh-petition-taxonomy", ""},
		{"zh-petition-replied/messages.csv", "zh-petition", ""},
		{"zh-petition-votes/messages.csv", "zh-petition", ""},
		{"en-bank-complaints/mixed-products-2012-2017.csv", "en-bank-2017", ""},
		{"en-bank-complaints/loans-2023.csv", "en-bank-2023", ""},
		{"en-city-requests/requests.csv", "en-city-requests", ""},
		{"en-telecom-complaints/tickets.csv", "en-telecom-complaints", ""},
		{"en-ticket-lifecycle/events.csv", "en-ticket-lifecycle", ""},
		{"quality-recalls/device-recalls.csv", "quality-recalls", ""},
		{"quality-recalls/drug-recalls.csv", "quality-recalls", ""},
	}
}

func main() {
	folder := flag.String("data", "", "the folder with the files")
	most := flag.Int("rows", 0, "how many rows of each file are imported; 0 for all")
	flag.Parse()
	if _, err := os.Stat(*folder); err != nil {
		fmt.Printf("realdata: there is no folder %q: nothing was tried\n", *folder)
		if os.Getenv("REDRESS_REQUIRE_DATA") == "1" {
			os.Exit(1)
		}
		return
	}
	if err := try(context.Background(), *folder, *most); err != nil {
		fmt.Fprintln(os.Stderr, "realdata:", err)
		os.Exit(1)
	}
}

func try(ctx context.Context, folder string, most int) (err error) {
	data, err := os.MkdirTemp("", "realdata")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	to, as, stop, err := start(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, f := range files() {
		if e := importTwice(as, to, folder, f, most); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", f.file, e))
		}
	}
	return errors.Join(err, suggested(os.Stdout, folder), delays(os.Stdout, folder))
}

// start runs a suite with an organisation of its own and returns its intake and the
// context of who registers.
func start(ctx context.Context, data string) (to csvimport.Registrar, as context.Context, stop func() error, err error) {
	var c suite.Config
	config.SetDefaults(&c)
	c.Process.Data = data
	c.GRPC.Listen, c.Gateway.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.VirtualClock = "2026-11-01T09:00:00+08:00"
	s, err := suite.New(ctx, c, "realdata", io.Discard)
	if err != nil {
		return nil, nil, nil, err
	}
	stop = func() error { return s.Stop(context.WithoutCancel(ctx)) }
	if err := s.Start(ctx); err != nil {
		return nil, nil, nil, errors.Join(err, stop())
	}
	by := func(person string) context.Context {
		token, e := s.Minter.Mint(authn.Identity{Principal: "people/" + person, Organization: organization}, 12*time.Hour)
		err = errors.Join(err, e)
		return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token, "accept-language", "en")
	}
	if err := s.Organize(ctx, organization, "", nil, []byte(directory)); err != nil {
		return nil, nil, nil, errors.Join(err, stop())
	}
	pack, err := ours.ReadFile("pack.yaml")
	if err != nil {
		return nil, nil, nil, errors.Join(err, stop())
	}
	policies := policyv1.NewPolicyServiceClient(s.Conn("routing"))
	made, err := policies.CreateRevision(by("writer"), &policyv1.CreateRevisionRequest{Source: pack, RequestId: uuid.NewString()})
	var ready *policyv1.RecordTestRunResponse
	if digest := made.GetRevision().GetDigest(); err == nil {
		ready, err = policies.RecordTestRun(by("writer"), &policyv1.RecordTestRunRequest{
			Name: made.GetRevision().GetName(), RequestId: uuid.NewString(), TestRun: &policyv1.TestRun{Digest: digest, ScenariosDigest: digest, Passed: 1, Tool: "realdata"},
		})
	}
	if err == nil {
		_, err = policies.ActivateRevision(by("checker"), &policyv1.ActivateRevisionRequest{
			Name: made.GetRevision().GetName(), Etag: ready.GetRevision().GetEtag(), RequestId: uuid.NewString(),
		})
	}
	if err == nil {
		err = s.Settle(ctx)
	}
	if err != nil {
		return nil, nil, nil, errors.Join(err, stop())
	}
	return intakev1.NewIntakeServiceClient(s.Conn("intake")), by("importer"), stop, err
}

// importTwice imports a file, or the first rows of it, and again, and says what it saw.
func importTwice(ctx context.Context, to csvimport.Registrar, folder string, f tried, most int) error {
	source, err := ours.ReadFile("mappings/" + f.mapping + ".yaml")
	if err != nil {
		return err
	}
	m, err := csvimport.ParseMapping(source)
	if err != nil {
		return err
	}
	file, err := head(filepath.Join(folder, f.file), most)
	if err != nil {
		return err
	}
	rows, err := parse(bytes.NewReader(file))
	if err != nil {
		return err
	}
	first, s, err := importOnce(ctx, to, file, m, f.key != "")
	if err != nil {
		return err
	}
	again, second, err := importOnce(ctx, to, file, m, false)
	if err != nil {
		return err
	}
	if second != s {
		return fmt.Errorf("a second run saw %+v, the first %+v", second, s)
	}
	reasons, names, twice := map[string]int{}, map[string]bool{}, 0
	for i, o := range first {
		if o.Problem != nil {
			reasons[o.Problem.Reason]++
			continue
		}
		if names[o.Complaint] || again[i].Complaint != o.Complaint {
			twice++
		}
		names[o.Complaint] = true
	}
	fmt.Printf("%-48s %s %5d rows, %5d accepted, %4d refused %v, %4d repeats; lost %d, doubled %d\n",
		f.file, s.Encoding, s.Rows, s.Accepted, s.Refused, reasons, s.Repeats, int64(len(rows))-s.Rows, twice)
	if int64(len(rows)) != s.Rows || twice > 0 {
		return errors.New("rows were lost or doubled")
	}
	if f.key != "" {
		recognised(f, rows, first)
	}
	return nil
}

func importOnce(ctx context.Context, to csvimport.Registrar, file []byte, m *csvimport.Mapping, inOrder bool) (all []csvimport.Outcome, s csvimport.Summary, err error) {
	o := csvimport.Options{Each: func(o csvimport.Outcome) error { all = append(all, o); return nil }}
	if inOrder {
		o.Parallel = 1
	}
	s, err = csvimport.Import(ctx, to, bytes.NewReader(file), m, o)
	return all, s, err
}

// head reads a file up to the end of so many rows; 0 for all of it.
func head(file string, most int) ([]byte, error) {
	all, err := os.ReadFile(file)
	if err != nil || most == 0 {
		return all, err
	}
	r := csv.NewReader(bytes.NewReader(all))
	for range most + 1 { // and the header
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return all[:r.InputOffset()], nil
}

// records reads a file by the standard library: what the import must not lose.
func records(file string) ([]map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return parse(f)
}

func parse(f io.Reader) ([]map[string]string, error) {
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[strings.TrimPrefix(name, "\ufeff")] = cells[i]
		}
		out = append(out, row)
	}
	return out, nil
}

// recognised compares the repeats that the pack's rule found with the numbers that
// the other system gave.
func recognised(f tried, rows []map[string]string, outcomes []csvimport.Outcome) {
	seen := map[string]bool{}
	var right, found, actual int
	for i, row := range rows {
		again := seen[row[f.key]]
		seen[row[f.key]] = true
		if again {
			actual++
		}
		if outcomes[i].RepeatOf != "" {
			found++
			if again {
				right++
			}
		}
	}
	fmt.Printf("%-48s repeats: %d real, %d found, precision %s, recall %s\n", "", actual, found, share(right, found), share(right, actual))
}

func share(n, of int) string {
	if of == 0 {
		return "- (none)"
	}
	return fmt.Sprintf("%.3f (%d of %d)", float64(n)/float64(of), n, of)
}
