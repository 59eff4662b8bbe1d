// SPDX-License-Identifier: Apache-2.0
//
// Which events are meant: a name, and conditions on properties. In the address, as JSON of the query
// language, and in words.
import type { Json, PropertyType } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { maybe, t } from '../i18n/index.svelte';
import { either } from '../lib/format';

export const any_event = '*';

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

/**
 * The event a workspace lives by, as far as names tell it (the key action of the domain); of several
 * the one that happens most.
 */
export function keyEvent(): string {
  const named = ['Order Completed', 'purchase'];
  const known = workspace.schema?.events.filter((event) => named.includes(event.name)) ?? [];
  const [most] = known.sort((a, b) => b.count - a.count);
  return most?.name ?? any_event;
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

// -- Words ----------------------------------------------------------------------------------------

export function eventWords(event: string): string {
  return event === any_event ? t('event.any') : event;
}

export function conditionWords(condition: Condition): string {
  const op = maybe(`op.${condition.op}`) ?? condition.op;
  if (takesNothing(condition.op)) return `${condition.property} ${op}`;
  return `${condition.property} ${op} ${either(condition.values.map((v) => `“${v}”`))}`;
}

export function matcherWords(matcher: Matcher): string {
  const whole = matcher.where.filter(isWhole);
  if (whole.length === 0) return eventWords(matcher.event);
  return `${eventWords(matcher.event)} (${whole.map(conditionWords).join(', ')})`;
}
