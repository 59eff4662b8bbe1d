// SPDX-License-Identifier: Apache-2.0
//
// A question of trends: as it is edited, in the address, as JSON, in words.
import type { Json } from '../api/contract';
import { t } from '../i18n/index.svelte';
import { oneOf, setIfSaid } from '../lib/address';
import { readCell, writeCell, type Cell } from './cell';
import { durationWords, readDuration } from './duration';
import {
  any_event,
  keyEvent,
  matcherJson,
  matcherWords,
  readConditions,
  writeConditions,
  type Matcher,
} from './matcher';
import { maths, number_maths, type TrendMath } from './maths';
import { periodWords } from './period';
import {
  questionJson,
  splitWords,
  readQuestion,
  timeJson,
  whereWords,
  writeQuestion,
  type Question,
} from './question';

export const trend_views = ['line', 'bar', 'table'] as const;
export const series_max = 26;
export const formula_max = 200;

/** `property`: whose numbers, of the maths of numbers. */
export type TrendSeries = Matcher & { math: TrendMath; property: string };
export type Trend = Question & {
  series: TrendSeries[];
  cumulative: boolean;
  /** How much earlier the time is that stands beside; empty: none does. */
  compare: string;
  formula: string;
  cell: Cell | undefined;
  view: (typeof trend_views)[number];
};

const default_top = 5;

export const takesNumbers = (math: TrendMath): boolean =>
  (number_maths as readonly string[]).includes(math);
const isActive = (math: TrendMath): boolean => math === 'weekly_active' || math === 'monthly_active';

/** As it is asked: while no property is chosen, events are counted. */
export const mathOf = (series: TrendSeries): TrendMath =>
  takesNumbers(series.math) && series.property === '' ? 'total' : series.math;

/** The last days of each period cannot be those from the beginning on. */
export const isCumulative = (state: Trend): boolean =>
  state.cumulative && !state.series.some((one) => isActive(one.math));

/** A series in the address: `["purchase","sum",[conditions],"revenue"]`. */
function readSeries(text: string | null): TrendSeries[] {
  let lists: unknown;
  try {
    lists = JSON.parse(text ?? '');
  } catch {
    lists = undefined;
  }
  const series: TrendSeries[] = [];
  for (const list of Array.isArray(lists) ? lists.slice(0, series_max) : []) {
    if (!Array.isArray(list) || typeof list[0] !== 'string' || list[0] === '') continue;
    series.push({
      event: list[0],
      math: oneOf(list[1], maths, 'total'),
      where: readConditions(JSON.stringify(list[2] ?? [])),
      property: typeof list[3] === 'string' ? list[3] : '',
    });
  }
  if (series.length > 0) return series;
  const event = keyEvent();
  return [
    { event, math: 'total', where: [], property: '' },
    { event, math: 'unique', where: [], property: '' },
  ];
}

export function readTrend(query: URLSearchParams): Trend {
  return {
    ...readQuestion(query, default_top),
    series: readSeries(query.get('series')),
    cumulative: query.get('cumulative') === 'true',
    compare: readDuration(query.get('compare')),
    formula: (query.get('formula') ?? '').slice(0, formula_max),
    cell: readCell(query.get('cell')),
    view: oneOf(query.get('view'), trend_views, 'line'),
  };
}

export function writeTrend(state: Trend): URLSearchParams {
  const query = new URLSearchParams();
  const series = state.series.map(({ event, math, where, property }) =>
    where.length === 0 && property === ''
      ? [event, math]
      : [
          event,
          math,
          JSON.parse(writeConditions(where) ?? '[]') as Json,
          ...(property === '' ? [] : [property]),
        ],
  );
  query.set('series', JSON.stringify(series));
  writeQuestion(query, state, default_top);
  if (state.cumulative) query.set('cumulative', 'true');
  setIfSaid(query, 'compare', state.compare);
  setIfSaid(query, 'formula', state.formula);
  setIfSaid(query, 'view', state.view, 'line');
  setIfSaid(query, 'cell', writeCell(state.cell));
  return query;
}

function seriesJson(series: TrendSeries): Record<string, Json> {
  const math = mathOf(series);
  return {
    ...matcherJson(series),
    math,
    ...(takesNumbers(math) ? { property: series.property } : {}),
  };
}

export function trendJson(state: Trend): Record<string, Json> {
  return {
    metric: 'trend',
    series: state.series.map(seriesJson),
    ...timeJson(state),
    ...(isCumulative(state) ? { cumulative: true } : {}),
    ...(state.compare ? { compare: state.compare } : {}),
    ...(state.formula.trim() ? { formula: state.formula.trim() } : {}),
    ...questionJson(state),
  };
}

export function mathWords(math: TrendMath): string {
  return {
    total: () => t('trend.total'),
    unique: () => t('trend.unique'),
    per_user: () => t('trend.per_user'),
    weekly_active: () => t('trend.weekly_active'),
    monthly_active: () => t('trend.monthly_active'),
    sum: () => t('trend.math_sum'),
    avg: () => t('trend.math_avg'),
    min: () => t('trend.math_min'),
    max: () => t('trend.math_max'),
    median: () => t('trend.math_median'),
    p90: () => 'p90',
    p95: () => 'p95',
    p99: () => 'p99',
  }[math]();
}

export function seriesWords(series: TrendSeries): string {
  const event = matcherWords(series);
  const math = mathOf(series);
  if (takesNumbers(math)) {
    return t('trend.numbers_of', { math: mathWords(math), property: series.property, event });
  }
  if (math === 'unique') return t('trend.people_of', { event });
  if (math !== 'total') return t('trend.math_of', { math: mathWords(math), event });
  return series.event === any_event ? event : t('trend.events_of', { event });
}

function sentence(series: TrendSeries, period: string): string {
  const event = matcherWords(series);
  const math = mathOf(series);
  switch (math) {
    case 'total':
      return t('trend.say.total', { event, period });
    case 'unique':
      return t('trend.say.unique', { event, period });
    case 'per_user':
      return t('trend.say.per_user', { event, period });
    case 'weekly_active':
      return t('trend.say.active', { event, period, days: 7 });
    case 'monthly_active':
      return t('trend.say.active', { event, period, days: 30 });
    default: {
      const { property } = series;
      return t('trend.say.numbers', { event, period, property, math: mathWords(math) });
    }
  }
}

export function trendWords(state: Trend): string[] {
  const period = periodWords(state.period);
  const words = state.series.map((series) => sentence(series, period));
  if (state.formula.trim()) words.push(t('trend.say.formula', { formula: state.formula.trim() }));
  if (isCumulative(state)) words.push(t('trend.say.cumulative'));
  if (state.compare) words.push(t('trend.say.compare', { duration: durationWords(state.compare) }));
  words.push(...whereWords(state), ...splitWords(state));
  words.push(t('trend.say.incomplete'));
  return words;
}
