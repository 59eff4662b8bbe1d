// SPDX-License-Identifier: Apache-2.0
//
// The time a question is about: all of it, the last so many days, or from a day to a day.
import type { Json } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { t } from '../i18n/index.svelte';
import * as format from '../lib/format';

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

/** The days of the range, for words and the date picker. */
export function shownDays(range: Range): { from: string; to: string } {
  if (range.kind === 'days') return range;
  if (range.kind === 'last') return daysOfLast(range.last, workspace.lastDay);
  return { from: workspace.firstDay, to: workspace.lastDay };
}
