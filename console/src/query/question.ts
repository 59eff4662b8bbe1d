// SPDX-License-Identifier: Apache-2.0
//
// What questions have in common, whatever they count.
import type { Json } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { t } from '../i18n/index.svelte';
import { oneOf, setIfSaid, wholeNumber } from '../lib/address';
import {
  attributions,
  byWords,
  dimensionJson,
  dimensions_max,
  dimensionText,
  readDimension,
  type Dimension,
} from './dimension';
import {
  conditionWords,
  isWhole,
  predicateOf,
  readConditions,
  writeConditions,
  type Condition,
} from './matcher';
import { peopleJson, peopleWords, readPeople, writePeople, type People } from './people';
import { fittingPeriod, readPeriod } from './period';
import { isDate, rangeJson, readRange, writeRange, type Range } from './range';

export const week_starts = ['default', 'monday', 'sunday'] as const;

export type Question = {
  period: string;
  range: Range;
  where: Condition[];
  /** Whose events count. */
  people: People;
  /** What is told apart; empty: nothing. */
  by: Dimension[];
  /** How many values of each at most. */
  top: number;
  /** In which of its values' groups an event is, of a property. */
  attribution: (typeof attributions)[number];
  timezone: string;
  week_start: (typeof week_starts)[number];
  as_of: string;
};

function readBy(query: URLSearchParams): Dimension[] {
  const all = query.getAll('by').map(readDimension);
  return all.filter((one) => one !== undefined).slice(0, dimensions_max);
}

export function readQuestion(query: URLSearchParams, default_top: number): Question {
  const get = (name: string) => query.get(name);
  const as_of = get('as_of') ?? '';
  return {
    period: readPeriod(get('period')) ?? fittingPeriod(),
    range: readRange(get('range')),
    where: readConditions(get('where')),
    people: readPeople(get('people')),
    by: readBy(query),
    attribution: oneOf(get('attribution'), attributions, 'default'),
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
  setIfSaid(query, 'people', writePeople(state.people));
  for (const one of state.by) query.append('by', dimensionText(one));
  if (state.by.length > 0) {
    setIfSaid(query, 'top', state.top, default_top);
    setIfSaid(query, 'attribution', state.attribution, 'default');
  }
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
  const people = peopleJson(state.people);
  if (people !== undefined) query.people = people;
  if (state.by.length > 0) {
    query.breakdown = state.by.map((one) => dimensionJson(one, state.top, state.attribution));
  }
  if (state.timezone) query.timezone = state.timezone;
  if (state.week_start !== 'default') query.week_start = state.week_start;
  const as_of = state.as_of || workspace.asOf;
  if (as_of) query.as_of = as_of;
  return query;
}

/** The sentences on filters and on whose events count, if there are any. */
export function whereWords(state: Question): string[] {
  const where = state.where.filter(isWhole);
  const people = peopleWords(state.people);
  return [
    ...(where.length === 0
      ? []
      : [t('retention.say.where', { where: where.map(conditionWords).join(', ') })]),
    ...(people === '' ? [] : [t('people.say', { people })]),
  ];
}

/** The sentence on what is told apart, if anything is. */
export const splitWords = (state: Question): string[] =>
  state.by.length === 0 ? [] : [t('trend.say.by', { property: byWords(state.by) })];
