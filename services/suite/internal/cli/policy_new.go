package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy/draft"
)

func newPolicyNew(a *app) *cobra.Command {
	o := draft.Options{Title: &typev1.Text{}}
	c := &cobra.Command{
		Use: "new FOLDER", Short: "Write a small complete pack to begin with", Args: cobra.ExactArgs(1),
		Long: `Writes pack.yaml and scenarios/first.yaml into FOLDER, commented in Chinese and
English. Lint is clean and the scenario passes: change it rule by rule into your
procedure. A folder that holds anything is refused.`,
		Example: `  redress policy new refunds --zh 退款投诉处理程序 --en "Procedure for complaints about refunds"`,
		RunE: func(_ *cobra.Command, args []string) error {
			folder := args[0]
			if o.Pack == "" {
				absolute, err := filepath.Abs(folder)
				if err != nil {
					return err
				}
				o.Pack = filepath.Base(absolute)
			}
			files, err := draft.Files(o)
			if wrong, ok := errors.AsType[*draft.Error](err); ok {
				return usage("--%s: %s", map[string]string{"pack": "id", "title": "zh, --en", "include": "include"}[wrong.Field], a.words(wrong.Text))
			}
			if err != nil {
				return err
			}
			if err := empty(folder); err != nil {
				return err
			}
			for _, f := range files {
				path := filepath.Join(folder, filepath.FromSlash(f.File))
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					return err
				}
				if err := os.WriteFile(path, f.YAML, 0o600); err != nil {
					return err
				}
				fmt.Fprintln(a.Out, path)
			}
			a.say(a.tr("Next: redress policy lint %s, redress policy test %s --mutate, then redress policy activate %s."), folder, folder, folder)
			return nil
		},
	}
	c.Flags().StringVar(&o.Pack, "id", "", "the `ID` of the pack; default the folder's name")
	c.Flags().StringVar(&o.Title.Zh, "zh", "", "its `TITLE` in Chinese")
	c.Flags().StringVar(&o.Title.En, "en", "", "its `TITLE` in English")
	c.Flags().StringArrayVar(&o.Include, "include", nil, "take the cards and letters of a shipped `PACK`; may be repeated")
	return c
}

// empty refuses a folder that holds anything.
func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &UsageError{err}
	case len(entries) > 0:
		return usage("%s is not empty (%s lies in it): name a folder that is, or a new one", folder, entries[0].Name())
	}
	return nil
}
