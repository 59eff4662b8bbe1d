// SPDX-License-Identifier: Apache-2.0
//
// Numbers and dates as people write them. Local dates of an answer ("2026-01-31") are calendar
// days of the query's zone, so they are never moved through the browser's zone.
import { language, locale } from '../i18n/index.svelte';

const made = new Map<string, Intl.DateTimeFormat>();

/** Formats are dear to make, and a table asks for thousands of numbers: each is made once a language. */
function numberFormat(options: Intl.NumberFormatOptions): (n: number) => string {
  let of = '';
  let format: Intl.NumberFormat | undefined;
  return (n) => {
    if (of !== locale() || !format) {
      of = locale();
      format = new Intl.NumberFormat(of, options);
    }
    return format.format(n);
  };
}

export function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()}${JSON.stringify(options)}`;
  let format = made.get(key);
  if (!format) made.set(key, (format = new Intl.DateTimeFormat(locale(), options)));
  return format;
}

export const count = numberFormat({});
export const compact = numberFormat({ notation: 'compact', maximumFractionDigits: 1 });

const small = numberFormat({ maximumFractionDigits: 3 });
const large = numberFormat({ maximumFractionDigits: 2 });
export const decimal = (n: number): string => (Math.abs(n) < 10 ? small(n) : large(n));

const whole_percent = numberFormat({ style: 'percent', maximumFractionDigits: 0 });
const fine_percent = numberFormat({ style: 'percent', maximumFractionDigits: 1 });
/** One decimal below 10 %, so that 0.4 % is not shown as nothing. */
export const percent = (rate: number): string =>
  rate > 0 && rate < 0.0995 ? fine_percent(rate) : whole_percent(rate);

export const percentExact = numberFormat({
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

const signed_percent = numberFormat({
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
  signDisplay: 'exceptZero',
});
/** How much more or less: "+4.2%". */
export const change = (rate: number): string => signed_percent(rate);

const sizes = (['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const).map((unit) => ({
  fine: numberFormat({ style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }),
  // "239 byte" is what a short unit makes of bytes.
  whole: numberFormat({
    style: 'unit',
    unit,
    unitDisplay: unit === 'byte' ? 'long' : 'short',
    maximumFractionDigits: 0,
  }),
}));
export function bytes(n: number): string {
  let size = n;
  let at = 0;
  while (size >= 1000 && at < sizes.length - 1) {
    size /= 1000;
    ++at;
  }
  return at === 0 || size >= 100 ? sizes[at].whole(size) : sizes[at].fine(size);
}

/** The instant at which a local date is UTC midnight: for formatting in UTC only. */
export function dayOf(date: string): Date {
  const [year, month, day] = date.slice(0, 10).split('-').map(Number);
  return new Date(Date.UTC(year, month - 1, day));
}

export const isoDay = (day: Date): string => day.toISOString().slice(0, 10);

export function addDays(date: string, days: number): string {
  const day = dayOf(date);
  day.setUTCDate(day.getUTCDate() + days);
  return isoDay(day);
}

/** Months are counted from the date, at most to the last day of the month reached. */
export function addMonths(date: string, months: number): string {
  const day = dayOf(date);
  const wanted = day.getUTCDate();
  day.setUTCDate(1);
  day.setUTCMonth(day.getUTCMonth() + months);
  const last = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate();
  day.setUTCDate(Math.min(wanted, last));
  return isoDay(day);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((dayOf(to).getTime() - dayOf(from).getTime()) / 86_400_000);
}

/** Today by the clock of the reader, in the zone given. */
export function todayIn(timezone: string): string {
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone: timezone }).format(new Date());
  } catch {
    return new Intl.DateTimeFormat('en-CA').format(new Date());
  }
}

export function date(text: string): string {
  return dateFormat({ timeZone: 'UTC', dateStyle: 'medium' }).format(dayOf(text));
}

export function dateRange(from: string, to: string): string {
  return dateFormat({ timeZone: 'UTC', dateStyle: 'medium' }).formatRange(dayOf(from), dayOf(to));
}

export function clock(instant: string): string {
  return dateFormat({ timeStyle: 'medium' }).format(new Date(instant));
}

export function moment(instant: string): string {
  return dateFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant));
}

/** Joins names as a sentence does: "a, b or c". */
export function either(items: string[]): string {
  return new Intl.ListFormat(language() === 'zh' ? 'zh-CN' : 'en', { type: 'disjunction' }).format(
    items,
  );
}

/** The same of what holds together: "a, b and c". */
export function both(items: string[]): string {
  return new Intl.ListFormat(language() === 'zh' ? 'zh-CN' : 'en', { type: 'conjunction' }).format(
    items,
  );
}

const lengths = (['second', 'minute', 'hour', 'day'] as const).map((unit) => ({
  fine: numberFormat({ style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }),
  whole: numberFormat({ style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 0 }),
}));
/** A length of time in the unit that suits it: "42 sec", "3.5 hr", "12 days". */
export function seconds(n: number): string {
  const [at, size] = n < 90 ? [0, 1] : n < 5400 ? [1, 60] : n < 172_800 ? [2, 3600] : [3, 86_400];
  const long = n / size;
  return long < 10 ? lengths[at].fine(long) : lengths[at].whole(long);
}
