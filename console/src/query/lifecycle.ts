// SPDX-License-Identifier: Apache-2.0
//
// A question of lifecycle: as it is edited, in the address, as JSON, in words.
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

export const kinds = ['new', 'returning', 'resurrecting', 'dormant'] as const;
export const lifecycle_views = ['stack', 'active', 'quick_ratio'] as const;

export type Lifecycle = Question & {
  match: Matcher;
  view: (typeof lifecycle_views)[number];
  /** The group shown; -1: all. */
  group: number;
  cell: Cell | undefined;
};

const default_top = 6;

export function readLifecycle(query: URLSearchParams): Lifecycle {
  return {
    ...readQuestion(query, default_top),
    match: {
      event: query.get('event') || any_event,
      where: readConditions(query.get('event_where')),
    },
    view: oneOf(query.get('view'), lifecycle_views, 'stack'),
    group: wholeNumber(query.get('group'), 0, 1001) ?? -1,
    cell: readCell(query.get('cell')),
  };
}

export function writeLifecycle(state: Lifecycle): URLSearchParams {
  const query = new URLSearchParams();
  setIfSaid(query, 'event', state.match.event);
  setIfSaid(query, 'event_where', writeConditions(state.match.where));
  writeQuestion(query, state, default_top);
  setIfSaid(query, 'view', state.view, 'stack');
  setIfSaid(query, 'group', state.group, -1);
  setIfSaid(query, 'cell', writeCell(state.cell));
  return query;
}

export function lifecycleJson(state: Lifecycle): Record<string, Json> {
  return {
    metric: 'lifecycle',
    match: matcherJson(state.match),
    ...timeJson(state),
    ...questionJson(state),
  };
}

export function lifecycleWords(state: Lifecycle): string[] {
  const period = periodWords(state.period);
  return [
    t('lifecycle.say.active', { event: matcherWords(state.match), period }),
    t('lifecycle.say.new', { period }),
    t('lifecycle.say.others', { period }),
    t('lifecycle.say.quick_ratio'),
    ...whereWords(state),
    ...splitWords(state),
    t('lifecycle.say.incomplete'),
  ];
}
