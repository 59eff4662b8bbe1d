// SPDX-License-Identifier: Apache-2.0
//
// Which persons are meant: rules on what they are and what they did. In the address, as JSON of the
// query language, and in words. What the language knows beyond these rules is not edited here.
import type { Json } from '../api/contract';
import { t } from '../i18n/index.svelte';
import * as format from '../lib/format';
import { durationWords, readDuration } from './duration';
import {
  any_event,
  conditionWords,
  isWhole,
  matcherJson,
  matcherWords,
  predicateOf,
  readConditions,
  writeConditions,
  type Condition,
  type Matcher,
} from './matcher';
import { periodWords } from './period';
import { readDays, type Days } from './range';

export const count_ops = ['gte', 'lte', 'eq'] as const;
export const regular_periods = ['day', 'week', 'month', 'quarter', 'year'] as const;
export const joins = ['all', 'any'] as const;

/** All of history, the time up to the moment, or fixed days. */
export type When = { kind: 'ever' } | { kind: 'within'; within: string } | Days;
export type Rule = { not: boolean } & (
  | { kind: 'trait'; condition: Condition }
  | { kind: 'did'; matcher: Matcher; op: (typeof count_ops)[number]; n: number; when: When }
  | { kind: 'sequence'; steps: Matcher[]; within: string }
  | { kind: 'first'; matcher: Matcher; within: string }
  | { kind: 'regularly'; matcher: Matcher; of: (typeof regular_periods)[number]; at_least: number; last: number }
  | { kind: 'group'; people: People }
);
export type RuleKind = Rule['kind'];
export type People = { join: (typeof joins)[number]; rules: Rule[] };

export const sequence_max = 30;
export const regular_max = 1000;
export const nobody_excluded: People = { join: 'all', rules: [] };
const depth_max = 4;
const first_within = 'P30D';

/** Whether a rule says something yet: one that is being written is asked of nobody. */
export function isWholeRule(rule: Rule): boolean {
  switch (rule.kind) {
    case 'trait':
      return isWhole(rule.condition);
    case 'group':
      return rule.people.rules.some(isWholeRule);
    case 'sequence':
      return rule.steps.length > 0;
    default:
      return true;
  }
}

// -- JSON -----------------------------------------------------------------------------------------

function whenJson(when: When): Record<string, Json> {
  if (when.kind === 'within') return { within: when.within };
  return when.kind === 'days' ? { from: when.from, to: when.to } : {};
}

function ruleJson(rule: Rule): Json {
  if (rule.kind === 'did') {
    const { matcher, op, n, when } = rule;
    return {
      [rule.not ? 'did_not' : 'did']: matcherJson(matcher),
      ...(op === 'gte' && n === 1 ? {} : { count: { [op]: n } }),
      ...whenJson(when),
    };
  }
  const said = ((): Json => {
    switch (rule.kind) {
      case 'trait': {
        const { property, ...rest } = predicateOf([rule.condition]) as Record<string, Json>;
        return { trait: property, ...rest };
      }
      case 'sequence':
        return {
          sequence: rule.steps.map(matcherJson),
          ...(rule.within ? { within: rule.within } : {}),
        };
      case 'first':
        return { first: matcherJson(rule.matcher), within: rule.within };
      case 'regularly': {
        const { of, at_least, last } = rule;
        return {
          regularly: matcherJson(rule.matcher),
          periods: { of, at_least: Math.min(at_least, last), last },
        };
      }
      default:
        return peopleJson(rule.people)!;
    }
  })();
  return rule.not ? { not: said } : said;
}

/** Undefined where nobody is left out. */
export function peopleJson(people: People): Json | undefined {
  const whole = people.rules.filter(isWholeRule).map(ruleJson);
  return whole.length === 0 ? undefined : whole.length === 1 ? whole[0] : { [people.join]: whole };
}

// -- The address ----------------------------------------------------------------------------------

const matcherList = (matcher: Matcher): Json =>
  matcher.where.length === 0
    ? [matcher.event]
    : [matcher.event, JSON.parse(writeConditions(matcher.where) ?? '[]') as Json];

function whenText(when: When): string {
  if (when.kind === 'within') return when.within;
  return when.kind === 'days' ? `${when.from}..${when.to}` : '';
}

function ruleList(rule: Rule): Json {
  const not = rule.not ? 1 : 0;
  switch (rule.kind) {
    case 'trait':
      return ['trait', not, JSON.parse(writeConditions([rule.condition])!) as Json];
    case 'did':
      return ['did', not, matcherList(rule.matcher), rule.op, rule.n, whenText(rule.when)];
    case 'sequence':
      return ['sequence', not, rule.steps.map(matcherList), rule.within];
    case 'first':
      return ['first', not, matcherList(rule.matcher), rule.within];
    case 'regularly':
      return ['regularly', not, matcherList(rule.matcher), rule.of, rule.at_least, rule.last];
    default:
      return ['group', not, peopleList(rule.people)];
  }
}

export const peopleList = (people: People): Json => [people.join, ...people.rules.map(ruleList)];

/** Null where nobody is left out. */
export const writePeople = (people: People): string | null =>
  people.rules.length === 0 ? null : JSON.stringify(peopleList(people));

export function readMatcher(list: unknown): Matcher | undefined {
  if (!Array.isArray(list) || typeof list[0] !== 'string' || list[0] === '') return undefined;
  return { event: list[0], where: readConditions(JSON.stringify(list[1] ?? [])) };
}

function readWhen(text: unknown): When {
  const within = readDuration(text);
  if (within) return { kind: 'within', within };
  return (typeof text === 'string' && readDays(text)) || { kind: 'ever' };
}

const regularNumber = (value: unknown, other: number): number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= regular_max
    ? Number(value)
    : other;

function readRule(list: unknown, depth: number): Rule | undefined {
  if (!Array.isArray(list)) return undefined;
  const [kind, said, what, ...rest] = list as unknown[];
  const not = said === 1;
  if (kind === 'trait') {
    const [condition] = readConditions(JSON.stringify(what ?? []));
    return condition && { kind, not, condition };
  }
  if (kind === 'sequence') {
    const steps = (Array.isArray(what) ? what : []).map(readMatcher).filter((one) => one !== undefined);
    return { kind, not, steps: steps.slice(0, sequence_max), within: readDuration(rest[0]) };
  }
  if (kind === 'group') {
    const people = depth < depth_max ? peopleOf(what, depth + 1) : undefined;
    return people && { kind, not, people };
  }
  const matcher = readMatcher(what);
  if (!matcher) return undefined;
  if (kind === 'first') return { kind, not, matcher, within: readDuration(rest[0]) || first_within };
  if (kind === 'regularly') {
    const [of, at_least, last] = rest;
    return {
      kind,
      not,
      matcher,
      of: regular_periods.find((one) => one === of) ?? 'week',
      at_least: regularNumber(at_least, 3),
      last: regularNumber(last, 4),
    };
  }
  if (kind !== 'did') return undefined;
  const [op, n, when] = rest;
  return {
    kind,
    not,
    matcher,
    op: count_ops.find((one) => one === op) ?? 'gte',
    n: Number.isInteger(n) && Number(n) >= 0 && Number(n) <= 1_000_000_000 ? Number(n) : 1,
    when: readWhen(when),
  };
}

export function peopleOf(list: unknown, depth = 0): People | undefined {
  if (!Array.isArray(list)) return undefined;
  const join = joins.find((one) => one === list[0]);
  if (!join) return undefined;
  const rules = list.slice(1).map((one) => readRule(one, depth));
  return { join, rules: rules.filter((one) => one !== undefined) };
}

export function readPeople(text: string | null): People {
  try {
    return peopleOf(JSON.parse(text ?? 'null')) ?? nobody_excluded;
  } catch {
    return nobody_excluded;
  }
}

export function newRule(kind: RuleKind, event: string): Rule {
  const matcher: Matcher = { event, where: [] };
  switch (kind) {
    case 'trait':
      return { kind, not: false, condition: { property: '', op: 'eq', values: [], type: 'text' } };
    case 'did':
      return { kind, not: false, matcher, op: 'gte', n: 1, when: { kind: 'within', within: 'P30D' } };
    case 'sequence':
      return { kind, not: false, steps: [matcher, { ...matcher }], within: '' };
    case 'first':
      return { kind, not: false, matcher, within: first_within };
    case 'regularly':
      return { kind, not: false, matcher, of: 'week', at_least: 3, last: 4 };
    default:
      return { kind: 'group', not: false, people: { join: 'any', rules: [newRule('did', event)] } };
  }
}

// -- Words ----------------------------------------------------------------------------------------

function whenWords(when: When): string {
  if (when.kind === 'within') return t('rule.say.within', { duration: durationWords(when.within) });
  if (when.kind === 'days') return t('rule.say.days', { days: format.dateRange(when.from, when.to) });
  return '';
}

function timesWords(op: (typeof count_ops)[number], n: number): string {
  if (op === 'lte') return t('rule.say.at_most', { n });
  if (op === 'eq') return t('rule.say.exactly', { n });
  return n === 1 ? '' : t('rule.say.at_least', { n });
}

const within = (duration: string) =>
  duration ? t('rule.say.within', { duration: durationWords(duration) }) : '';

/** Within a sentence. */
const doneWords = (matcher: Matcher): string =>
  matcher.event === any_event && !matcher.where.some(isWhole)
    ? t('event.any_within')
    : matcherWords(matcher);

export function ruleWords(rule: Rule): string {
  if (rule.kind === 'did') {
    const say = {
      event: doneWords(rule.matcher),
      times: timesWords(rule.op, rule.n),
      when: whenWords(rule.when),
    };
    return rule.not ? t('rule.say.did_not', say) : t('rule.say.did', say);
  }
  const said = ((): string => {
    switch (rule.kind) {
      case 'trait':
        return conditionWords(rule.condition);
      case 'sequence':
        return t('rule.say.sequence', {
          steps: rule.steps.map(doneWords).join(' → '),
          when: within(rule.within),
        });
      case 'first':
        return t('rule.say.first', { event: doneWords(rule.matcher), when: within(rule.within) });
      case 'regularly':
        return t('rule.say.regularly', {
          event: doneWords(rule.matcher),
          n: Math.min(rule.at_least, rule.last),
          last: rule.last,
          period: periodWords(rule.of),
        });
      default:
        return `(${peopleWords(rule.people)})`;
    }
  })();
  return rule.not ? t('rule.say.not', { what: said }) : said;
}

export function peopleWords(people: People): string {
  const words = people.rules.filter(isWholeRule).map(ruleWords);
  return people.join === 'all' ? format.both(words) : format.either(words);
}
