// SPDX-License-Identifier: Apache-2.0
//
// Answers as `holdfast .. --format csv` writes them (src/cli/answer_csv.cpp, docs/metrics.md "CSV"):
// the same columns and rows, the total's last.
import type {
  Answer,
  Bucket,
  FunnelAnswer,
  FunnelData,
  Grouped,
  Json,
  LifecycleAnswer,
  LifecycleTable,
  RetentionAnswer,
  RetentionTable,
  SegmentAnswer,
  Size,
  StickinessAnswer,
  StickinessData,
  TrendAnswer,
  TrendTable,
  TwoWindows,
} from '../api/contract';
import type { Members } from '../api/types';
import type { TrendMath } from '../query/maths';
import { empty_text, type CsvValue } from './csv';

type Row = CsvValue[];
type Query = Record<string, Json>;

function bucketField(bucket: Bucket): CsvValue {
  if (bucket === null) return undefined;
  if (typeof bucket === 'object') return '(other)';
  return bucket === '' ? empty_text : bucket;
}

/** The rows of each group with its bucket before them, then the total's. */
function csvOf<T extends object>(
  data: T | Grouped<T>,
  query: Query,
  heads: string[],
  rowsOf: (table: T, isTotal: boolean) => Row[],
): Row[] {
  if (!('groups' in data)) return [heads, ...rowsOf(data, true)];
  // The question knows them: an answer may have no group to tell.
  const dimensions = (query.breakdown as Json[]).map((_, at) => at + 1);
  const under = (bucket: Row, rows: Row[]) => rows.map((row) => [...bucket, ...row]);
  return [
    [...(dimensions.length === 1 ? ['bucket'] : dimensions.map((n) => `bucket_${n}`)), ...heads],
    ...data.groups.flatMap((one) => under(one.bucket.map(bucketField), rowsOf(one, false))),
    ...under(dimensions.map(() => '(all)'), rowsOf(data.total, true)),
  ];
}

/** One table of an answer: all of them are of one shape. */
const oneOf = <T extends object>(data: T | Grouped<T>): T => ('groups' in data ? data.total : data);

function retentionCsv({ data }: RetentionAnswer, query: Query): Row[] {
  const aggregate = (query.value as Query | undefined)?.aggregate ?? 'users';
  const hasValue = aggregate !== 'users';
  if (!('columns' in data)) {
    const heads = ['initial', 'retained', 'current', 'complete'];
    if (hasValue) heads.push('initial_value', 'current_value');
    return csvOf<TwoWindows>(data, query, heads, ({ initial, current, retention }) => [
      [
        initial.count,
        retention.numerator,
        current.count,
        current.complete,
        ...(hasValue ? [initial.value, current.value] : []),
      ],
    ]);
  }
  const heads = ['cohort', 'size', 'column', 'count', 'eligible', 'complete'];
  if (hasValue) heads.push('value');
  return csvOf<RetentionTable>(data, query, heads, ({ cohorts }) =>
    cohorts.flatMap(({ start, size, cells }) =>
      cells.map(({ count, eligible, complete, value }, column) => [
        start,
        size,
        data.columns[column],
        count,
        eligible,
        complete,
        ...(hasValue ? [value] : []),
      ]),
    ),
  );
}

// Not translated: a file's names are the same whoever saves it.
const math_names: Record<TrendMath, string> = {
  total: '',
  unique: 'people',
  weekly_active: 'people of 7 days',
  monthly_active: 'people of 30 days',
  per_user: 'per person',
  sum: 'sum of {}',
  avg: 'mean of {}',
  min: 'least {}',
  max: 'greatest {}',
  median: 'median of {}',
  p90: 'p90 of {}',
  p95: 'p95 of {}',
  p99: 'p99 of {}',
};

const spaced = (text: string): string => text.replaceAll(/[\0-\x1f\x7f]/g, ' ');

/** Where two are of the same events, all say what is counted of them; a formula stays as it is. */
function seriesNames(labels: string[], series: Query[]): string[] {
  if (new Set(labels).size === labels.length) return labels;
  return labels.map((label, at) => {
    const { math = 'total', property = '' } = series[at] ?? {};
    const name = math_names[math as TrendMath].replace('{}', () => spaced(String(property)));
    return name === '' ? spaced(label) : `${spaced(label)}, ${name}`;
  });
}

function trendCsv({ data }: TrendAnswer, query: Query): Row[] {
  const hasPrevious = query.compare !== undefined;
  const heads = ['start', 'complete', 'series', 'value', ...(hasPrevious ? ['previous'] : [])];
  const labels = oneOf<TrendTable>(data).series.map((one) => one.label);
  const names = seriesNames(labels, query.series as Query[]);
  return csvOf<TrendTable>(data, query, heads, ({ series }) =>
    data.periods.flatMap((start, at) =>
      series.map(({ values, previous }, which) => [
        start,
        data.complete[at],
        names[which],
        values[at],
        ...(hasPrevious ? [previous?.[at]] : []),
      ]),
    ),
  );
}

function lifecycleCsv({ data }: LifecycleAnswer, query: Query): Row[] {
  const heads = ['start', 'complete', 'new', 'returning', 'resurrecting', 'dormant', 'active'];
  return csvOf<LifecycleTable>(data, query, heads, ({ periods }) =>
    periods.map((one) => [
      one.start,
      one.complete,
      one.new,
      one.returning,
      one.resurrecting,
      one.dormant,
      one.active,
    ]),
  );
}

const day_heads = 'start,complete,dau,wau,mau,l7_days,l7_persons,l28_days,l28_persons'.split(',');

function stickinessCsv({ data }: StickinessAnswer, query: Query): Row[] {
  const heads = query.over_time === true ? day_heads : ['active_periods', 'count'];
  return csvOf<StickinessData>(data, query, heads, (table): Row[] =>
    'histogram' in table
      ? table.histogram.map(({ active_periods, count }) => [active_periods, count])
      : table.over_time.map(({ start, complete, dau, wau, mau, l7, l28 }) => [
          start,
          complete,
          dau,
          wau,
          mau,
          l7.days,
          l7.persons,
          l28.days,
          l28.persons,
        ]),
  );
}

const step_heads =
  'step,label,count,first,previous,seconds_mean,seconds_median,seconds_p90'.split(',');

function funnelCsv({ data }: FunnelAnswer, query: Query): Row[] {
  const one = oneOf<FunnelData>(data);
  const heads =
    'steps' in one
      ? step_heads
      : 'periods' in one
        ? ['start', 'complete', 'entered', 'completed']
        : ['from', 'to', 'count'];
  return csvOf<FunnelData>(data, query, heads, (table): Row[] => {
    if ('periods' in table) {
      return table.periods.map((one) => [one.start, one.complete, one.entered, one.completed]);
    }
    if ('bins' in table) return table.bins.map(({ from, to, count }) => [from, to, count]);
    return table.steps.map(({ label, count, from_first, from_previous, seconds }, at) => [
      at + 1,
      label,
      count,
      from_first.denominator,
      from_previous?.denominator,
      seconds?.mean,
      seconds?.median,
      seconds?.p90,
    ]);
  });
}

/** The columns of the sets say of whom a count is: true in it, false not in it, empty either. */
function segmentsCsv({ data }: SegmentAnswer, query: Query): Row[] {
  const labels = (oneOf<Size>(data).sets ?? []).map((one) => one.label);
  const either = labels.map(() => undefined);
  return csvOf<Size>(
    data,
    query,
    ['what', ...labels, 'count'],
    ({ count, sets = [], exactly_in = [] }, isTotal) => [
      ...(isTotal ? [['known', ...either, data.known]] : []),
      ['count', ...either, count],
      ...sets.map((set) => [
        'set',
        ...labels.map((label) => (label === set.label ? true : undefined)),
        set.count,
      ]),
      ...exactly_in.map((one) => [
        'exactly_in',
        ...labels.map((label) => one.in.includes(label)),
        one.count,
      ]),
    ],
  );
}

/** `query`: what the answer is to. */
export function answerCsv(answer: Answer, query: Query): Row[] {
  switch (answer.metric) {
    case 'retention':
      return retentionCsv(answer as RetentionAnswer, query);
    case 'trend':
      return trendCsv(answer as TrendAnswer, query);
    case 'lifecycle':
      return lifecycleCsv(answer as LifecycleAnswer, query);
    case 'stickiness':
      return stickinessCsv(answer as StickinessAnswer, query);
    case 'funnel':
      return funnelCsv(answer as FunnelAnswer, query);
    case 'segment_size':
      return segmentsCsv(answer as SegmentAnswer, query);
    default:
      throw new Error(`no CSV of ${answer.metric}`);
  }
}

export function membersCsv(members: Members['members']): Row[] {
  const [first] = members;
  const isUnit = first?.unit !== undefined;
  const hasCounts = first?.count !== undefined;
  return [
    [...(isUnit ? ['unit'] : ['person', 'ids']), ...(hasCounts ? ['count'] : [])],
    ...members.map((one) => [
      ...(isUnit ? [one.unit] : [one.person, (one.ids ?? []).join(';')]),
      ...(hasCounts ? [one.count] : []),
    ]),
  ];
}
