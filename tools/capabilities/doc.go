// Package capabilities holds docs/capabilities.md to the truth: every capability of the suite has a
// row, every place exists, and every proof is there and claims that capability. It has tests only.
package capabilities
