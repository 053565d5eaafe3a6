package config

import _ "embed" // for the example

// Example is the smallest useful configuration, with comments; `pagerd config init` writes it.
//
//go:embed example.yaml
var Example []byte
