// Corrective-action runs the service in a process of its own.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // business time knows its zones wherever it runs

	correctiveaction "example.com/redress/services/corrective-action"
	"example.com/redress/services/kit/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := process.Main(ctx, correctiveaction.Program(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
