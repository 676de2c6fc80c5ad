package app

import (
	"context"
	"regexp"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/seal"
)

// Show opens the texts of a notice as far as the view allows, in place: whole
// fields, and sealed texts that the pack's words surround, such as the customer's
// name within a body.
func Show(ctx context.Context, keys seal.Keys, organization string, n *notificationv1.Notice, v seal.View) error {
	for _, field := range []*string{&n.Title, &n.Body} {
		if seal.IsToken(*field) {
			continue // opened with the message
		}
		opened, err := unseal(ctx, keys, organization, *field, v)
		if err != nil {
			return err
		}
		*field = opened
	}
	return seal.Open(ctx, keys, organization, n, v)
}

// unseal opens the sealed texts within a text.
func unseal(ctx context.Context, keys seal.Keys, organization, text string, v seal.View) (string, error) {
	var failed error
	out := tokens.ReplaceAllStringFunc(text, func(token string) string {
		if !seal.IsToken(token) {
			return token
		}
		opened, err := seal.OpenText(ctx, keys, organization, token, v)
		if err != nil {
			failed = err
		}
		return opened
	})
	return out, failed
}

var tokens = regexp.MustCompile(`~s1\.[a-z0-9-]+\.[A-Za-z0-9_-]+`)
