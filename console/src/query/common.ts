// SPDX-License-Identifier: Apache-2.0
//
// What the questions of all pages share: matchers, conditions, the range of time. Each can be
// written into the address and read from it, become JSON of the query language, and words.
import type { PropertyType } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { maybe, t } from '../i18n/index.svelte';
import * as format from '../lib/format';

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export const any_event = '*';

export const calendar_periods = ['hour', 'day', 'week', 'month', 'quarter', 'year'] as const;

export const operators = [
  'eq',
  'ne',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'gt',
  'gte',
  'lt',
  'lte',
  'matches',
  'exists',
  'not_exists',
] as const;
export type Operator = (typeof operators)[number];

/** Lists mean any of (eq, contains) or none of (ne, not_contains). */
export type Condition = { property: string; op: Operator; values: string[]; type: PropertyType };
export type Matcher = { event: string; where: Condition[] };

export const takesNothing = (op: Operator): boolean => op === 'exists' || op === 'not_exists';
export const takesMany = (op: Operator): boolean =>
  op === 'eq' || op === 'ne' || op === 'contains' || op === 'not_contains';
const takesNumbers = (op: Operator): boolean =>
  op === 'gt' || op === 'gte' || op === 'lt' || op === 'lte';

export function isWhole(condition: Condition): boolean {
  return (
    condition.property !== '' && (takesNothing(condition.op) || condition.values.length > 0)
  );
}

function valueOf(text: string, condition: Condition): Json {
  const isNumber = condition.type === 'number' || takesNumbers(condition.op);
  if (isNumber && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) && text.length < 16) return Number(text);
  if (condition.type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function predicate(condition: Condition): Json {
  const { property, op } = condition;
  if (takesNothing(op)) return { property, op };
  const values = condition.values.map((text) => valueOf(text, condition));
  return { property, op, value: values.length === 1 ? values[0] : values };
}

/** Conditions hold together; undefined where there are none. */
export function predicateOf(conditions: Condition[]): Json | undefined {
  const whole = conditions.filter(isWhole).map(predicate);
  return whole.length === 0 ? undefined : whole.length === 1 ? whole[0] : { all: whole };
}

export function matcherJson(matcher: Matcher): Record<string, Json> {
  const where = predicateOf(matcher.where);
  return where === undefined
    ? { event: matcher.event }
    : { event: matcher.event, where };
}

// -- The address ----------------------------------------------------------------------------------

const types: Record<string, PropertyType> = { n: 'number', b: 'boolean', t: 'text' };

/** `["country","eq","t","France","Spain"]`, one list after the other. */
export function writeConditions(conditions: Condition[]): string | null {
  if (conditions.length === 0) return null;
  const lists = conditions.map(({ property, op, type, values }) => [
    property,
    op,
    type[0],
    ...values,
  ]);
  return JSON.stringify(lists);
}

export function readConditions(text: string | null): Condition[] {
  if (!text) return [];
  let lists: unknown;
  try {
    lists = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(lists)) return [];
  const conditions: Condition[] = [];
  for (const list of lists) {
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) continue;
    const [property, op, type, ...values] = list as string[];
    if (!operators.includes(op as Operator)) continue;
    conditions.push({ property, op: op as Operator, type: types[type] ?? 'text', values });
  }
  return conditions;
}

export function oneOf<T extends string>(text: string | null, list: readonly T[], other: T): T {
  return list.includes(text as T) ? (text as T) : other;
}

export function wholeNumber(text: string | null, least: number, most: number): number | undefined {
  if (text === null || !/^\d{1,9}$/.test(text)) return undefined;
  const n = Number(text);
  return n >= least && n <= most ? n : undefined;
}

/** A whole period of the query language, or undefined. */
export function readPeriod(text: string | null): string | undefined {
  if (text === null) return undefined;
  if ((calendar_periods as readonly string[]).includes(text)) return text;
  return /^P(?:[1-9]\d{0,3}[DWMY]|T[1-9]\d{0,3}H)$/.test(text) ? text : undefined;
}

// -- The range of time ----------------------------------------------------------------------------

export type Range = { kind: 'all' } | { kind: 'last'; last: string } | Days;
export type Days = { kind: 'days'; from: string; to: string };

const date_form = /^\d{4}-\d\d-\d\d$/;

export function isDate(text: string): boolean {
  if (!date_form.test(text)) return false;
  const day = format.dayOf(text);
  return !Number.isNaN(day.getTime()) && format.isoDay(day) === text;
}

export function readDays(text: string | null): Days | undefined {
  const [from, to] = (text ?? '').split('..');
  if (!isDate(from) || !to || !isDate(to) || from > to) return undefined;
  return { kind: 'days', from, to };
}

export function readRange(text: string | null): Range {
  if (text !== null && /^P[1-9]\d{0,3}[DWMY]$/.test(text)) return { kind: 'last', last: text };
  return readDays(text) ?? { kind: 'all' };
}

export function writeRange(range: Range): string {
  if (range.kind === 'all') return 'all';
  return range.kind === 'last' ? range.last : `${range.from}..${range.to}`;
}

export function rangeJson(range: Range): Record<string, Json> {
  if (range.kind === 'last') return { last: range.last };
  return range.kind === 'days' ? { from: range.from, to: range.to } : {};
}

/** `last` as days: whole days up to yesterday, as the server counts them. */
export function daysOfLast(last: string, today: string): { from: string; to: string } {
  const n = Number(last.slice(1, -1));
  const to = format.addDays(today, -1);
  switch (last.at(-1)) {
    case 'W':
      return { from: format.addDays(today, -7 * n), to };
    case 'M':
      return { from: format.addMonths(today, -n), to };
    case 'Y':
      return { from: format.addMonths(today, -12 * n), to };
    default:
      return { from: format.addDays(today, -n), to };
  }
}

export function lastWords(last: string): string {
  const n = Number(last.slice(1, -1));
  switch (last.at(-1)) {
    case 'W':
      return t('range.last_weeks', { n });
    case 'M':
      return t('range.last_months', { n });
    case 'Y':
      return t('range.last_years', { n });
    default:
      return t('range.last_days', { n });
  }
}

export function rangeWords(range: Range): string {
  if (range.kind === 'all') return t('range.all');
  return range.kind === 'last' ? lastWords(range.last) : format.dateRange(range.from, range.to);
}

// -- Words ----------------------------------------------------------------------------------------

export function eventWords(event: string): string {
  return event === any_event ? t('event.any') : event;
}

export function conditionWords(condition: Condition): string {
  const op = maybe(`op.${condition.op}`) ?? condition.op;
  if (takesNothing(condition.op)) return `${condition.property} ${op}`;
  return `${condition.property} ${op} ${format.either(condition.values.map((v) => `“${v}”`))}`;
}

export function matcherWords(matcher: Matcher): string {
  const whole = matcher.where.filter(isWhole);
  if (whole.length === 0) return eventWords(matcher.event);
  return `${eventWords(matcher.event)} (${whole.map(conditionWords).join(', ')})`;
}

export function periodWords(period: string): string {
  const known = maybe(`period.${period}`);
  if (known) return known;
  const n = Number(period.replace(/\D/g, ''));
  if (period.startsWith('PT')) return t('period.hours', { n });
  switch (period.at(-1)) {
    case 'W':
      return t('period.weeks', { n });
    case 'M':
      return t('period.months', { n });
    case 'Y':
      return t('period.years', { n });
    default:
      return t('period.days', { n });
  }
}

/** The same as a choice of its own, not within a sentence. */
export function periodLabel(period: string): string {
  const words = periodWords(period);
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}

/** Where a page is opened bare: the period in which data of this length show a shape. */
export function fittingPeriod(): string {
  const days = format.daysBetween(workspace.firstDay, workspace.lastDay);
  return days > 150 ? 'month' : days > 35 ? 'week' : 'day';
}

/** The event a workspace lives by, as far as names tell it (the key action of the domain). */
export function keyEvent(): string {
  const names = new Set(workspace.schema?.events.map((event) => event.name));
  for (const name of ['Order Completed', 'purchase']) if (names.has(name)) return name;
  return any_event;
}

// -- The command line -----------------------------------------------------------------------------

/** Whether the command line takes a name as it is; others are written as a matcher in JSON. */
export const isPlainName = (event: string): boolean => !/^[-{[]|:/.test(event);

/** Quotes for a POSIX shell where it would read anything into the text. */
export function quoted(text: string): string {
  if (/^[A-Za-z0-9_./:=,@%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function commandOf(words: (string | undefined)[][]): string {
  const given = words.filter((word) => word.every((part) => part !== undefined));
  const lines = given.map(([name, ...values]) =>
    [name, ...values.map((value) => quoted(value!))].join(' '),
  );
  return lines.join(' \\\n  ');
}

export function curlOf(query: Json): string {
  const body = JSON.stringify(query).replaceAll("'", "'\\''");
  return `curl ${location.origin}/api/v1/query \\\n  -d '${body}'`;
}
