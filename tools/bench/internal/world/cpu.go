package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// CPU is what the processes of a run have used so far.
type CPU struct {
	// Self is this process: callers, subject and peers that run in it.
	Self, Redis, Postgres time.Duration
}

// Sub returns what was used since the other.
func (c CPU) Sub(since CPU) CPU {
	return CPU{c.Self - since.Self, c.Redis - since.Redis, c.Postgres - since.Postgres}
}

// All returns the sum.
func (c CPU) All() time.Duration { return c.Self + c.Redis + c.Postgres }

// Per returns microseconds for each of n.
func Per(d time.Duration, n int) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(n, 1))
}

// CPU returns what was used so far. Processes of PostgreSQL that have ended count.
func (w *World) CPU(ctx context.Context) (CPU, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return CPU{}, err
	}
	c := CPU{Self: time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := w.info(ctx, "cpu", name)
		if err != nil {
			return CPU{}, err
		}
		c.Redis += time.Duration(seconds * float64(time.Second))
	}
	var err error
	c.Postgres, err = w.postgresCPU()
	return c, err
}

// ticks a second of /proc/PID/stat, the same on every Linux that Go runs on.
const ticks = 100

// stat is a line of /proc.
type stat struct {
	parent    int
	own, dead time.Duration // of the process, and of its children that have ended
}

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	_, rest, ok := strings.Cut(string(raw), ") ") // the name may hold anything
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat is not what it should be", pid)
	}
	var s stat
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return stat{}, err
	}
	for i, to := range []*time.Duration{&s.own, &s.own, &s.dead, &s.dead} {
		n, err := strconv.ParseInt(fields[11+i], 10, 64)
		if err != nil {
			return stat{}, err
		}
		*to += time.Duration(n) * time.Second / ticks
	}
	return s, nil
}

// postmaster returns the process that started the backend.
func postmaster(backend int) (int, error) {
	s, err := readStat(backend)
	if err != nil {
		return 0, fmt.Errorf("the server must run on this machine: %w", err)
	}
	return s.parent, nil
}

func (w *World) postgresCPU() (time.Duration, error) {
	s, err := readStat(w.postmaster)
	if err != nil {
		return 0, err
	}
	all := s.own + s.dead
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		switch {
		case errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH): // it ended just now
		case err != nil:
			return 0, err
		case s.parent == w.postmaster:
			all += s.own
		}
	}
	return all, nil
}

func (w *World) info(ctx context.Context, section, name string) (float64, error) {
	text, err := w.text(ctx, section, name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(text, 64)
}

func (w *World) text(ctx context.Context, section, name string) (string, error) {
	all, err := w.redis.Info(ctx, section).Result()
	if err != nil {
		return "", fmt.Errorf("ask Redis: %w", err)
	}
	for line := range strings.SplitSeq(all, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("ask Redis: it does not say %s", name)
}

// Resident returns the memory of a process, in bytes.
func Resident(pid int) (float64, error) {
	var kib float64
	if _, err := fmt.Sscan(field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS"), &kib); err != nil {
		return 0, fmt.Errorf("memory of %d: %w", pid, err)
	}
	return kib * 1024, nil
}

// Used returns the CPU that a process has used so far, without its children.
func Used(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}
