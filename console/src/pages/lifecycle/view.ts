// SPDX-License-Identifier: Apache-2.0
//
// The answer to a question of lifecycle as bars, lines and figures.
import type { Json, LifecycleAnswer, LifecycleTable } from '../../api/contract';
import { t } from '../../i18n/index.svelte';
import * as format from '../../lib/format';
import { partsOf, type Part } from '../../query/dimension';
import type { Lifecycle } from '../../query/lifecycle';
import { periodName } from '../../query/period';
import type { ChartSeries } from '../../ui/Chart.svelte';

type Kind = 'new' | 'returning' | 'resurrecting' | 'dormant' | 'active';
type Period = LifecycleTable['periods'][number];
export type View = {
  seen: Lifecycle;
  parts: Part<LifecycleTable>[];
  /** The one that is shown. */
  part: Part<LifecycleTable>;
};
/** A line of the chart, and what is behind its points. */
export type Line = { series: ChartSeries; what?: Kind; group: number };

const lines_max = 8;

export function viewOf(answer: LifecycleAnswer, seen: Lifecycle): View {
  const parts = partsOf<LifecycleTable>(answer.data, seen.by);
  const part = seen.view === 'stack' ? parts.find((one) => one.group === seen.group) : undefined;
  return { seen, parts, part: part ?? parts[0] };
}

export function kindWords(kind: Kind): string {
  switch (kind) {
    case 'new':
      return t('lifecycle.new');
    case 'returning':
      return t('lifecycle.returning');
    case 'resurrecting':
      return t('lifecycle.resurrecting');
    case 'dormant':
      return t('lifecycle.dormant');
    default:
      return t('lifecycle.active');
  }
}

/** From the bottom up: who stayed, who came back, who is new; below the line who has gone. */
const stack: { kind: Kind; ink: number }[] = [
  { kind: 'returning', ink: 0 },
  { kind: 'resurrecting', ink: 5 },
  { kind: 'new', ink: 1 },
  { kind: 'dormant', ink: 6 },
];

export function stackOf({ part }: View): Line[] {
  const { periods } = part.table;
  const unfinished = periods.map((one) => !one.complete);
  return stack.map(({ kind, ink }) => ({
    series: { name: kindWords(kind), values: periods.map((one) => one[kind]), unfinished, ink },
    what: kind,
    group: part.group,
  }));
}

/** Active people, or the quick ratio, of all and of the groups. */
export function linesOf({ seen, parts }: View): Line[] {
  const isRatio = seen.view === 'quick_ratio';
  const value = (one: Period) => (isRatio ? one.quick_ratio.rate : one.active);
  return parts.slice(0, lines_max).map(({ name, group, table: { periods } }) => ({
    series: {
      name: parts.length > 1 ? name : isRatio ? t('lifecycle.quick_ratio') : kindWords('active'),
      values: periods.map(value),
      unfinished: periods.map((one) => !one.complete),
      strong: parts.length > 1 && group === -1,
      isFixed: isRatio,
    },
    what: isRatio ? undefined : 'active',
    group,
  }));
}

export function figuresOf({ part, seen }: View): {
  label: string;
  value: string;
  of: string;
  hint?: string;
}[] {
  const { periods } = part.table;
  const at = periods.findLastIndex((one) => one.complete && (one.active > 0 || one.dormant < 0));
  const last = periods[at];
  if (!last) return [];
  const period = periodName(last.start, seen.period);
  const before = periods[at - 1];
  const change = before && before.active > 0 ? last.active / before.active - 1 : undefined;
  const { rate, numerator, denominator } = last.quick_ratio;
  return [
    {
      label: t('lifecycle.active_in', { period }),
      value: format.count(last.active),
      of:
        change === undefined
          ? t('lifecycle.first_period')
          : t('lifecycle.change', { change: format.change(change) }),
    },
    ...(rate === null
      ? []
      : [
          {
            label: t('lifecycle.quick_ratio'),
            value: format.decimal(Math.round(rate * 100) / 100),
            of: t('lifecycle.come_and_gone', { come: numerator, gone: denominator }),
          },
        ]),
    {
      label: t('lifecycle.new'),
      value: format.count(last.new),
      of:
        last.active > 0
          ? t('lifecycle.of_active', { rate: format.percent(last.new / last.active) })
          : period,
    },
  ];
}

export type Looked = { title: string; text: string; cell: Json; unfinished: boolean };

/** The bar or point that the address names, if the answer has such a one. */
export function lookedAt({ seen, parts }: View): Looked | undefined {
  const { cell } = seen;
  const part = cell && parts.find((one) => one.group === cell.group);
  const period = part?.table.periods.find((one) => one.start === cell?.at);
  const kind = (['new', 'returning', 'resurrecting', 'dormant', 'active'] as const).find(
    (one) => one === cell?.what,
  );
  if (!part || !period || !kind) return undefined;
  const when = periodName(period.start, seen.period);
  const say = { n: Math.abs(period[kind]), when };
  const text = {
    new: () => t('lifecycle.explain_new', say),
    returning: () => t('lifecycle.explain_returning', say),
    resurrecting: () => t('lifecycle.explain_resurrecting', say),
    dormant: () => t('lifecycle.explain_dormant', say),
    active: () => t('lifecycle.explain_active', say),
  }[kind]();
  const title = `${kindWords(kind)} · ${when}`;
  return {
    title: parts.length > 1 ? `${title} · ${part.name}` : title,
    text,
    cell: { period: period.start, kind, ...(part.bucket ? { bucket: part.bucket } : {}) },
    unfinished: !period.complete,
  };
}
