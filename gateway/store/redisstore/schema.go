//go:build !nextschema

package redisstore

// nextSchema is 1 in a build that stands for the release after this one, with which rolling upgrades are tried.
const nextSchema = 0
