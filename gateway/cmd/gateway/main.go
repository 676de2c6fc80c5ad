// Gateway runs the JSON edge in a process of its own.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // business time knows its zones wherever it runs

	"example.com/redress/gateway"
	"example.com/redress/services/kit/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Main(ctx, gateway.Program(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
