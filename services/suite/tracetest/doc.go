// Package tracetest proves, against the running suite, what an operator may rely
// on: one trace leads from a request to the delivered notice, every figure of the
// metrics page says what it promises, and alerts and dashboards ask for figures
// that exist. It holds tests only.
package tracetest
