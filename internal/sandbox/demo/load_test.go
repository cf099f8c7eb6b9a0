package demo

import (
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{nil, 0.5, 0}, {[]float64{3}, 0.99, 3}, {[]float64{3, 1, 2}, 0.5, 2}, {[]float64{4, 3, 2, 1}, 0.95, 4},
		{[]float64{4, 3, 2, 1}, 0.5, 2},
	} {
		if got := quantile(tt.values, tt.q); got != tt.want {
			t.Errorf("%v at %v: %v, want %v", tt.values, tt.q, got, tt.want)
		}
	}
}

func TestReportKeepsOneFigureForEachMeasure(t *testing.T) {
	r := &Report{}
	for _, v := range []float64{4, 1, 2, 3} {
		r.add("calls", "calls", v)
	}
	r.add("time", "s", 1.2345)
	if len(r.Figures) != 2 || !slices.Equal(r.Figures[0].Values, []float64{4, 1, 2, 3}) {
		t.Fatalf("figures: %+v", r.Figures)
	}
	if f := r.Figures[0]; f.Median != 2.5 || f.Min != 1 || f.Max != 4 {
		t.Errorf("figure: %+v", f)
	}
	if got := r.Figures[1].Median; got != 1.23 {
		t.Errorf("rounded to %v", got)
	}
}
