// Notification runs the service in a process of its own.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // business time knows its zones wherever it runs

	"example.com/redress/services/kit/process"
	"example.com/redress/services/notification"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := process.Main(ctx, notification.Program(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
