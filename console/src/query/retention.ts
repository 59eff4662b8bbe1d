// SPDX-License-Identifier: Apache-2.0
import type { Bucket, RetentionTable } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { t } from '../i18n/index.svelte';
import * as format from '../lib/format';
import {
  any_event,
  commandOf,
  conditionWords,
  daysOfLast,
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
  readDays,
  readPeriod,
  readRange,
  wholeNumber,
  writeConditions,
  writeRange,
  type Condition,
  type Days,
  type Json,
  type Matcher,
  type Range,
} from './common';

export const entries = ['every_period', 'first_time', 'first_ever'] as const;
export const aggregates = ['users', 'count', 'sum', 'avg'] as const;
export const views = ['table', 'curves'] as const;
export const shows = ['rate', 'count', 'value'] as const;

export type Retention = {
  form: 'table' | 'windows';
  start: Matcher;
  comeback: Matcher;
  entry: (typeof entries)[number];
  period: string;
  range: Range;
  initial: Days;
  current: Days;
  where: Condition[];
  by: string;
  top: number;
  periods: number | undefined;
  brackets: number[];
  window: 'calendar' | 'rolling';
  count_return: 'exactly' | 'on_or_after';
  min_occurrences: number;
  aggregate: (typeof aggregates)[number];
  property: string;
  timezone: string;
  week_start: 'default' | 'monday' | 'sunday';
  as_of: string;
  view: (typeof views)[number];
  show: (typeof shows)[number];
  /** Which group of a breakdown the table shows, -1 for all. */
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
  const brackets = (get('brackets') ?? '')
    .split(',')
    .map((text) => wholeNumber(text, 1, 5000))
    .filter((n) => n !== undefined);
  return {
    form: oneOf(get('form'), ['table', 'windows'], 'table'),
    start: { event: get('start') || key, where: readConditions(get('start_where')) },
    comeback: { event: get('return') || key, where: readConditions(get('return_where')) },
    entry: oneOf(get('entry'), entries, 'first_time'),
    period: readPeriod(get('period')) ?? fittingPeriod(),
    range: readRange(get('range')),
    initial: readDays(get('initial')) ?? middle.initial,
    current: readDays(get('current')) ?? middle.current,
    where: readConditions(get('where')),
    by: get('by') ?? '',
    top: wholeNumber(get('top'), 1, 1000) ?? default_top,
    periods: wholeNumber(get('periods'), 1, 5000),
    brackets,
    window: oneOf(get('window'), ['calendar', 'rolling'], 'calendar'),
    count_return: oneOf(get('count_return'), ['exactly', 'on_or_after'], 'exactly'),
    min_occurrences: wholeNumber(get('min'), 1, 1_000_000) ?? 1,
    aggregate: oneOf(get('value'), aggregates, 'users'),
    property: get('value_of') ?? '',
    timezone: get('timezone') ?? '',
    week_start: oneOf(get('week_start'), ['default', 'monday', 'sunday'], 'default'),
    as_of: isDate(get('as_of') ?? '') ? get('as_of')! : '',
    view: oneOf(get('view'), views, 'table'),
    show: oneOf(get('show'), shows, 'rate'),
    group: wholeNumber(get('group'), 0, 1001) ?? -1,
    cell:
      cohort && wholeNumber(column ?? null, 0, 5000) !== undefined
        ? { cohort, column: Number(column) }
        : undefined,
  };
}

/** All of it, so that the address says what is shown also when data, and so defaults, change. */
export function writeRetention(state: Retention): URLSearchParams {
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | null | undefined, unless?: unknown) => {
    if (value !== null && value !== undefined && value !== '' && value !== unless) {
      query.set(name, String(value));
    }
  };
  set('form', state.form, 'table');
  set('start', state.start.event);
  set('start_where', writeConditions(state.start.where));
  set('return', state.comeback.event);
  set('return_where', writeConditions(state.comeback.where));
  set('entry', state.entry);
  set('period', state.period);
  set('range', writeRange(state.range));
  if (state.form === 'windows') {
    set('initial', writeRange(state.initial));
    set('current', writeRange(state.current));
  }
  set('where', writeConditions(state.where));
  set('by', state.by);
  if (state.by) set('top', state.top, default_top);
  set('periods', state.periods);
  set('brackets', state.brackets.join(','));
  set('window', state.window, 'calendar');
  set('count_return', state.count_return, 'exactly');
  set('min', state.min_occurrences, 1);
  set('value', state.aggregate, 'users');
  set('value_of', state.property);
  set('timezone', state.timezone);
  set('week_start', state.week_start, 'default');
  set('as_of', state.as_of);
  set('view', state.view, 'table');
  set('show', state.show, 'rate');
  set('group', state.group, -1);
  if (state.cell) set('cell', `${state.cell.cohort}~${state.cell.column}`);
  return query;
}

const addsUp = (state: Retention): boolean =>
  state.aggregate === 'count' || (state.aggregate !== 'users' && state.property !== '');

export function retentionJson(state: Retention): Record<string, Json> {
  const query: Record<string, Json> = {
    metric: 'retention',
    start: matcherJson(state.start),
    return: matcherJson(state.comeback),
  };
  if (state.form === 'table') {
    query.entry = state.entry;
    query.period = state.period;
    Object.assign(query, rangeJson(state.range));
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
  const where = predicateOf(state.where);
  if (where !== undefined) query.where = where;
  if (state.by) query.breakdown = [{ property: state.by, top: state.top }];
  if (state.timezone) query.timezone = state.timezone;
  if (state.week_start !== 'default') query.week_start = state.week_start;
  const as_of = state.as_of || workspace.asOf;
  if (as_of) query.as_of = as_of;
  return query;
}

function matcherArgument(matcher: Matcher): string | undefined {
  if (matcher.where.some(isWhole) || !isPlainName(matcher.event))
    return JSON.stringify(matcherJson(matcher));
  return matcher.event === any_event ? undefined : matcher.event;
}

export function retentionCommand(state: Retention): string {
  const query = retentionJson(state);
  const text = (name: string) => (query[name] === undefined ? undefined : String(query[name]));
  const span = (days: Days) => `${days.from}..${days.to}`;
  const isTable = state.form === 'table';
  return commandOf([
    ['holdfast retention'],
    ['--start', matcherArgument(state.start)],
    ['--return', matcherArgument(state.comeback)],
    ['--entry', text('entry')],
    ['--period', text('period')],
    ['--last', text('last')],
    ['--from', text('from')],
    ['--to', text('to')],
    ['--initial', isTable ? undefined : span(state.initial)],
    ['--current', isTable ? undefined : span(state.current)],
    ['--periods', text('periods')],
    ['--brackets', isTable && state.brackets.length ? state.brackets.join(',') : undefined],
    ['--window', text('window')],
    ['--count-return', text('count_return')],
    ['--min-occurrences', text('min_occurrences')],
    [
      '--value',
      !addsUp(state)
        ? undefined
        : state.aggregate === 'count'
          ? 'count'
          : `${state.aggregate}:${state.property}`,
    ],
    ['--where', query.where === undefined ? undefined : JSON.stringify(query.where)],
    ['--by', state.by || undefined],
    ['--top', state.by ? String(state.top) : undefined],
    ['--timezone', text('timezone')],
    ['--week-start', text('week_start')],
    ['--as-of', text('as_of')],
  ]);
}

// -- Words ----------------------------------------------------------------------------------------

/** The definition of what is shown, sentence by sentence. */
export function retentionWords(state: Retention): string[] {
  const start = matcherWords(state.start);
  const comeback = matcherWords(state.comeback);
  const words: string[] = [];
  if (state.form === 'windows') {
    words.push(
      t('retention.say.windows', {
        start,
        comeback,
        initial: format.dateRange(state.initial.from, state.initial.to),
        current: format.dateRange(state.current.from, state.current.to),
      }),
    );
  } else {
    const period = periodWords(state.period);
    if (state.window === 'rolling') {
      words.push(t('retention.say.rolling', { start, period }));
    } else if (state.entry === 'first_time') {
      words.push(t('retention.say.first_time', { start, period }));
    } else if (state.entry === 'first_ever') {
      words.push(t('retention.say.first_ever', { start, period }));
    } else {
      words.push(t('retention.say.every_period', { start, period }));
    }
    words.push(
      state.count_return === 'exactly'
        ? t('retention.say.exactly', { comeback, period })
        : t('retention.say.on_or_after', { comeback, period }),
    );
    if (state.brackets.length > 0) words.push(t('retention.say.brackets'));
  }
  if (state.min_occurrences > 1 && !addsUp(state)) {
    words.push(t('retention.say.min', { n: state.min_occurrences }));
  }
  if (addsUp(state)) {
    if (state.aggregate === 'count') words.push(t('retention.say.count'));
    if (state.aggregate === 'sum') words.push(t('retention.say.sum', { property: state.property }));
    if (state.aggregate === 'avg') words.push(t('retention.say.avg', { property: state.property }));
  }
  const where = state.where.filter(isWhole);
  if (where.length > 0) {
    words.push(t('retention.say.where', { where: where.map(conditionWords).join(', ') }));
  }
  if (state.by) words.push(t('retention.say.by', { property: state.by }));
  words.push(t('retention.say.incomplete'));
  return words;
}

export function bucketWords(bucket: Bucket): string {
  if (bucket === null) return t('bucket.missing');
  if (typeof bucket === 'object') return t('bucket.other');
  return bucket === '' ? t('bucket.empty') : bucket;
}

/** What column k is called: "Month 1", or "Days 1–2" of a bracket. */
export function columnWords(label: string, state: Retention): string {
  const span = label.replace('-', '–');
  switch (state.period) {
    case 'hour':
      return t('column.hour', { span });
    case 'day':
      return t('column.day', { span });
    case 'week':
      return t('column.week', { span });
    case 'month':
      return t('column.month', { span });
    case 'quarter':
      return t('column.quarter', { span });
    case 'year':
      return t('column.year', { span });
    default:
      return t('column.period', { span });
  }
}

/** The calendar time a cell is about, where it is the same for all of its people. */
export function cellTime(state: Retention, cohort: string, label: string): string | undefined {
  if (state.window === 'rolling') return undefined;
  const [first, last] = label.split('-').map(Number);
  const start = format.periodAfter(cohort, state.period, first);
  if (start === undefined) return undefined;
  const from = format.periodName(start, state.period);
  if (state.count_return === 'on_or_after') return t('cell.from_on', { from });
  if (last === undefined || last === first) return from;
  const end = format.periodAfter(cohort, state.period, last + 1)!;
  return format.dateRange(start, format.addDays(end, -1));
}

/** The days of the range, for words and the date picker. */
export function shownDays(range: Range): { from: string; to: string } {
  if (range.kind === 'days') return range;
  if (range.kind === 'last') return daysOfLast(range.last, workspace.lastDay);
  return { from: workspace.firstDay, to: workspace.lastDay };
}

export type Group = { name: string; table: RetentionTable };
