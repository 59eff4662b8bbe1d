// SPDX-License-Identifier: Apache-2.0
//
// What questions have in common, whatever they count.
import type { Bucket, Json } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { t } from '../i18n/index.svelte';
import { oneOf, setIfSaid, wholeNumber } from '../lib/address';
import { flags } from './command';
import {
  conditionWords,
  isWhole,
  predicateOf,
  readConditions,
  writeConditions,
  type Condition,
} from './matcher';
import { fittingPeriod, readPeriod } from './period';
import { isDate, rangeJson, readRange, writeRange, type Range } from './range';

export const week_starts = ['default', 'monday', 'sunday'] as const;

export type Question = {
  period: string;
  range: Range;
  where: Condition[];
  /** The property whose values are told apart, or nothing. */
  by: string;
  /** How many of them at most. */
  top: number;
  timezone: string;
  week_start: (typeof week_starts)[number];
  as_of: string;
};

export function readQuestion(query: URLSearchParams, default_top: number): Question {
  const get = (name: string) => query.get(name);
  const as_of = get('as_of') ?? '';
  return {
    period: readPeriod(get('period')) ?? fittingPeriod(),
    range: readRange(get('range')),
    where: readConditions(get('where')),
    by: get('by') ?? '',
    top: wholeNumber(get('top'), 1, 1000) ?? default_top,
    timezone: get('timezone') ?? '',
    week_start: oneOf(get('week_start'), week_starts, 'default'),
    as_of: isDate(as_of) ? as_of : '',
  };
}

export function writeQuestion(query: URLSearchParams, state: Question, default_top: number): void {
  setIfSaid(query, 'period', state.period);
  setIfSaid(query, 'range', writeRange(state.range));
  setIfSaid(query, 'where', writeConditions(state.where));
  setIfSaid(query, 'by', state.by);
  if (state.by) setIfSaid(query, 'top', state.top, default_top);
  setIfSaid(query, 'timezone', state.timezone);
  setIfSaid(query, 'week_start', state.week_start, 'default');
  setIfSaid(query, 'as_of', state.as_of);
}

export function timeJson(state: Question): Record<string, Json> {
  return { period: state.period, ...rangeJson(state.range) };
}

/** All but the time. */
export function questionJson(state: Question): Record<string, Json> {
  const query: Record<string, Json> = {};
  const where = predicateOf(state.where);
  if (where !== undefined) query.where = where;
  if (state.by) query.breakdown = [{ property: state.by, top: state.top }];
  if (state.timezone) query.timezone = state.timezone;
  if (state.week_start !== 'default') query.week_start = state.week_start;
  const as_of = state.as_of || workspace.asOf;
  if (as_of) query.as_of = as_of;
  return query;
}

export const time_flags = ['period', 'last', 'from', 'to'];

export function questionFlags(
  state: Question,
  query: Record<string, Json>,
): (string | undefined)[][] {
  return [
    ...flags(query, ['where']),
    ['--by', state.by || undefined],
    ['--top', state.by ? String(state.top) : undefined],
    ...flags(query, ['timezone', 'week_start', 'as_of']),
  ];
}

/** The sentence on filters, if there are any. */
export function whereWords(state: Question): string[] {
  const where = state.where.filter(isWhole);
  if (where.length === 0) return [];
  return [t('retention.say.where', { where: where.map(conditionWords).join(', ') })];
}

export function bucketWords(bucket: Bucket): string {
  if (bucket === null) return t('bucket.missing');
  if (typeof bucket === 'object') return t('bucket.other');
  return bucket === '' ? t('bucket.empty') : bucket;
}
