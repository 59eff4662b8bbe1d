// SPDX-License-Identifier: Apache-2.0
//
// A question of retention: as it is edited, in the address, as JSON. In words: retention_words.ts.
import type { Json } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { oneOf, setIfSaid, wholeNumber } from '../lib/address';
import * as format from '../lib/format';
import {
  keyEvent,
  matcherJson,
  readConditions,
  writeConditions,
  type Matcher,
} from './matcher';
import {
  questionJson,
  readQuestion,
  timeJson,
  writeQuestion,
  type Question,
} from './question';
import { readDays, writeRange, type Days } from './range';

export const entries = ['every_period', 'first_time', 'first_ever'] as const;
export const aggregates = ['users', 'count', 'sum', 'avg'] as const;
export const views = ['table', 'curves'] as const;
export const shows = ['rate', 'count', 'value'] as const;
export const forms = ['table', 'windows'] as const;
export const windows = ['calendar', 'rolling'] as const;
export const count_returns = ['exactly', 'on_or_after'] as const;
/** The row of means, and the group of all people, as the address names them. */
export const mean_row = 'mean';
export const all_people = 1001;

export type Retention = Question & {
  form: (typeof forms)[number];
  start: Matcher;
  comeback: Matcher;
  entry: (typeof entries)[number];
  initial: Days;
  current: Days;
  periods: number | undefined;
  brackets: number[];
  window: (typeof windows)[number];
  count_return: (typeof count_returns)[number];
  min_occurrences: number;
  aggregate: (typeof aggregates)[number];
  property: string;
  view: (typeof views)[number];
  show: (typeof shows)[number];
  /** Which group of a breakdown the table shows; -1 compares them. */
  group: number;
  /** The cell that is looked into: cohort and column. */
  cell: { cohort: string; column: number } | undefined;
};

const default_top = 8;

/** Halves of what is there: people of the first, seen again in the second. */
function halves(): { initial: Days; current: Days } {
  const first = workspace.firstDay;
  const last = workspace.lastDay;
  const half = Math.max(1, Math.floor(format.daysBetween(first, last) / 2));
  const turn = format.addDays(first, half);
  return {
    initial: { kind: 'days', from: first, to: format.addDays(turn, -1) },
    current: { kind: 'days', from: turn, to: last < turn ? turn : last },
  };
}

export function readRetention(query: URLSearchParams): Retention {
  const get = (name: string) => query.get(name);
  const middle = halves();
  const [cohort, column] = (get('cell') ?? '').split('~');
  const key = keyEvent();
  return {
    ...readQuestion(query, default_top),
    form: oneOf(get('form'), forms, 'table'),
    start: { event: get('start') || key, where: readConditions(get('start_where')) },
    comeback: { event: get('return') || key, where: readConditions(get('return_where')) },
    entry: oneOf(get('entry'), entries, 'first_time'),
    initial: readDays(get('initial')) ?? middle.initial,
    current: readDays(get('current')) ?? middle.current,
    periods: wholeNumber(get('periods'), 1, 5000),
    brackets: (get('brackets') ?? '')
      .split(',')
      .map((text) => wholeNumber(text, 1, 5000))
      .filter((n) => n !== undefined),
    window: oneOf(get('window'), windows, 'calendar'),
    count_return: oneOf(get('count_return'), count_returns, 'exactly'),
    min_occurrences: wholeNumber(get('min'), 1, 1_000_000) ?? 1,
    aggregate: oneOf(get('value'), aggregates, 'users'),
    property: get('value_of') ?? '',
    view: oneOf(get('view'), views, 'table'),
    show: oneOf(get('show'), shows, 'rate'),
    group: wholeNumber(get('group'), 0, all_people) ?? -1,
    cell:
      cohort && wholeNumber(column ?? null, 0, 5000) !== undefined
        ? { cohort, column: Number(column) }
        : undefined,
  };
}

/** All of it, so that the address says what is shown also when data, and so defaults, change. */
export function writeRetention(state: Retention): URLSearchParams {
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | null | undefined, unless?: string | number) =>
    setIfSaid(query, name, value, unless);
  set('form', state.form, 'table');
  set('start', state.start.event);
  set('start_where', writeConditions(state.start.where));
  set('return', state.comeback.event);
  set('return_where', writeConditions(state.comeback.where));
  set('entry', state.entry);
  writeQuestion(query, state, default_top);
  if (state.form === 'windows') {
    set('initial', writeRange(state.initial));
    set('current', writeRange(state.current));
  }
  set('periods', state.periods);
  set('brackets', state.brackets.join(','));
  set('window', state.window, 'calendar');
  set('count_return', state.count_return, 'exactly');
  set('min', state.min_occurrences, 1);
  set('value', state.aggregate, 'users');
  set('value_of', state.property);
  set('view', state.view, 'table');
  set('show', state.show, 'rate');
  set('group', state.group, -1);
  if (state.cell) set('cell', `${state.cell.cohort}~${state.cell.column}`);
  return query;
}

/** Whether cells carry a value besides the number of people. */
export const addsUp = (state: Retention): boolean =>
  state.aggregate === 'count' || (state.aggregate !== 'users' && state.property !== '');

export function retentionJson(state: Retention): Record<string, Json> {
  const query: Record<string, Json> = {
    metric: 'retention',
    start: matcherJson(state.start),
    return: matcherJson(state.comeback),
  };
  if (state.form === 'table') {
    query.entry = state.entry;
    Object.assign(query, timeJson(state));
    if (state.brackets.length > 0) query.brackets = state.brackets;
    else if (state.periods !== undefined) query.periods = state.periods;
    if (state.window !== 'calendar') query.window = state.window;
    if (state.count_return !== 'exactly') query.count_return = state.count_return;
  } else {
    query.initial = { from: state.initial.from, to: state.initial.to };
    query.current = { from: state.current.from, to: state.current.to };
  }
  if (state.min_occurrences > 1 && !addsUp(state)) query.min_occurrences = state.min_occurrences;
  if (addsUp(state)) {
    query.value =
      state.aggregate === 'count'
        ? { aggregate: 'count' }
        : { aggregate: state.aggregate, property: state.property };
  }
  return { ...query, ...questionJson(state) };
}
