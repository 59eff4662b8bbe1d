// SPDX-License-Identifier: Apache-2.0
//
// A question of segment sizes: as it is edited, in the address, as JSON, in words.
import type { Json } from '../api/contract';
import { t } from '../i18n/index.svelte';
import { setIfSaid } from '../lib/address';
import { readCell, writeCell, type Cell } from './cell';
import { any_event, keyEvent } from './matcher';
import {
  newRule,
  nobody_excluded,
  peopleJson,
  peopleList,
  peopleOf,
  peopleWords,
  type People,
  type Rule,
} from './people';
import { questionJson, readQuestion, splitWords, writeQuestion, type Question } from './question';

export const sets_max = 8;
export type NamedSet = { label: string; people: People };
export type Segments = Question & { sets: NamedSet[]; cell: Cell | undefined };

const default_top = 12;

/** Who did what the workspace lives by, ever and lately: something to look at, and to change. */
function usualSets(): NamedSet[] {
  const event = keyEvent();
  const ever = newRule('did', event);
  const lately = newRule('did', any_event);
  if (ever.kind === 'did') ever.when = { kind: 'ever' };
  // In a shop of orders alone all bought: who did so again says more.
  if (ever.kind === 'did') ever.n = 2;
  const one = (label: string, rule: Rule): NamedSet => ({
    label,
    people: { join: 'all', rules: [rule] },
  });
  return [one(t('segments.often'), ever), one(t('segments.lately'), lately)];
}

/** `[["vip", people], ..]`; two sets of one name cannot be told apart. */
function readSets(text: string | null): NamedSet[] {
  if (text === null) return usualSets();
  let lists: unknown;
  try {
    lists = JSON.parse(text);
  } catch {
    return usualSets();
  }
  const sets: NamedSet[] = [];
  for (const list of Array.isArray(lists) ? lists : []) {
    const [label, people] = (Array.isArray(list) ? list : []) as unknown[];
    if (typeof label !== 'string' || label === '' || sets.length >= sets_max) continue;
    if (sets.some((one) => one.label === label)) continue;
    sets.push({ label, people: peopleOf(people) ?? nobody_excluded });
  }
  return sets;
}

export function readSegments(query: URLSearchParams): Segments {
  const question = readQuestion(query, default_top);
  return {
    ...question,
    // Nothing is asked here of events, nor of a range.
    where: [],
    range: { kind: 'all' },
    by: question.by.filter((one) => one.of !== 'property'),
    sets: readSets(query.get('sets')),
    cell: readCell(query.get('cell')),
  };
}

export function writeSegments(state: Segments): URLSearchParams {
  const query = new URLSearchParams();
  writeQuestion(query, state, default_top);
  query.delete('period');
  query.delete('range');
  query.set('sets', JSON.stringify(state.sets.map((one) => [one.label, peopleList(one.people)])));
  setIfSaid(query, 'cell', writeCell(state.cell));
  return query;
}

const setJson = (one: NamedSet): Json => peopleJson(one.people) ?? { all: [] };

export function segmentsJson(state: Segments): Record<string, Json> {
  const query: Record<string, Json> = { metric: 'segment_size' };
  // One set overlaps with nothing.
  if (state.sets.length > 1) {
    query.overlap = state.sets.map((one) => ({ label: one.label, people: setJson(one) }));
  }
  return { ...query, ...questionJson(state) };
}

/** The same people, of whom moreover all of these hold; nothing is compared or split. */
export function within(json: Record<string, Json>, sets: NamedSet[]): Record<string, Json> {
  const { overlap, breakdown, people, ...rest } = json;
  void overlap;
  void breakdown;
  const all = [...(people === undefined ? [] : [people]), ...sets.map(setJson)];
  return { ...rest, people: { all } };
}

export function segmentsWords(state: Segments): string[] {
  const people = peopleWords(state.people);
  return [
    people === '' ? t('segments.say.all') : t('segments.say.people', { people }),
    ...(state.sets.length > 1
      ? state.sets.map((one) =>
          t('segments.say.set', {
            label: one.label,
            people: peopleWords(one.people) || t('group.all'),
          }),
        )
      : []),
    ...splitWords(state),
    t('segments.say.known'),
  ];
}
