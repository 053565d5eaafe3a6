package schedule

import (
	"strconv"
	"strings"
	"time"
)

// Words writes a duration for people, in its two largest units: "45 s", "10 min", "1 h 30 min", "2 days 4 h". What is
// smaller is cut off, so that "not mitigated for 1 h" is never said too early.
func Words(d time.Duration) string {
	if d < time.Second {
		return "0 s"
	}
	units := []struct {
		name string
		size time.Duration
	}{{"days", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	var parts []string
	for i, u := range units {
		n := int64(d / u.size)
		d %= u.size
		if n == 0 && len(parts) == 0 {
			continue
		}
		if n > 0 {
			name := u.name
			if n == 1 && name == "days" {
				name = "day"
			}
			parts = append(parts, strconv.FormatInt(n, 10)+" "+name)
		}
		if len(parts) == 2 || len(parts) == 1 && i > 0 && n == 0 {
			break
		}
	}
	return strings.Join(parts, " ")
}
