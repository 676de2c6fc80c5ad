package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/suite/csvimport"
)

// suggested compares categories suggested by the names of the tree with those that
// people gave, and with always naming the most frequent one.
func suggested(out io.Writer, folder string) error {
	tree, err := records(filepath.Join(folder, "zh-petition-labelled/taxonomy.csv"))
	if err != nil {
		return err
	}
	rows, err := records(filepath.Join(folder, "zh-petition-labelled/messages.csv"))
	if err != nil {
		return err
	}
	var categories []*policyv1.Category
	known := map[string]bool{}
	for _, r := range tree {
		parent := ""
		for _, level := range []string{"一级分类", "二级分类", "三级分类"} {
			if r[level] == "" {
				continue
			}
			path := parent + "/" + r[level]
			if !known[path] {
				known[path] = true
				categories = append(categories, &policyv1.Category{Id: path, Parent: parent, Text: &typev1.Text{Zh: r[level]}})
			}
			parent = path
		}
	}
	s := csvimport.NewSuggester(categories)
	labels, right, silent := map[string]int{}, 0, 0
	for _, r := range rows {
		labels[r["一级分类"]]++
		switch s.Suggest(r["留言主题"] + " " + r["留言详情"]) {
		case "/" + r["一级分类"]:
			right++
		case "":
			silent++
		}
	}
	most := 0
	for _, n := range labels {
		most = max(most, n)
	}
	_, _ = fmt.Fprintf(out, "categories suggested: accuracy %s, without a suggestion %d; always the most frequent: %s\n", share(right, len(rows)), silent, share(most, len(rows)))
	return nil
}

// delays prints how long replies took in working days, the day after receipt being
// the first, where the calendar of the suite knows the years.
func delays(out io.Writer, folder string) error {
	rows, err := records(filepath.Join(folder, "zh-petition-replied/messages.csv"))
	if err != nil {
		return err
	}
	holidays, err := calendar.NamedHolidays("cn")
	if err != nil {
		return err
	}
	cal, err := calendar.New("Asia/Shanghai", []string{"mon-fri 09:00-18:00"}, holidays)
	if err != nil {
		return err
	}
	var known []int
	sameDay, unknown, unread := 0, 0, 0
	for _, r := range rows {
		from, err1 := time.ParseInLocation("2006/1/2 15:04:05", r["留言时间"], cal.Location())
		to, err2 := time.ParseInLocation("2006/1/2 15:04:05", r["答复时间"], cal.Location())
		if err1 != nil || err2 != nil {
			unread++
			continue
		}
		n, ok := workingDays(cal, from, to)
		switch {
		case cal.Date(from) == cal.Date(to):
			sameDay++ // none, whatever the calendar
		case ok:
			known = append(known, n)
		default:
			unknown++
		}
	}
	slices.Sort(known)
	first, last, _ := holidays.Years()
	_, _ = fmt.Fprintf(out, "reply delays: calendar known for %d to %d; %d rows on the day itself, %d in working days, %d unknown, %d without readable times", first, last, sameDay, len(known), unknown, unread)
	if len(known) > 0 {
		within := func(n int) int { i, _ := slices.BinarySearch(known, n+1); return i }
		_, _ = fmt.Fprintf(out, "; median %d, within 7: %d, within 15: %d, longest %d", known[len(known)/2], within(7), within(15), known[len(known)-1])
	}
	_, _ = fmt.Fprintln(out)
	return nil
}

// workingDays counts the working days after the day of from, up to that of to; ok
// is false where one of the years is not known.
func workingDays(cal *calendar.Calendar, from, to time.Time) (n int, ok bool) {
	for d := cal.Date(from) + 1; d <= cal.Date(to); d++ {
		working, known, err := cal.IsWorking(d)
		if err != nil || !known {
			return 0, false
		}
		if working {
			n++
		}
	}
	return n, true
}
