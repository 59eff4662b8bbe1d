// SPDX-License-Identifier: Apache-2.0
//
// The answer to a question of stickiness as bars, lines and figures.
import type { ActiveDays, ActivePeriods, Json, StickinessAnswer, StickinessData } from '../../api/contract';
import { t } from '../../i18n/index.svelte';
import * as format from '../../lib/format';
import { partsOf, type Part } from '../../query/dimension';
import { periodName, periodWords } from '../../query/period';
import type { Stickiness } from '../../query/stickiness';
import type { ChartSeries } from '../../ui/Chart.svelte';

export type View = {
  seen: Stickiness;
  parts: Part<StickinessData>[];
  isDays: boolean;
};
export type Line = { series: ChartSeries; what?: string; group: number };

const lines_max = 8;

export function viewOf(answer: StickinessAnswer, seen: Stickiness): View {
  const parts = partsOf<StickinessData>(answer.data, seen.by);
  return { seen, parts, isDays: 'over_time' in parts[0].table };
}

const histogramOf = (part: Part<StickinessData>) => (part.table as ActivePeriods).histogram;
const daysOf = (part: Part<StickinessData>) => (part.table as ActiveDays).over_time;

/** The one that is shown, where one is at a time. */
export const shownOf = ({ seen, parts }: View): Part<StickinessData> =>
  parts.find((one) => one.group === seen.group) ?? parts[0];

export const isNothing = (view: View): boolean =>
  view.isDays
    ? view.parts.every((part) => daysOf(part).every((one) => one.mau === 0))
    : view.parts.every((part) => histogramOf(part).every((one) => one.count === 0));

/** "3 weeks": so many periods. */
export function spanWords(n: number, period: string): string {
  switch (period) {
    case 'hour':
      return t('period.hours', { n });
    case 'day':
      return t('period.days', { n });
    case 'week':
      return t('period.weeks', { n });
    case 'month':
      return t('period.months', { n });
    case 'quarter':
      return t('stickiness.quarters', { n });
    case 'year':
      return t('period.years', { n });
    default:
      return `${format.count(n)} × ${periodWords(period)}`;
  }
}

/** All who were active at all: in k periods or more, that is the first number already. */
const personsOf = (part: Part<StickinessData>, seen: Stickiness): number =>
  seen.cumulative
    ? (histogramOf(part)[0]?.count ?? 0)
    : histogramOf(part).reduce((sum, one) => sum + one.count, 0);

/** Up to the last number of periods that anybody reaches: beyond are zeros alone. */
export function reachOf({ parts }: View): number {
  return Math.max(
    1,
    ...parts.map((part) => histogramOf(part).findLastIndex((one) => one.count > 0) + 1),
  );
}

export function barsOf(view: View): Line[] {
  const { seen, parts } = view;
  const reach = reachOf(view);
  return parts.slice(0, lines_max).map((part) => {
    const all = personsOf(part, seen);
    const values = histogramOf(part)
      .slice(0, reach)
      .map(({ count }) => (seen.show === 'count' ? count : all > 0 ? count / all : null));
    return {
      series: { name: parts.length > 1 ? part.name : t('people'), values },
      what: 'active_periods',
      group: part.group,
    };
  });
}

const rate = (n: number, m: number) => (m > 0 ? n / m : null);

export function linesOf(view: View): Line[] {
  const { seen, parts } = view;
  const unfinished = daysOf(parts[0]).map((one) => !one.complete);
  const line = (
    part: Part<StickinessData>,
    name: string,
    value: (one: ActiveDays['over_time'][number]) => number | null,
    what?: string,
    more: Partial<ChartSeries> = {},
  ): Line => ({
    series: { name, values: daysOf(part).map(value), unfinished, isFixed: what === undefined, ...more },
    what,
    group: part.group,
  });
  if (seen.show_days === 'ratio') {
    if (parts.length === 1) {
      return [
        line(parts[0], 'DAU/MAU', (one) => rate(one.dau, one.mau), 'dau'),
        line(parts[0], 'WAU/MAU', (one) => rate(one.wau, one.mau), 'wau'),
      ];
    }
    return parts
      .slice(0, lines_max)
      .map((part, at) => line(part, part.name, (one) => rate(one.dau, one.mau), 'dau', { strong: at === 0 }));
  }
  const part = shownOf(view);
  if (seen.show_days === 'days') {
    return [
      line(part, t('stickiness.l7'), (one) => rate(one.l7.days, one.l7.persons)),
      line(part, t('stickiness.l28'), (one) => rate(one.l28.days, one.l28.persons)),
    ];
  }
  return [
    line(part, 'DAU', (one) => one.dau, 'dau'),
    line(part, 'WAU', (one) => one.wau, 'wau'),
    line(part, 'MAU', (one) => one.mau, 'mau'),
  ];
}

export function figuresOf(view: View): { label: string; value: string; of: string }[] {
  const { seen, parts, isDays } = view;
  if (isDays) {
    const days = daysOf(shownOf(view));
    const last = days[days.findLastIndex((one) => one.complete && one.mau > 0)];
    if (!last) return [];
    const day = periodName(last.start, 'day');
    return [
      {
        label: 'DAU/MAU',
        value: format.percentExact(last.dau / last.mau),
        of: t('n_of_m', { n: last.dau, m: last.mau }),
      },
      { label: 'DAU', value: format.count(last.dau), of: day },
      { label: 'WAU', value: format.count(last.wau), of: t('stickiness.days_to', { n: 7, day }) },
      { label: 'MAU', value: format.count(last.mau), of: t('stickiness.days_to', { n: 30, day }) },
    ];
  }
  const part = parts[0];
  const counts = histogramOf(part).map((one) => one.count);
  const all = personsOf(part, seen);
  if (all === 0) return [];
  const periods = seen.cumulative
    ? counts.reduce((sum, count) => sum + count, 0)
    : counts.reduce((sum, count, at) => sum + count * (at + 1), 0);
  const once = seen.cumulative ? all - (counts[1] ?? 0) : (counts[0] ?? 0);
  const period = periodWords(seen.period);
  return [
    {
      label: t('stickiness.mean', { period }),
      value: format.decimal(Math.round((periods / all) * 100) / 100),
      of: t('stickiness.of_people', { n: all }),
    },
    {
      label: t('stickiness.once', { period }),
      value: format.percentExact(once / all),
      of: t('n_of_m', { n: once, m: all }),
    },
  ];
}

export type Looked = { title: string; text: string; cell: Json };

export function lookedAt(view: View): Looked | undefined {
  const { seen, parts, isDays } = view;
  const { cell } = seen;
  const part = cell && parts.find((one) => one.group === cell.group);
  if (!cell || !part) return undefined;
  const bucket: Record<string, Json> = part.bucket ? { bucket: part.bucket } : {};
  const titled = (title: string) => (parts.length > 1 ? `${title} · ${part.name}` : title);
  if (isDays) {
    const day = daysOf(part).find((one) => one.start === cell.at);
    const kind = (['dau', 'wau', 'mau'] as const).find((one) => one === cell.what);
    if (!day || !kind) return undefined;
    const when = periodName(day.start, 'day');
    const n = day[kind];
    return {
      title: titled(`${kind.toUpperCase()} · ${when}`),
      text:
        kind === 'dau'
          ? t('stickiness.explain_dau', { n, day: when })
          : t('stickiness.explain_days', { n, day: when, days: kind === 'wau' ? 7 : 30 }),
      cell: { period: day.start, kind, ...bucket },
    };
  }
  const row = histogramOf(part).find((one) => String(one.active_periods) === cell.at);
  if (!row || cell.what !== 'active_periods') return undefined;
  const span = spanWords(row.active_periods, seen.period);
  const say = { n: row.count, span };
  return {
    title: titled(span),
    text: seen.cumulative ? t('stickiness.explain_or_more', say) : t('stickiness.explain', say),
    cell: { active_periods: row.active_periods, ...bucket },
  };
}
