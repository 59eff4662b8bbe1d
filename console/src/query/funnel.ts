// SPDX-License-Identifier: Apache-2.0
//
// A question of a funnel: as it is edited, in the address, as JSON, in words.
import type { Json } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { t } from '../i18n/index.svelte';
import { oneOf, setIfSaid, wholeNumber } from '../lib/address';
import * as format from '../lib/format';
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
import { periodWords } from './period';
import {
  questionJson,
  readQuestion,
  splitWords,
  whereWords,
  writeQuestion,
  type Question,
} from './question';
import { rangeJson } from './range';

export const orders = ['ordered', 'strict', 'any'] as const;
export const funnel_views = ['steps', 'trend', 'time_to_convert'] as const;
export const funnel_entries = ['best', 'first'] as const;
export const steps_max = 30;
export const exclusions_max = 10;
/** Of all people, as the address names the group. */
export const all_groups = -1;

/** `within`: how long the step after it may take, or nothing. */
export type Step = Matcher & { within: string };
/** Between two steps, numbered from 1; 0 is the first and the last. */
export type Exclusion = Matcher & { after: number; before: number };
export type Funnel = Question & {
  steps: Step[];
  order: (typeof orders)[number];
  window: string;
  exclude: Exclusion[];
  hold: string;
  entry: (typeof funnel_entries)[number];
  view: (typeof funnel_views)[number];
  /** Of trend and time to convert; 0 is the first and the last. */
  from_step: number;
  to_step: number;
  bins: number | undefined;
  /** The group shown alone; -1 compares them. */
  group: number;
  /** What is looked into: a cell as the query language names it, without its group. */
  cell: FunnelCell | undefined;
};
export type FunnelCell =
  | { step: number; dropped?: true; group: number }
  | { period: string; kind: 'entered' | 'completed'; group: number }
  | { bin: number; group: number };

const default_top = 5;
const usual_window = 'P14D';

const conditionLists = (where: Matcher['where']) => JSON.parse(writeConditions(where) ?? '[]') as Json;

function readLists(text: string | null): unknown[][] {
  try {
    const lists = JSON.parse(text ?? '') as unknown;
    return Array.isArray(lists) ? lists.filter((one) => Array.isArray(one)) : [];
  } catch {
    return [];
  }
}
const isNamed = (list: unknown[]): boolean => typeof list[0] === 'string' && list[0] !== '';
const whereOf = (value: unknown) => readConditions(JSON.stringify(value ?? []));
const stepNumber = (value: unknown, most: number) => wholeNumber(String(value ?? ''), 0, most) ?? 0;

/** The names of events, most frequent first, without `but` and the calls that are about persons. */
function namesBut(but: string[]): string[] {
  const calls = ['identify', 'alias', 'group'];
  return [...(workspace.schema?.events ?? [])]
    .filter(({ name }) => !but.includes(name) && !calls.includes(name))
    .sort((a, b) => b.count - a.count)
    .map(({ name }) => name);
}

/** What is no step itself, as that would leave everybody out, where there is anything else. */
export function newExclusion(steps: Step[]): Exclusion {
  const [other] = namesBut(steps.map((step) => step.event));
  return { event: other ?? steps[0].event, where: [], after: 0, before: 0 };
}

/** What people do often, then less often, and last what the workspace lives by. */
function usualSteps(): Step[] {
  const key = keyEvent();
  const names = namesBut([key]);
  // A shop of orders alone: who buys again, and again.
  const events =
    names.length === 0
      ? [key, key, key]
      : key === any_event
        ? names.slice(0, 3)
        : [...names.slice(0, 2), key];
  return events.map((event) => ({ event, where: [], within: '' }));
}

function readCell(text: string | null): FunnelCell | undefined {
  const [kind, what, group, more] = (text ?? '').split('~');
  const at = Number(wholeNumber(group ?? null, 0, 1001) ?? all_groups);
  const n = wholeNumber(what ?? null, 0, 1000);
  if (kind === 'step' && n) return { step: n, group: at };
  if (kind === 'dropped' && n) return { step: n, dropped: true, group: at };
  if (kind === 'bin' && n !== undefined) return { bin: n, group: at };
  if ((kind === 'entered' || kind === 'completed') && what) {
    return { period: more ? `${what}~${more}` : what, kind, group: at };
  }
  return undefined;
}

function writeCell(cell: FunnelCell): string {
  if ('bin' in cell) return `bin~${cell.bin}~${cell.group}`;
  if ('period' in cell) return `${cell.kind}~${cell.period}~${cell.group}`;
  return `${cell.dropped ? 'dropped' : 'step'}~${cell.step}~${cell.group}`;
}

export function readFunnel(query: URLSearchParams): Funnel {
  const get = (name: string) => query.get(name);
  const said = readLists(get('steps')).filter(isNamed).slice(0, steps_max);
  const steps = said.map(([event, where, within]): Step => ({
    event: event as string,
    where: whereOf(where),
    within: readDuration(within),
  }));
  const all = steps.length > 0 ? steps : usualSteps();
  return {
    ...readQuestion(query, default_top),
    steps: all,
    order: oneOf(get('order'), orders, 'ordered'),
    window: readDuration(get('window')) || usual_window,
    exclude: readLists(get('exclude'))
      .filter(isNamed)
      .slice(0, exclusions_max)
      .map(([event, where, after, before]) => ({
        event: event as string,
        where: whereOf(where),
        after: stepNumber(after, all.length - 1),
        before: stepNumber(before, all.length),
      })),
    hold: get('hold') ?? '',
    entry: oneOf(get('entry'), funnel_entries, 'best'),
    view: oneOf(get('view'), funnel_views, 'steps'),
    from_step: stepNumber(get('from_step'), all.length),
    to_step: stepNumber(get('to_step'), all.length),
    bins: wholeNumber(get('bins'), 1, 1000),
    group: wholeNumber(get('group'), 0, 1001) ?? all_groups,
    cell: readCell(get('cell')),
  };
}

export function writeFunnel(state: Funnel): URLSearchParams {
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | undefined, unless?: string | number) =>
    setIfSaid(query, name, value, unless);
  const steps = state.steps.map(({ event, where, within }) =>
    where.length === 0 && !within ? [event] : [event, conditionLists(where), within],
  );
  set('steps', JSON.stringify(steps));
  set('order', state.order, 'ordered');
  set('window', state.window);
  if (state.exclude.length > 0) {
    const lists = state.exclude.map(({ event, where, after, before }) => [
      event,
      conditionLists(where),
      after,
      before,
    ]);
    set('exclude', JSON.stringify(lists));
  }
  set('hold', state.hold);
  set('entry', state.entry, 'best');
  writeQuestion(query, state, default_top);
  set('view', state.view, 'steps');
  set('from_step', state.from_step, 0);
  set('to_step', state.to_step, 0);
  set('bins', state.bins);
  set('group', state.group, all_groups);
  if (state.cell) set('cell', writeCell(state.cell));
  return query;
}

/** The first and the last step of a view between two of them, in order. */
export function betweenOf(state: Funnel): { from: number; to: number } {
  const last = state.steps.length;
  const from = Math.max(1, Math.min(state.from_step || 1, last - 1));
  return { from, to: Math.max(from + 1, Math.min(state.to_step || last, last)) };
}

/** Of one step there is nothing between two of them. */
export const viewOf = (state: Funnel): Funnel['view'] =>
  state.steps.length < 2 ? 'steps' : state.view;

/** In any order no step is the next one, and of the last one there is none. */
const hasWithin = (state: Funnel, at: number): boolean =>
  state.order !== 'any' && at + 1 < state.steps.length && state.steps[at].within !== '';

export function funnelJson(state: Funnel): Record<string, Json> {
  const last = state.steps.length;
  const query: Record<string, Json> = {
    metric: 'funnel',
    steps: state.steps.map((step, at) => ({
      ...matcherJson(step),
      ...(hasWithin(state, at) ? { within: step.within } : {}),
    })),
    window: state.window,
  };
  if (state.order !== 'ordered') query.order = state.order;
  const exclude = state.exclude.filter(({ after, before }) => (after || 1) < (before || last));
  if (exclude.length > 0) {
    query.exclude = exclude.map(({ after, before, ...matcher }) => ({
      ...matcherJson(matcher),
      ...(after > 1 ? { after_step: after } : {}),
      ...(before && before < last ? { before_step: before } : {}),
    }));
  }
  if (state.hold) query.hold_constant = [state.hold];
  if (state.entry !== 'best') query.entry = state.entry;
  const view = viewOf(state);
  if (view !== 'steps') {
    query.view = view;
    if (view === 'trend') query.period = state.period;
    const { from, to } = betweenOf(state);
    if (from > 1) query.from_step = from;
    if (to < last) query.to_step = to;
    if (view === 'time_to_convert' && state.bins !== undefined) query.bins = state.bins;
  }
  return { ...query, ...rangeJson(state.range), ...questionJson(state) };
}

/** What step n is called, the second of a name with a number; in any order it is a number of steps. */
export function stepWords(state: Funnel, n: number): string {
  if (state.order === 'any') return t('funnel.steps_done', { n });
  const words = state.steps.slice(0, n).map(matcherWords);
  const own = words[n - 1];
  if (own === undefined) return String(n);
  const isTwice = state.steps.filter((step) => matcherWords(step) === own).length > 1;
  return isTwice ? `${own} #${words.filter((one) => one === own).length}` : own;
}

export function funnelWords(state: Funnel): string[] {
  const steps = state.steps.map(matcherWords);
  const words = [
    state.order === 'any'
      ? t('funnel.say.any', { steps: format.both(steps) })
      : state.order === 'strict'
        ? t('funnel.say.strict', { steps: steps.join(' → ') })
        : t('funnel.say.ordered', { steps: steps.join(' → ') }),
    t('funnel.say.window', { duration: durationWords(state.window) }),
  ];
  state.steps.forEach((step, at) => {
    if (!hasWithin(state, at)) return;
    const say = { step: steps[at], next: steps[at + 1], duration: durationWords(step.within) };
    words.push(t('funnel.say.within', say));
  });
  for (const one of state.exclude) {
    const after = one.after || 1;
    const before = one.before || steps.length;
    if (after >= before) continue;
    words.push(t('funnel.say.exclude', { event: matcherWords(one), after, before }));
  }
  if (state.hold) words.push(t('funnel.say.hold', { property: state.hold }));
  if (state.entry === 'first') words.push(t('funnel.say.first'));
  if (viewOf(state) === 'trend') {
    words.push(t('funnel.say.trend', { period: periodWords(state.period) }));
  }
  words.push(...whereWords(state), ...splitWords(state), t('funnel.say.count'));
  return words;
}
