// SPDX-License-Identifier: Apache-2.0
//
// Periods of time: units of the calendar ("month"), and lengths of one's own in ISO 8601 ("P14D").
import { workspace } from '../api/workspace.svelte';
import { maybe, t } from '../i18n/index.svelte';
import { addDays, addMonths, date, dateFormat, dayOf, daysBetween } from '../lib/format';

export const calendar_periods = ['hour', 'day', 'week', 'month', 'quarter', 'year'] as const;

export const isCalendar = (period: string): boolean =>
  (calendar_periods as readonly string[]).includes(period);

/** A whole period of the query language, or undefined. */
export function readPeriod(text: string | null): string | undefined {
  if (text === null) return undefined;
  if (isCalendar(text)) return text;
  return /^P(?:[1-9]\d{0,3}[DWMY]|T[1-9]\d{0,3}H)$/.test(text) ? text : undefined;
}

/** Where a page is opened bare: the period in which data of this length show a shape. */
export function fittingPeriod(): string {
  const days = daysBetween(workspace.firstDay, workspace.lastDay);
  if (days > 4000) return 'year';
  if (days > 1300) return 'quarter';
  return days > 150 ? 'month' : days > 35 ? 'week' : 'day';
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

/**
 * Names the period that begins at `start`: a local date, or an instant with offset (hours), whose
 * own reading is shown, whatever zone the reader is in.
 */
export function periodName(start: string, period: string, short = false): string {
  const day = dayOf(start);
  if (start.length > 10 && (period === 'hour' || period.startsWith('PT'))) {
    const reading = new Date(`${start.slice(0, 16)}Z`);
    return dateFormat({
      timeZone: 'UTC',
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).format(reading);
  }
  if (period === 'month') {
    return dateFormat({ timeZone: 'UTC', year: 'numeric', month: 'short' }).format(day);
  }
  if (period === 'year') {
    return dateFormat({ timeZone: 'UTC', year: 'numeric' }).format(day);
  }
  if (period === 'quarter') {
    const quarter = String(Math.floor(day.getUTCMonth() / 3) + 1);
    return t('period.quarter_of', { quarter, year: String(day.getUTCFullYear()) });
  }
  if (short && period !== 'week') {
    return dateFormat({ timeZone: 'UTC', month: 'short', day: 'numeric' }).format(day);
  }
  if (period === 'week') {
    return dateFormat({
      timeZone: 'UTC',
      ...(short ? {} : { year: 'numeric' }),
      month: 'short',
      day: 'numeric',
    }).formatRange(day, dayOf(addDays(start, 6)));
  }
  return date(start);
}

/** The local date on which the period `steps` after the one at `start` begins; calendar units only. */
export function periodAfter(start: string, period: string, steps: number): string | undefined {
  switch (period) {
    case 'day':
      return addDays(start, steps);
    case 'week':
      return addDays(start, 7 * steps);
    case 'month':
      return addMonths(start, steps);
    case 'quarter':
      return addMonths(start, 3 * steps);
    case 'year':
      return addMonths(start, 12 * steps);
    default:
      return undefined;
  }
}
