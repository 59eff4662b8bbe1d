// SPDX-License-Identifier: Apache-2.0
import { workspace } from '../api/workspace.svelte';
import { t } from '../i18n/index.svelte';
import {
  any_event,
  commandOf,
  conditionWords,
  fittingPeriod,
  isDate,
  isPlainName,
  isWhole,
  keyEvent,
  matcherJson,
  matcherWords,
  oneOf,
  periodWords,
  predicateOf,
  rangeJson,
  readConditions,
  readPeriod,
  readRange,
  wholeNumber,
  writeConditions,
  writeRange,
  type Condition,
  type Json,
  type Matcher,
  type Range,
} from './common';

export const maths = ['total', 'unique'] as const;
export const trend_views = ['line', 'bar', 'table'] as const;
export const series_max = 26;

export type TrendSeries = Matcher & { math: (typeof maths)[number] };
export type Trend = {
  series: TrendSeries[];
  period: string;
  range: Range;
  where: Condition[];
  by: string;
  top: number;
  cumulative: boolean;
  timezone: string;
  week_start: 'default' | 'monday' | 'sunday';
  as_of: string;
  view: (typeof trend_views)[number];
};

const default_top = 5;

/** A series in the address: `["purchase","unique",[conditions]]`. */
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
    });
  }
  if (series.length > 0) return series;
  const event = keyEvent();
  return [
    { event, math: 'total', where: [] },
    { event, math: 'unique', where: [] },
  ];
}

export function readTrend(query: URLSearchParams): Trend {
  const get = (name: string) => query.get(name);
  return {
    series: readSeries(get('series')),
    period: readPeriod(get('period')) ?? fittingPeriod(),
    range: readRange(get('range')),
    where: readConditions(get('where')),
    by: get('by') ?? '',
    top: wholeNumber(get('top'), 1, 1000) ?? default_top,
    cumulative: get('cumulative') === 'true',
    timezone: get('timezone') ?? '',
    week_start: oneOf(get('week_start'), ['default', 'monday', 'sunday'], 'default'),
    as_of: isDate(get('as_of') ?? '') ? get('as_of')! : '',
    view: oneOf(get('view'), trend_views, 'line'),
  };
}

export function writeTrend(state: Trend): URLSearchParams {
  const query = new URLSearchParams();
  const series = state.series.map(({ event, math, where }) =>
    where.length === 0
      ? [event, math]
      : [event, math, JSON.parse(writeConditions(where) ?? '[]') as Json],
  );
  query.set('series', JSON.stringify(series));
  query.set('period', state.period);
  query.set('range', writeRange(state.range));
  const where = writeConditions(state.where);
  if (where) query.set('where', where);
  if (state.by) query.set('by', state.by);
  if (state.by && state.top !== default_top) query.set('top', String(state.top));
  if (state.cumulative) query.set('cumulative', 'true');
  if (state.timezone) query.set('timezone', state.timezone);
  if (state.week_start !== 'default') query.set('week_start', state.week_start);
  if (state.as_of) query.set('as_of', state.as_of);
  if (state.view !== 'line') query.set('view', state.view);
  return query;
}

export function trendJson(state: Trend): Record<string, Json> {
  const query: Record<string, Json> = {
    metric: 'trend',
    series: state.series.map((series) => ({ ...matcherJson(series), math: series.math })),
    period: state.period,
    ...rangeJson(state.range),
  };
  if (state.cumulative) query.cumulative = true;
  const where = predicateOf(state.where);
  if (where !== undefined) query.where = where;
  if (state.by) query.breakdown = [{ property: state.by, top: state.top }];
  if (state.timezone) query.timezone = state.timezone;
  if (state.week_start !== 'default') query.week_start = state.week_start;
  const as_of = state.as_of || workspace.asOf;
  if (as_of) query.as_of = as_of;
  return query;
}

export function trendCommand(state: Trend): string {
  const query = trendJson(state);
  const text = (name: string) => (query[name] === undefined ? undefined : String(query[name]));
  const names = state.series.map((series) =>
    series.where.some(isWhole) || !isPlainName(series.event)
      ? JSON.stringify({ ...matcherJson(series), math: series.math })
      : series.math === 'total'
        ? series.event
        : `${series.event}:${series.math}`,
  );
  return commandOf([
    ['holdfast trend', ...names],
    ['--period', text('period')],
    ['--last', text('last')],
    ['--from', text('from')],
    ['--to', text('to')],
    ...(state.cumulative ? [['--cumulative']] : []),
    ['--where', query.where === undefined ? undefined : JSON.stringify(query.where)],
    ['--by', state.by || undefined],
    ['--top', state.by ? String(state.top) : undefined],
    ['--timezone', text('timezone')],
    ['--week-start', text('week_start')],
    ['--as-of', text('as_of')],
  ]);
}

export function seriesWords(series: TrendSeries): string {
  const event = matcherWords(series);
  if (series.math === 'unique') return t('trend.people_of', { event });
  return series.event === any_event ? event : t('trend.events_of', { event });
}

export function trendWords(state: Trend): string[] {
  const words = state.series.map((series) => {
    const period = periodWords(state.period);
    const event = matcherWords(series);
    return series.math === 'unique'
      ? t('trend.say.unique', { event, period })
      : t('trend.say.total', { event, period });
  });
  if (state.cumulative) words.push(t('trend.say.cumulative'));
  const where = state.where.filter(isWhole);
  if (where.length > 0) {
    words.push(t('retention.say.where', { where: where.map(conditionWords).join(', ') }));
  }
  if (state.by) words.push(t('trend.say.by', { property: state.by }));
  words.push(t('trend.say.incomplete'));
  return words;
}
