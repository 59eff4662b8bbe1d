// SPDX-License-Identifier: Apache-2.0
//
// A question of stickiness: as it is edited, in the address, as JSON, in words.
import type { Json } from '../api/contract';
import { t } from '../i18n/index.svelte';
import { oneOf, setIfSaid, wholeNumber } from '../lib/address';
import { readCell, writeCell, type Cell } from './cell';
import {
  any_event,
  matcherJson,
  matcherWords,
  readConditions,
  writeConditions,
  type Matcher,
} from './matcher';
import { count_ops } from './people';
import { periodWords } from './period';
import {
  questionJson,
  readQuestion,
  splitWords,
  timeJson,
  whereWords,
  writeQuestion,
  type Question,
} from './question';
import { rangeJson } from './range';

export const forms = ['histogram', 'over_time'] as const;
export const histogram_shows = ['share', 'count'] as const;
export const over_time_shows = ['ratio', 'active', 'days'] as const;
export const per_interval_max = 1_000_000;

export type Stickiness = Question & {
  match: Matcher;
  form: (typeof forms)[number];
  /** How many events make a period an active one. */
  op: (typeof count_ops)[number];
  n: number;
  cumulative: boolean;
  show: (typeof histogram_shows)[number];
  show_days: (typeof over_time_shows)[number];
  /** Of days: the group shown; -1: all. */
  group: number;
  cell: Cell | undefined;
};

const default_top = 5;

export function readStickiness(query: URLSearchParams): Stickiness {
  return {
    ...readQuestion(query, default_top),
    match: {
      event: query.get('event') || any_event,
      where: readConditions(query.get('event_where')),
    },
    form: oneOf(query.get('form'), forms, 'histogram'),
    op: oneOf(query.get('op'), count_ops, 'gte'),
    n: wholeNumber(query.get('n'), 1, per_interval_max) ?? 1,
    cumulative: query.get('cumulative') === 'true',
    show: oneOf(query.get('show'), histogram_shows, 'share'),
    show_days: oneOf(query.get('show_days'), over_time_shows, 'ratio'),
    group: wholeNumber(query.get('group'), 0, 1001) ?? -1,
    cell: readCell(query.get('cell')),
  };
}

export function writeStickiness(state: Stickiness): URLSearchParams {
  const query = new URLSearchParams();
  setIfSaid(query, 'form', state.form, 'histogram');
  setIfSaid(query, 'event', state.match.event);
  setIfSaid(query, 'event_where', writeConditions(state.match.where));
  setIfSaid(query, 'op', state.op, 'gte');
  setIfSaid(query, 'n', state.n, 1);
  if (state.cumulative) query.set('cumulative', 'true');
  writeQuestion(query, state, default_top);
  setIfSaid(query, 'show', state.show, 'share');
  setIfSaid(query, 'show_days', state.show_days, 'ratio');
  setIfSaid(query, 'group', state.group, -1);
  setIfSaid(query, 'cell', writeCell(state.cell));
  return query;
}

const isUsual = (state: Stickiness): boolean => state.op === 'gte' && state.n === 1;

export function stickinessJson(state: Stickiness): Record<string, Json> {
  const isDays = state.form === 'over_time';
  return {
    metric: 'stickiness',
    match: matcherJson(state.match),
    ...(isUsual(state) ? {} : { per_interval: { [state.op]: state.n } }),
    ...(isDays ? { over_time: true, ...rangeJson(state.range) } : timeJson(state)),
    ...(state.cumulative && !isDays ? { cumulative: true } : {}),
    ...questionJson(state),
  };
}

export function stickinessWords(state: Stickiness): string[] {
  const isDays = state.form === 'over_time';
  const event = matcherWords(state.match);
  const period = isDays ? periodWords('day') : periodWords(state.period);
  const words = [
    isDays ? t('stickiness.say.days', { event }) : t('stickiness.say.histogram', { event, period }),
  ];
  if (!isUsual(state)) {
    const say = { n: state.n, period };
    if (state.op === 'gte') words.push(t('stickiness.say.gte', say));
    if (state.op === 'lte') words.push(t('stickiness.say.lte', say));
    if (state.op === 'eq') words.push(t('stickiness.say.eq', say));
  }
  if (state.cumulative && !isDays) words.push(t('stickiness.say.cumulative', { period }));
  if (isDays) words.push(t('stickiness.say.ratio'));
  words.push(...whereWords(state), ...splitWords(state));
  return words;
}
