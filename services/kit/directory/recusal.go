package directory

import (
	"slices"
	"time"
)

// Recused returns who decides nothing where some people are complained about: they
// themselves, whoever is above them, and whoever heads one of their departments at
// the instant; sorted, each once. It is empty for nobody.
//
// Source: the suite's law of impartial handling (ISO 10002, objectivity).
func (d *Directory) Recused(about []string, at time.Time) []string {
	var out []string
	for _, person := range about {
		out = append(out, person)
		if superior := d.Superior(person); superior != "" {
			out = append(out, superior)
		}
		for _, department := range d.DepartmentsOf(person, at) {
			out = append(out, d.Holders("head@"+department, at, Places{})...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
