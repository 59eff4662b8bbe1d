// SPDX-License-Identifier: Apache-2.0
//
// Lengths of time of one unit, in ISO 8601: "PT30M", "P14D".
import { t } from '../i18n/index.svelte';

export const units = ['minute', 'hour', 'day', 'week', 'month'] as const;
export type Unit = (typeof units)[number];

const marks = { minute: 'M', hour: 'H', day: 'D', week: 'W', month: 'M' };
const form = /^P(?:T([1-9]\d{0,5})([MH])|([1-9]\d{0,3})([DWM]))$/;

export function durationOf(n: number, unit: Unit): string {
  return `P${unit === 'minute' || unit === 'hour' ? 'T' : ''}${n}${marks[unit]}`;
}

export function partsOf(text: string): { n: number; unit: Unit } | undefined {
  const [, time, clock, days, calendar] = form.exec(text) ?? [];
  if (time !== undefined) return { n: Number(time), unit: clock === 'M' ? 'minute' : 'hour' };
  if (days === undefined) return undefined;
  return { n: Number(days), unit: calendar === 'D' ? 'day' : calendar === 'W' ? 'week' : 'month' };
}

/** Such a length, or nothing. */
export const readDuration = (text: unknown): string =>
  typeof text === 'string' && partsOf(text) ? text : '';

export function durationWords(text: string): string {
  const { n, unit } = partsOf(text) ?? { n: 0, unit: 'day' as const };
  switch (unit) {
    case 'minute':
      return t('duration.minutes', { n });
    case 'hour':
      return t('duration.hours', { n });
    case 'day':
      return t('duration.days', { n });
    case 'week':
      return t('duration.weeks', { n });
    default:
      return t('duration.months', { n });
  }
}
