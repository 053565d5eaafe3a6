package redisstore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/store"
)

// Schema is the newest stored format that this program reads and writes (RULES R35). See also nextSchema.
const Schema = 1 + nextSchema

// hex16 writes a number as 16 hexadecimal digits, which sort like it.
func hex16(n uint64) string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := 15; i >= 0; i-- {
		b[i] = digits[n&15]
		n >>= 4
	}
	return string(b[:])
}

// instant writes an instant as nanoseconds since 1970 in 16 digits that sort like the time; "" for the zero time. Instants
// that do not fit (before 1678 or after 2262) become the nearest that do.
func instant(t time.Time) string {
	var n int64
	switch {
	case t.IsZero():
		return ""
	case t.Year() < 1678:
		n = math.MinInt64
	case t.Year() > 2261:
		n = math.MaxInt64
	default:
		n = t.UnixNano()
	}
	return hex16(uint64(n) ^ 1<<63)
}

// readInstant reads what instant wrote.
func readInstant(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: instant %q", store.ErrDamaged, s)
	}
	return time.Unix(0, int64(n^1<<63)).UTC(), nil
}

// expiry is the score by which an object waits for its end: milliseconds, rounded up so that nothing goes early.
func expiry(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return strconv.FormatInt((at.UnixNano()+int64(time.Millisecond)-1)/int64(time.Millisecond), 10)
}

// turn is a delivery's place in the order in which deliveries go out (store.Delivery.Before), as text that sorts like it and
// holds only digits: urgency, due instant, page, length of the id, id. Without the instant it is the order within a claim.
func turn(d store.Delivery) string {
	urgency := alert.SEV4 + 1
	if d.Severity.Valid() {
		urgency = d.Severity
	}
	at := instant(d.At)
	if at == "" {
		at = hex16(0)
	}
	return strconv.Itoa(int(urgency)) + at + hex16(uint64(d.Page)) + fmt.Sprintf("%04x", len(d.ID)) + hex.EncodeToString([]byte(d.ID))
}

// groupName is a group's name in keys: group keys are foreign text of any length.
func groupName(group string) string {
	sum := sha256.Sum256([]byte(group))
	return hex.EncodeToString(sum[:16])
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b, nil
}

// decode reads a stored value; what names it in the error.
func decode[T any](what string, reply any) (v T, err error) {
	text, ok := reply.(string)
	if !ok {
		return v, fmt.Errorf("%s: %w: it has no content", what, store.ErrDamaged)
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("%s: %w: %w", what, store.ErrDamaged, err)
	}
	return v, nil
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
