package redisstore

import (
	"context"
	"fmt"
	"strconv"
)

// StoredSchema is the format that the stored values have now (RULES R35); Upgrade raises it.
func (s *Store) StoredSchema(ctx context.Context) (int, error) {
	reply, err := s.ask(ctx, &command{args: []any{"hget", s.key("meta"), "schema"}})
	if err != nil {
		return 0, fmt.Errorf("ask for the stored format: %w", err)
	}
	text, _ := reply.(string)
	schema, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("ask for the stored format: found %q: %w", text, err)
	}
	return schema, nil
}
