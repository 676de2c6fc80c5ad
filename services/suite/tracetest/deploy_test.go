package tracetest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"example.com/redress/services/suite/suitetest"
)

const root = "../../.."

// fromPrometheus are the series and labels that Prometheus makes by itself.
func fromPrometheus() []string { return []string{"up"} }

func scraped() []string { return []string{"job", "instance", "service", "le"} }

// alerts returns every expression of the alert rules by the alert's name.
func alerts(t testing.TB) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/alerts.yaml"))
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      struct{ Severity string }
				Annotations struct{ Summary, Description string }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(raw, &file))
	out := map[string]string{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			require.NotEmpty(t, r.Expr, r.Alert)
			require.NotContains(t, out, r.Alert, "named twice")
			require.Contains(t, []string{"page", "ticket"}, r.Labels.Severity, r.Alert)
			require.NotEmpty(t, r.Annotations.Summary, r.Alert)
			require.NotEmpty(t, r.Annotations.Description, r.Alert)
			out[r.Alert] = r.Expr
		}
	}
	require.Greater(t, len(out), 10)
	return out
}

// dashboards returns every expression of the dashboards by file and place.
func dashboards(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy/dashboards/*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := map[string]string{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		var content any
		require.NoError(t, json.Unmarshal(raw, &content), name)
		collect(content, filepath.Base(name), out)
	}
	require.Greater(t, len(out), 20)
	return out
}

func collect(v any, at string, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		if title, ok := v["title"].(string); ok {
			at += "/" + title
		}
		for key, below := range v {
			text, isText := below.(string)
			if isText && (key == "expr" || key == "query" && strings.Contains(text, "(")) {
				out[at+"#"+text] = text
			}
			collect(below, at, out)
		}
	case []any:
		for _, below := range v {
			collect(below, at, out)
		}
	}
}

var (
	quoted     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	matchers   = regexp.MustCompile(`\{([^}]*)\}`)
	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	valuesOf   = regexp.MustCompile(`label_values\(([^,]*),([^)]*)\)`)
	window     = regexp.MustCompile(`\[[^\]]*\]`)
	word       = regexp.MustCompile(`[A-Za-z0-9_:.$]+`)
	identifier = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:]*$`)
	labelName  = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
)

// asks returns the metrics and labels an expression names.
func asks(expr string) (metrics, labels []string) {
	expr = quoted.ReplaceAllString(expr, " ")
	for _, m := range valuesOf.FindAllStringSubmatch(expr, -1) {
		labels = append(labels, strings.TrimSpace(m[2]))
	}
	expr = valuesOf.ReplaceAllString(expr, "$1")
	for _, re := range []*regexp.Regexp{matchers, grouping} {
		for _, m := range re.FindAllStringSubmatch(expr, -1) {
			labels = append(labels, labelName.FindAllString(m[1], -1)...)
		}
		expr = re.ReplaceAllString(expr, " ")
	}
	expr = window.ReplaceAllString(expr, " ")
	for _, at := range word.FindAllStringIndex(expr, -1) {
		name := expr[at[0]:at[1]]
		call := strings.HasPrefix(strings.TrimSpace(expr[at[1]:]), "(")
		if identifier.MatchString(name) && !call && !slices.Contains([]string{"and", "or", "unless", "bool", "offset", "by"}, name) {
			metrics = append(metrics, name)
		}
	}
	return metrics, labels
}

func TestTheReaderOfExpressionsFindsWhatTheyName(t *testing.T) {
	t.Parallel()
	metrics, labels := asks(`topk(3, histogram_quantile(0.9, sum by (le, a) (rate(x_bucket{b=~"y_z{",c!="d"}[5m])))) / 1e3 > bool up offset 5m and on (e) z:z == 5`)
	require.Equal(t, []string{"x_bucket", "up", "z:z"}, metrics)
	require.Equal(t, []string{"b", "c", "le", "a", "e"}, labels)
	metrics, labels = asks(`label_values(x_total, f)`)
	require.Equal(t, []string{"x_total"}, metrics)
	require.Equal(t, []string{"f"}, labels)
}

// TestAlertsAndDashboardsAskForFiguresThatExist starts a suite and asks for the page
// before anything has happened: an alert on a figure that comes with the first event
// would have nothing to compare the first event with.
func TestAlertsAndDashboardsAskForFiguresThatExist(t *testing.T) {
	t.Parallel()
	text := page(t, suitetest.New(t, measured))
	there, labelled := names(text), map[string]bool{}
	for _, name := range fromPrometheus() {
		there[name] = true
	}
	for _, name := range scraped() {
		labelled[name] = true
	}
	for _, m := range matchers.FindAllStringSubmatch(quoted.ReplaceAllString(text, `""`), -1) {
		for _, name := range labelName.FindAllString(m[1], -1) {
			labelled[name] = true
		}
	}
	asked := map[string]bool{}
	for _, set := range []map[string]string{alerts(t), dashboards(t)} {
		for at, expr := range set {
			metrics, labels := asks(expr)
			require.NotEmpty(t, metrics, at)
			for _, m := range metrics {
				require.True(t, there[m], "%s asks for %s, which no suite exports", at, m)
				asked[m] = true
			}
			for _, l := range labels {
				require.True(t, labelled[l], "%s groups by %s, which nothing is labelled with", at, l)
			}
		}
	}
	for m := range there {
		if base := family(m); strings.HasPrefix(base, "redress_") {
			require.True(t, slices.ContainsFunc([]string{base, base + "_bucket", base + "_count", base + "_sum"}, func(n string) bool { return asked[n] }),
				"nobody looks at %s", base)
		}
	}
}

// family returns the metric a series of a histogram belongs to.
func family(series string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(series, suffix); ok {
			return base
		}
	}
	return series
}

// TestOperatorsCanLookEveryFigureUp compares the table in the documentation with the page.
func TestOperatorsCanLookEveryFigureUp(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(raw), "\n## Observability\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|.*\\| ([^|]*) \\|$")
	told, alerting := map[string]bool{}, map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		told[m[1]] = true
		for _, name := range regexp.MustCompile(`Redress\w+`).FindAllString(m[2], -1) {
			alerting[name] = true
		}
	}
	there := map[string]bool{"up": true}
	for series := range names(page(t, suitetest.New(t, measured))) {
		there[family(series)] = true
	}
	for name := range told {
		require.True(t, there[name], "%s is in the table and on no page", name)
	}
	for name := range there {
		if strings.HasPrefix(name, "redress_") || strings.HasPrefix(name, "rpc_server") || strings.HasPrefix(name, "http_server") {
			require.True(t, told[name], "%s is on the page and not in the table", name)
		}
	}
	for name := range alerts(t) {
		require.True(t, alerting[name], "the table does not say what %s is about", name)
		delete(alerting, name)
	}
	require.Empty(t, alerting, "the table names alerts that do not exist")
}
