// Evaluates expressions of PromQL over given series, with the engine of Prometheus. Reads one JSON object from standard
// input and writes one to standard output: of each expression its series. Building promtool takes many times as long.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// Times are in seconds since 1970.
type request struct {
	Series      []series `json:"series"`
	Expressions []string `json:"expressions"`
	From        int64    `json:"from"`
	To          int64    `json:"to"`
	Step        int64    `json:"step"`
}

type series struct {
	Labels map[string]string `json:"labels"`
	Points [][2]float64      `json:"points"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples:    50_000_000,
		Timeout:       time.Minute,
		LookbackDelta: 5 * time.Minute,
		Parser:        parser.NewParser(parser.Options{}),
	})
	results := [][]series{}
	for _, expression := range asked.Expressions {
		result, err := evaluate(engine, asked, expression)
		if err != nil {
			return fmt.Errorf("%s: %w", expression, err)
		}
		results = append(results, result)
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

func evaluate(engine *promql.Engine, asked request, expression string) ([]series, error) {
	ctx := context.Background()
	from, to := time.Unix(asked.From, 0), time.Unix(asked.To, 0)
	query, err := engine.NewRangeQuery(ctx, toQueryable(asked.Series), nil, expression, from, to, time.Duration(asked.Step)*time.Second)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	matrix, err := query.Exec(ctx).Matrix()
	if err != nil {
		return nil, err
	}
	found := []series{}
	for _, one := range matrix {
		points := [][2]float64{}
		for _, point := range one.Floats {
			points = append(points, [2]float64{float64(point.T) / 1000, point.F})
		}
		found = append(found, series{Labels: one.Metric.Map(), Points: points})
	}
	return found, nil
}

func toQueryable(all []series) storage.Queryable {
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			set := &seriesSet{at: -1}
			for _, one := range all {
				metric := labels.FromMap(one.Labels)
				if !matches(metric, matchers) {
					continue
				}
				samples := []chunks.Sample{}
				for _, point := range one.Points {
					samples = append(samples, sample{int64(point[0] * 1000), point[1]})
				}
				set.series = append(set.series, storage.NewListSeries(metric, samples))
			}
			return set
		},
	}}
}

func matches(metric labels.Labels, matchers []*labels.Matcher) bool {
	for _, matcher := range matchers {
		if !matcher.Matches(metric.Get(matcher.Name)) {
			return false
		}
	}
	return true
}

type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
