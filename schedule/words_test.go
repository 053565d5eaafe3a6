package schedule

import (
	"testing"
	"time"
)

func TestDurationsAreWrittenInTheirTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", -time.Minute: "0 s", 45 * time.Second: "45 s", 10 * time.Minute: "10 min", 90 * time.Second: "1 min 30 s",
		time.Hour: "1 h", 90 * time.Minute: "1 h 30 min", time.Hour + 59*time.Second: "1 h", 24 * time.Hour: "1 day",
		52*time.Hour + 5*time.Minute: "2 days 4 h", 48*time.Hour + time.Minute: "2 days", 59*time.Second + 999*time.Millisecond: "59 s",
	} {
		if got := Words(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
