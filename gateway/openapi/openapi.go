// Package openapi carries the OpenAPI description of the JSON edge, generated
// from the protos, inside the binary.
package openapi

import _ "embed"

// document is the generated file.
//
//go:embed gen/redress.swagger.json
var document []byte

// JSON returns the description, OpenAPI 2.0. The caller must not change it.
func JSON() []byte { return document }
