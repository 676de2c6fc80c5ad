package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// explain puts an error into words that say what to do next.
func explain(err error) string {
	if s, ok := refusal(err); ok {
		return explainStatus(s)
	}
	var op *net.OpError
	if errors.As(err, &op) && errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Sprintf("%v\n  Something else listens on %s: stop it, or set another address in a configuration file (redress config print).", err, op.Addr)
	}
	return err.Error()
}

// refusal returns the status a server answered with.
func refusal(err error) (*status.Status, bool) {
	var g interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &g) {
		return nil, false
	}
	return g.GRPCStatus(), true
}

func explainStatus(s *status.Status) string {
	var b strings.Builder
	b.WriteString(message(s))
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			fmt.Fprintf(&b, " (%s%s)", d.GetReason(), clause(d.GetMetadata()))
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				text := v.GetLocalizedMessage().GetMessage()
				if text == "" {
					text = v.GetDescription()
				}
				fmt.Fprintf(&b, "\n  %s: %s (%s)", v.GetField(), text, v.GetReason())
			}
		case *errdetails.PreconditionFailure:
			for _, v := range d.GetViolations() {
				fmt.Fprintf(&b, "\n  %s %s: %s", v.GetType(), v.GetSubject(), v.GetDescription())
			}
		}
	}
	switch s.Code() {
	case codes.Unauthenticated:
		b.WriteString("\n  Give --token or REDRESS_TOKEN, or --person with --data of a suite on this machine.")
	case codes.Unavailable:
		b.WriteString("\n  Does the suite run, and is --server its gRPC address?")
	}
	return b.String()
}

// clause quotes the rule that refused.
func clause(meta map[string]string) string {
	if meta["clause"] == "" {
		return ""
	}
	return ", clause " + meta["clause"]
}

// message returns what the server says in the language it was asked for.
func message(s *status.Status) string {
	for _, d := range s.Details() {
		if m, ok := d.(*errdetails.LocalizedMessage); ok && m.GetMessage() != "" {
			return m.GetMessage()
		}
	}
	return s.Message()
}
