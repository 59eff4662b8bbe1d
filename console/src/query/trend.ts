// SPDX-License-Identifier: Apache-2.0
//
// A question of trends: as it is edited, in the address, as JSON, as a command, in words.
import type { Json } from '../api/contract';
import { t } from '../i18n/index.svelte';
import { oneOf, setIfSaid } from '../lib/address';
import { commandOf, flags, isPlainName, queryCommand } from './command';
import {
  any_event,
  isWhole,
  keyEvent,
  matcherJson,
  matcherWords,
  readConditions,
  writeConditions,
  type Matcher,
} from './matcher';
import { periodWords } from './period';
import {
  hasFlags,
  questionFlags,
  questionJson,
  splitWords,
  readQuestion,
  time_flags,
  timeJson,
  whereWords,
  writeQuestion,
  type Question,
} from './question';

export const maths = ['total', 'unique'] as const;
export const trend_views = ['line', 'bar', 'table'] as const;
export const series_max = 26;

export type TrendSeries = Matcher & { math: (typeof maths)[number] };
export type Trend = Question & {
  series: TrendSeries[];
  cumulative: boolean;
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
  return {
    ...readQuestion(query, default_top),
    series: readSeries(query.get('series')),
    cumulative: query.get('cumulative') === 'true',
    view: oneOf(query.get('view'), trend_views, 'line'),
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
  writeQuestion(query, state, default_top);
  if (state.cumulative) query.set('cumulative', 'true');
  setIfSaid(query, 'view', state.view, 'line');
  return query;
}

export function trendJson(state: Trend): Record<string, Json> {
  return {
    metric: 'trend',
    series: state.series.map((series) => ({ ...matcherJson(series), math: series.math })),
    ...timeJson(state),
    ...(state.cumulative ? { cumulative: true } : {}),
    ...questionJson(state),
  };
}

export function trendCommand(state: Trend): string {
  const query = trendJson(state);
  if (!hasFlags(query)) return queryCommand(query);
  const names = state.series.map((series) =>
    series.where.some(isWhole) || !isPlainName(series.event)
      ? JSON.stringify({ ...matcherJson(series), math: series.math })
      : series.math === 'total'
        ? series.event
        : `${series.event}:${series.math}`,
  );
  return commandOf([
    ['holdfast trend', ...names],
    ...flags(query, time_flags),
    ...(state.cumulative ? [['--cumulative']] : []),
    ...questionFlags(state, query),
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
  words.push(...whereWords(state));
  words.push(...splitWords(state));
  words.push(t('trend.say.incomplete'));
  return words;
}
