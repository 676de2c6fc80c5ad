package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// currency is the only one conditions compare; every procedure of the digest pays in it (K8).
const currency = "CNY"

// moneyType and sealedType return the types of amounts and of words nobody may read. Opaque types
// have no operators but those given to them: money compares with money, sealed words with nothing.
func moneyType() *types.Type  { return cel.OpaqueType("money").WithTraits(traits.ComparerType) }
func sealedType() *types.Type { return cel.OpaqueType("sealed") }

// money is an exact amount in fen.
type money int64

func (m money) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("money does not convert to %v", t)
}

func (m money) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == types.TypeType.TypeName() {
		return moneyType()
	}
	return types.NewErr("money does not convert to %s", t.TypeName())
}

func (m money) Equal(other ref.Val) ref.Val {
	o, ok := other.(money)
	return types.Bool(ok && o == m)
}

func (m money) Type() ref.Type { return moneyType() }
func (m money) Value() any     { return int64(m) }

// Compare implements traits.Comparer, which the four orderings of CEL call.
func (m money) Compare(other ref.Val) ref.Val {
	o, ok := other.(money)
	switch {
	case !ok:
		return types.MaybeNoSuchOverloadErr(other)
	case m < o:
		return types.IntNegOne
	case m > o:
		return types.IntOne
	}
	return types.IntZero
}

// fen reads "50000", "50000.5" or "50000.00" exactly; ok is false for anything else.
//
// Source: redress.type.v1.Money.
func fen(amount string) (int64, bool) {
	whole, part, dot := strings.Cut(amount, ".")
	if whole == "" || len(whole) > 12 || len(whole) > 1 && whole[0] == '0' || dot && (part == "" || len(part) > 2) {
		return 0, false
	}
	for len(part) < 2 {
		part += "0"
	}
	var n int64
	for _, d := range whole + part {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	return n, true
}

func moneyVal(m *typev1.Money) ref.Val {
	n, ok := fen(m.GetAmount())
	if !ok || m.GetCurrencyCode() != currency {
		return types.NewErr("amount %q %q is not an amount in CNY", m.GetCurrencyCode(), m.GetAmount())
	}
	return money(n)
}

// record is a row of the sheet in a condition: what it does not know is unknown, by name.
type record struct {
	name string
	typ  *types.Type
	get  func(field string) ref.Val // nil: nobody has recorded it
}

func (r *record) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s does not convert to %v", r.name, t)
}

func (r *record) ConvertToType(ref.Type) ref.Val { return types.NewErr("%s does not convert", r.name) }
func (r *record) Equal(o ref.Val) ref.Val        { return types.Bool(o == ref.Val(r)) }
func (r *record) Type() ref.Type                 { return r.typ }
func (r *record) Value() any                     { return r }

// Get implements traits.Indexer.
func (r *record) Get(index ref.Val) ref.Val {
	field, _ := index.Value().(string)
	if v := r.get(field); v != nil {
		return v
	}
	return unknown(r.name + "." + field)
}

// IsSet implements traits.FieldTester, behind has().
func (r *record) IsSet(field ref.Val) ref.Val {
	name, _ := field.Value().(string)
	return types.Bool(r.get(name) != nil)
}

// unknown is a value nobody has recorded. All share one expression id, so that CEL collects every
// name when it joins them.
func unknown(name string) ref.Val { return types.NewUnknown(1, types.NewAttributeTrail(name)) }

// provider tells the type checker which fields a row has.
type provider struct {
	types.Provider
	rows map[string]map[string]*types.Type // by type name
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.rows[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	fields, ok := p.rows[name]
	if !ok {
		return p.Provider.FindStructFieldNames(name)
	}
	var out []string
	for f := range fields {
		out = append(out, f)
	}
	return out, true
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	fields, ok := p.rows[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, field)
	}
	t, ok := fields[field]
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: t}, true
}

// wordsType is the type of words of which only phrases are known.
func wordsType() *types.Type { return cel.OpaqueType("words") }

// heard are the phrases of the pack that somebody's words hold.
type heard []string

func (h heard) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("words do not convert to %v", t)
}
func (h heard) ConvertToType(ref.Type) ref.Val { return types.NewErr("words do not convert") }
func (h heard) Equal(ref.Val) ref.Val          { return types.False }
func (h heard) Type() ref.Type                 { return wordsType() }
func (h heard) Value() any                     { return []string(h) }

// wordsFunctions gives words contains("…") and nothing else.
func wordsFunctions() cel.EnvOption {
	return cel.Function("contains", cel.MemberOverload("words_contains_string", []*cel.Type{wordsType(), cel.StringType}, cel.BoolType, cel.BinaryBinding(func(w, phrase ref.Val) ref.Val {
		h, ok1 := w.(heard)
		p, ok2 := phrase.Value().(string)
		if !ok1 || !ok2 {
			return types.MaybeNoSuchOverloadErr(w)
		}
		return types.Bool(slices.Contains(h, p))
	})))
}

func celType(k kind) *types.Type {
	switch k {
	case kindString:
		return types.StringType
	case kindBool:
		return types.BoolType
	case kindInt:
		return types.IntType
	case kindMoney:
		return moneyType()
	case kindTime:
		return types.TimestampType
	case kindList:
		return types.NewListType(types.StringType)
	case kindWords:
		return wordsType()
	}
	return sealedType()
}

// moneyFunctions gives amounts their four orderings and yuan("…"), and nothing else. The
// orderings need no binding of their own: CEL's asks values of that trait to compare themselves.
func moneyFunctions() []cel.EnvOption {
	m := moneyType()
	opts := []cel.EnvOption{cel.Function("yuan", cel.Overload("yuan_string", []*cel.Type{cel.StringType}, m, cel.UnaryBinding(func(v ref.Val) ref.Val {
		s, _ := v.Value().(string)
		if n, ok := fen(s); ok {
			return money(n)
		}
		return types.NewErr("yuan(%q) is not an amount", s)
	})))}
	for _, op := range []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals} {
		opts = append(opts, cel.Function(op, cel.Overload(strings.Trim(op, "_")+"_money", []*cel.Type{m, m}, cel.BoolType)))
	}
	return opts
}

// native turns a value that a caller put into the sheet into the type the row declares.
func native(k kind, name string, v any) ref.Val {
	if v == nil {
		return nil
	}
	switch x := v.(type) {
	case string:
		if k == kindString {
			return types.String(x)
		}
		if k == kindSealed {
			return types.True
		}
	case bool:
		if k == kindBool {
			return types.Bool(x)
		}
	case int64:
		if k == kindInt {
			return types.Int(x)
		}
	case int:
		if k == kindInt {
			return types.Int(x)
		}
	case int32:
		if k == kindInt {
			return types.Int(x)
		}
	case *typev1.Money:
		if x == nil {
			return nil
		}
		if k == kindMoney {
			return moneyVal(x)
		}
	case time.Time:
		if k == kindTime {
			return types.Timestamp{Time: x}
		}
	case []string:
		if k == kindList {
			return types.NewStringList(types.DefaultTypeAdapter, x)
		}
		if k == kindWords {
			return heard(x)
		}
	}
	return types.NewErr("%s: the sheet holds a %T", name, v)
}

var (
	_ traits.Indexer     = (*record)(nil)
	_ traits.FieldTester = (*record)(nil)
	_ traits.Comparer    = money(0)
)
