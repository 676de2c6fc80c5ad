package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"example.com/redress/services/kit/clock"
)

// call makes the request and classifies the answer. success says which statuses
// confirm; nil takes 200 to 299.
func call(client *http.Client, r *http.Request, now clock.Clock, success []int) (Result, error) {
	answer, err := client.Do(r)
	if err != nil {
		return Result{}, classify(err)
	}
	// Read what little there may be, so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, answerLimit))
	_ = answer.Body.Close()
	status := answer.StatusCode
	confirmed := status >= 200 && status <= 299
	if success != nil {
		confirmed = slices.Contains(success, status)
	}
	if confirmed {
		return Result{Answer: strconv.Itoa(status)}, nil
	}
	err = fmt.Errorf("status %d", status)
	var f *Failure
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		f = retry(ReasonBusy, err)
		f.After = parseRetryAfter(answer.Header.Get("Retry-After"), now.Now())
	case status >= 200 && status <= 299: // taken, but not with the status that confirms
		f = retry(ReasonRefused, err)
	default: // redirects too: the receiver's address is what was agreed, nothing else
		f = final(ReasonRefused, err)
	}
	f.Status = status
	return Result{}, f
}

// classify tells failures before any answer apart.
func classify(err error) *Failure {
	// Without the address that was called: it may hold a secret.
	if called, ok := errors.AsType[*url.Error](err); ok {
		err = called.Err
	}
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, errAddress):
		return final(ReasonAddress, err)
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &record):
		return retry(ReasonSetup, err)
	case errors.Is(err, context.Canceled):
		return retry(ReasonUnreachable, context.Canceled)
	default:
		return retry(ReasonUnreachable, err)
	}
}

// parseRetryAfter reads seconds or an HTTP date; zero for anything else.
func parseRetryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

func retryAfter(err error) time.Duration {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.After
	}
	return 0
}
