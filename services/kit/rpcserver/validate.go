package rpcserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// compileRules compiles the rules of every request at start: the first call of a
// kind would otherwise wait for it, and a rule that does not compile would show
// only then. What is compiled belongs to the process: a validator of each of its
// servers would hold ten megabytes of its own.
func compileRules(services map[string]grpc.ServiceInfo) error {
	for name := range services {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			continue // authz has found it, or lists it
		}
		methods := d.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			t, err := protoregistry.GlobalTypes.FindMessageByName(methods.Get(i).Input().FullName())
			if err != nil {
				return err
			}
			var failed *protovalidate.CompilationError
			if err := protovalidate.Validate(t.New().Interface()); errors.As(err, &failed) {
				return fmt.Errorf("%s: %w", t.Descriptor().FullName(), err)
			}
		}
	}
	return nil
}

// validate returns a fault that holds everything that is wrong with a request.
// first says that the request begins its call: only then it owes a request_id.
func (s *Server) validate(method string, request any, first bool) error {
	m, ok := request.(proto.Message)
	if !ok {
		return nil
	}
	var violations []fault.Violation
	if err := protovalidate.Validate(m); err != nil {
		var invalid *protovalidate.ValidationError
		if !errors.As(err, &invalid) {
			return fmt.Errorf("validate %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
		}
		for _, v := range invalid.Violations {
			violations = append(violations, violation(v))
		}
	}
	if first {
		for _, missing := range s.authz.Missing(method, m) {
			if !slices.ContainsFunc(violations, func(v fault.Violation) bool { return v.Field == missing.Field }) {
				violations = append(violations, missing)
			}
		}
	}
	if len(violations) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, fault.ReasonInvalidRequest).WithViolations(violations...)
}

func (s *Server) validateUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.validate(info.FullMethod, req, true); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (s *Server) validateStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return next(srv, &validStream{ServerStream: ss, server: s, method: info.FullMethod})
}

// validStream validates every message received.
type validStream struct {
	grpc.ServerStream
	server *Server
	method string
	later  bool
}

// RecvMsg implements grpc.ServerStream.
func (s *validStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	first := !s.later
	s.later = true
	return s.server.validate(s.method, m, first)
}

// violation turns one broken rule into ours: string.min_len becomes STRING_MIN_LEN.
func violation(v *protovalidate.Violation) fault.Violation {
	id := v.Proto.GetRuleId()
	english := v.Proto.GetMessage()
	if english == "" {
		english = "breaks the rule " + id
	}
	return fault.Violation{
		Field:  protovalidate.FieldPathString(v.Proto.GetField()),
		Reason: reason(id),
		Text:   &typev1.Text{En: english, Zh: chinese(id, v)},
	}
}

func reason(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, id)
}

// chinese says the standard rules in Chinese. A rule of our own protos that is
// not listed is named by its id, which the English message explains.
func chinese(id string, v *protovalidate.Violation) string {
	limit := ""
	if v.RuleValue.IsValid() {
		limit = fmt.Sprint(v.RuleValue.Interface())
	}
	_, rule, found := strings.Cut(id, ".")
	if !found {
		rule = id
	}
	switch rule {
	case "required":
		return "必须填写"
	case "min_len":
		return "至少" + limit + "个字符"
	case "max_len":
		return "最多" + limit + "个字符"
	case "len":
		return "必须是" + limit + "个字符"
	case "min_items", "min_pairs":
		return "至少" + limit + "项"
	case "max_items", "max_pairs":
		return "最多" + limit + "项"
	case "unique":
		return "各项不得重复"
	case "pattern":
		return "格式不符"
	case "uuid", "uuid_empty":
		return "必须是UUID"
	case "email", "email_empty":
		return "必须是电子邮件地址"
	case "uri", "uri_empty":
		return "必须是网址"
	case "gt":
		return "必须大于" + limit
	case "gte":
		return "不得小于" + limit
	case "lt":
		return "必须小于" + limit
	case "lte":
		return "不得大于" + limit
	case "in", "defined_only":
		return "不是允许的值"
	case "not_in":
		return "是不允许的值"
	case "const":
		return "必须是" + limit
	default:
		return "不符合规则" + id
	}
}
