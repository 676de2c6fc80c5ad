package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
)

// organization is the demo's; its people are those of the sample directory.
const organization = "demo"

// Begin is when the demo's first call comes: a Wednesday afternoon. Source: SCENARIOS P26-S1.
const Begin = "2026-04-08T17:20:00+08:00"

// stopping is how long the demo gives the suite to stop.
const stopping = 15 * time.Second

// AllInOne tells the story against one process on a virtual clock, reached over
// the network. Everything lies in folder, its log in redress.log there. change
// may alter the configuration, for example the database.
func AllInOne(ctx context.Context, folder string, out io.Writer, change ...func(*suite.Config)) (err error) {
	var c suite.Config
	config.SetDefaults(&c)
	c.Process.Data = folder
	c.GRPC.Listen, c.Gateway.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.VirtualClock = Begin
	for _, f := range change {
		f(&c)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(folder, "redress.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	s, err := suite.New(ctx, c, "demo", log)
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	defer func() {
		stop, cancel := clock.System().WithTimeout(context.WithoutCancel(ctx), stopping)
		defer cancel()
		err = errors.Join(err, s.Stop(stop))
	}()
	conn, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	store := map[string]string{sqldb.Postgres: "PostgreSQL"}[c.Process.Database.Driver]
	if store == "" {
		store = "SQLite"
	}
	fmt.Fprintf(out, "一个进程，虚拟时钟，%s：gRPC %s，JSON %s\none process on a virtual clock, %s: gRPC %s, JSON %s\n",
		store, s.GRPCAddr(), s.URL(), store, s.GRPCAddr(), s.URL())
	return Run(ctx, &World{
		GRPC:  func(string) grpc.ClientConnInterface { return conn },
		Edge:  s.URL(),
		Token: minter(s.Minter),
		Pass:  func(ctx context.Context, d time.Duration) error { return s.Advance(ctx, s.Now().Add(d)) },
		SurveyToken: func(ctx context.Context, number string) (string, error) {
			return SurveyToken(ctx, s.URL()+"/mailbox/", number)
		},
		Out: out,
	})
}

// minter returns what makes tokens of the suite's own issuer, and keeps them.
func minter(key *authn.LocalKey) func(string) (string, error) {
	made := map[string]string{}
	return func(principal string) (string, error) {
		if token, ok := made[principal]; ok {
			return token, nil
		}
		token, err := key.Mint(authn.Identity{Principal: principal, Organization: organization}, time.Hour)
		made[principal] = token
		return token, err
	}
}

// SurveyToken looks through the mailbox page for the mail with the survey link.
func SurveyToken(ctx context.Context, mailbox, number string) (string, error) {
	list, err := get(ctx, mailbox)
	if err != nil {
		return "", err
	}
	for _, m := range regexp.MustCompile(`href="(?:/mailbox/)?([^"/]+)"`).FindAllStringSubmatch(list, -1) {
		mail, err := get(ctx, mailbox+m[1])
		if err != nil {
			return "", err
		}
		link := regexp.MustCompile(`/survey/([A-Za-z0-9_.-]{20,200})`).FindStringSubmatch(mail)
		if link != nil && strings.Contains(mail, number) {
			return strings.TrimRight(link[1], "."), nil
		}
	}
	return "", nil
}

func get(ctx context.Context, url string) (_ string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Timeout: patience}
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, answer.Status)
	}
	return string(raw), err
}
