package report

import (
	"fmt"
	"strings"
)

// A plot is drawn for a telephone held upright: 360 units are about as many pixels there, and the letters keep their size.
const (
	plotWidth  = 360
	plotHeight = 190
	plotLeft   = 44 // room for the scale
	plotTop    = 10
	plotBottom = 160 // the axis
)

// Plot is a bar chart by month as data: the template draws it, a table beside it says the same in words.
type Plot struct {
	ID, Title, Desc string
	Width, Height   int
	Left, Bottom    int
	Scale           []Tick
	Bars            []Bar
	Labels          []Tick
	Legend          []string // names of the parts, the lowest first; empty = there is one
}

// Tick is a text at a place.
type Tick struct {
	X, Y int
	Text string
}

// Bar is a rectangle; Class names its colour in the style sheet.
type Bar struct {
	X, Y, W, H int
	Class      string
}

// frame is a plot without bars: the scale to the highest value and the months' names.
func frame(id, title string, months []Month, highest int64, label func(int64) string) Plot {
	p := Plot{ID: id, Title: title, Width: plotWidth, Height: plotHeight, Left: plotLeft, Bottom: plotBottom}
	for _, v := range []int64{0, highest / 2, highest} {
		if v != 0 || len(p.Scale) == 0 {
			p.Scale = append(p.Scale, Tick{X: plotLeft - 4, Y: plotBottom - height(v, highest), Text: label(v)})
		}
	}
	for i, m := range months {
		x, w := column(i, len(months))
		p.Labels = append(p.Labels, Tick{X: x + w/2, Y: plotBottom + 14, Text: m.Name[len("2006-"):]})
		if i == 0 || strings.HasSuffix(m.Name, "-01") {
			p.Labels = append(p.Labels, Tick{X: x + w/2, Y: plotBottom + 27, Text: m.Name[:len("2006")]})
		}
	}
	return p
}

func column(i, n int) (x, w int) {
	step := (plotWidth - plotLeft) / n
	return plotLeft + i*step + step/8, step - step/4
}

func height(v, highest int64) int {
	if highest == 0 {
		return 0
	}
	return int(v * int64(plotBottom-plotTop) / highest)
}

// resolvePlot shows the trend of MTTR: the median of each month, and the ninth decile as a line above it.
func resolvePlot(months []Month) Plot {
	highest := int64(0)
	for _, m := range months {
		highest = max(highest, m.Resolve.P90)
	}
	p := frame("plot-resolve", "Time to resolve by month", months, highest, short)
	var said []string
	for i, m := range months {
		if m.Resolve.N == 0 {
			continue
		}
		x, w := column(i, len(months))
		h, top := height(m.Resolve.P50, highest), height(m.Resolve.P90, highest)
		p.Bars = append(p.Bars, Bar{x, plotBottom - h, w, h, "half"}, Bar{x, plotBottom - top - 1, w, 2, "most"})
		said = append(said, fmt.Sprintf("%s: half within %s, nine of ten within %s", m.Name, spell(m.Resolve.P50), spell(m.Resolve.P90)))
	}
	p.Desc = "Bars are the median, lines nine of ten. " + words(said)
	return p
}

// severityPlot shows how many incidents of each severity a month had.
func severityPlot(months []Month) Plot {
	highest := int64(0)
	for _, m := range months {
		highest = max(highest, int64(m.Count))
	}
	p := frame("plot-severity", "Incidents by severity and month", months, highest, func(v int64) string { return fmt.Sprint(v) })
	p.Legend = []string{"SEV-1", "SEV-2", "SEV-3", "SEV-4"}
	var said []string
	for i, m := range months {
		x, w := column(i, len(months))
		below := int64(0)
		for s, n := range m.Severities {
			y, h := height(below, highest), height(below+int64(n), highest)-height(below, highest)
			if h > 0 {
				p.Bars = append(p.Bars, Bar{x, plotBottom - y - h, w, h, fmt.Sprintf("sev%d", s+1)})
			}
			below += int64(n)
		}
		if m.Count > 0 {
			said = append(said, fmt.Sprintf("%s: %d", m.Name, m.Count))
		}
	}
	p.Desc = words(said)
	return p
}

func words(said []string) string {
	if len(said) == 0 {
		return "There is nothing to show."
	}
	return strings.Join(said, "; ") + "."
}

// short is a time on a scale: "45 s", "12 min", "3.5 h", "2.1 d".
func short(seconds int64) string {
	switch {
	case seconds == 0:
		return "0"
	case seconds < minute:
		return fmt.Sprintf("%d s", seconds)
	case seconds < hour:
		return fmt.Sprintf("%d min", seconds/minute)
	case seconds < 24*hour:
		return fmt.Sprintf("%.1f h", float64(seconds)/hour)
	}
	return fmt.Sprintf("%.1f d", float64(seconds)/(24*hour))
}
