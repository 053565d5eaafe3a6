//go:build nextschema

package redisstore

const nextSchema = 1
