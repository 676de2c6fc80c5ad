package scenario

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/money"
)

// patternOfCollection finds the kind of resource that a scenario calls by its
// collection, "workOrders"; empty if there is none.
func patternOfCollection(name string) string {
	for _, p := range patterns() {
		if collection(p) == name {
			return p
		}
	}
	return ""
}

// seeNewest shows the newest resource of each collection that is expected.
func (w *world) seeNewest(ctx context.Context, in *input) (map[string]any, error) {
	out := map[string]any{}
	for name := range in.move.GetExpect().GetNewest().GetFields() {
		item, err := w.newestOf(ctx, in, patternOfCollection(name))
		if err != nil {
			return nil, err
		}
		out[name] = w.plain(item)
	}
	return out, nil
}

func (w *world) seeGoods(ctx context.Context, in *input) (map[string]any, error) {
	item, err := w.newestOf(ctx, in, "goods/*")
	if err != nil {
		return nil, err
	}
	return w.plain(item).(map[string]any), nil
}

// seeLiability shows what each party bears by the newest allocation, over all bases.
func (w *world) seeLiability(ctx context.Context, in *input) (map[string]any, error) {
	item, err := w.newestOf(ctx, in, "allocations/*")
	if err != nil {
		return nil, err
	}
	fd := item.Descriptor().Fields().ByName("shares")
	if fd == nil {
		return nil, in.mistake("an allocation shows no shares")
	}
	borne := sums{}
	for i := range item.Get(fd).List().Len() {
		share := item.Get(fd).List().Get(i).Message()
		amount, err := amountOf(share)
		if err != nil {
			return nil, err
		}
		if err := borne.add(textIn(share, "party"), amount); err != nil {
			return nil, err
		}
	}
	out := map[string]any{}
	for party, amount := range borne {
		out[party] = amount.Text()
	}
	return out, nil
}

// seeDuties adds the newest duty of each step outside any complaint.
func (w *world) seeDuties(ctx context.Context, out map[string]any) error {
	m := lister("duties/*")
	if m == nil {
		return nil
	}
	items, err := w.list1(ctx, m, "", "")
	if err != nil {
		return err
	}
	for _, d := range items {
		if fields, ok := w.plain(d).(map[string]any); ok {
			if step, ok := fields["step"].(string); ok {
				out[step] = fields["state"]
			}
		}
	}
	return nil
}

// bookings turns expected entries into a tree: by rule and to whom, or without a rule
// by to whom alone, over all rules.
func bookings(list []*policyv1.Booking) map[string]any {
	out := map[string]any{}
	for _, b := range list {
		out[bookingKey(b.GetRule(), b.GetTo())] = filled(map[string]string{"points": b.GetPoints(), "amount": b.GetAmount()})
	}
	return out
}

func bookingKey(rule, to string) string { return strings.TrimSpace(rule + " " + to) }

// seeEntries shows the sums of the ledger by rule and to whom, and over all rules by to
// whom. What was exempted counts nothing; what was doubled counts twice, as the ledger
// shows it.
func (w *world) seeEntries(ctx context.Context, in *input) (map[string]any, error) {
	m := lister("entries/*")
	if m == nil {
		return nil, in.mistake("no RPC lists entries")
	}
	items, err := w.list1(ctx, m, "", "")
	if err != nil {
		return nil, err
	}
	points, amounts := map[string]int64{}, sums{}
	for _, e := range items {
		fields, _ := w.plain(e).(map[string]any)
		if fields["state"] == "EXEMPTED" || fields["state"] == "VOID" {
			continue
		}
		rule, _ := fields["entry"].(string)
		to, _ := fields["to"].(string)
		n, _ := fields["points"].(float64)
		amount, err := amountOf(e)
		if err != nil {
			return nil, err
		}
		for _, key := range []string{bookingKey(rule, to), to} {
			points[key] += int64(n)
			if err := amounts.add(key, amount); err != nil {
				return nil, err
			}
		}
	}
	out := map[string]any{}
	for _, b := range in.move.GetExpect().GetEntries() {
		key := bookingKey(b.GetRule(), b.GetTo())
		out[key] = map[string]any{"points": strconv.FormatInt(points[key], 10), "amount": amounts[key].Text()}
	}
	return out, nil
}

// seeCards shows the ids of the cards that help in the case, in order; "restate every 5
// min" where the move asks how often a card is repeated.
func (w *world) seeCards(ctx context.Context, in *input) (map[string]any, error) {
	cards, err := w.cards(ctx, in)
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, c := range cards {
		card := c.GetCard()
		if repeated := card + " every "; slices.ContainsFunc(in.move.GetExpect().GetCards(), func(want string) bool { return strings.HasPrefix(want, repeated) }) {
			card = repeated + c.GetRepeat()
		}
		shown = append(shown, card)
	}
	return map[string]any{"shown": shown}, nil
}

// seeCard shows what stands on the cards that help in the case, by their ids.
func (w *world) seeCard(ctx context.Context, in *input) (map[string]any, error) {
	cards, err := w.cards(ctx, in)
	out := map[string]any{}
	for _, c := range cards {
		out[c.GetCard()] = w.plain(c.ProtoReflect())
	}
	return out, err
}

func (w *world) cards(ctx context.Context, in *input) ([]*routingv1.Card, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return nil, err
	}
	got, err := routingv1.NewHandlingServiceClient(w.conn("routing")).ListCards(w.reading(ctx), &routingv1.ListCardsRequest{Parent: k.GetName()})
	return got.GetCards(), err
}

// amountOf is the amount of a share or an entry; nothing where there is none.
func amountOf(m protoreflect.Message) (money.Amount, error) {
	fd := m.Descriptor().Fields().ByName("amount")
	if fd == nil || !m.Has(fd) {
		return money.Zero(currency), nil
	}
	amount, ok := m.Get(fd).Message().Interface().(*typev1.Money)
	if !ok {
		return money.Amount{}, fmt.Errorf("amount of %s is no money", m.Descriptor().Name())
	}
	return money.Parse(amount)
}

// currency of all that scenarios expect.
const currency = "CNY"

// sums adds amounts up by key.
type sums map[string]money.Amount

func (s sums) add(key string, amount money.Amount) error {
	have, ok := s[key]
	if !ok {
		have = money.Zero(currency)
	}
	sum, err := have.Add(amount)
	s[key] = sum
	return err
}
