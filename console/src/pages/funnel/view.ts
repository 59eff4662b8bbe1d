// SPDX-License-Identifier: Apache-2.0
//
// The answer to a question of a funnel as bars, lines and bins, ready to be drawn.
import type {
  Bucket,
  FunnelAnswer,
  FunnelData,
  FunnelSteps,
  Json,
} from '../../api/contract';
import { t } from '../../i18n/index.svelte';
import * as format from '../../lib/format';
import { bucketWords } from '../../query/dimension';
import { betweenOf, stepWords, type Funnel, type FunnelCell } from '../../query/funnel';
import { periodName } from '../../query/period';

/** One funnel among those on screen: of all people, or of a group. */
export type Shown<T extends FunnelData> = {
  name: string;
  /** In the address; -1: all people. */
  group: number;
  bucket?: Bucket[];
  data: T;
};
export type View<T extends FunnelData> = {
  seen: Funnel;
  /** Side by side, all people first; one alone where one was chosen or nothing is split. */
  shown: Shown<T>[];
  groups: Shown<T>[];
  total: Shown<T>;
};

const compared_max = 8;

export function viewOf<T extends FunnelData>(answer: FunnelAnswer, seen: Funnel): View<T> {
  const { data } = answer;
  const all = t('group.all');
  if (!('groups' in data)) {
    const total = { name: all, group: -1, data: data as T };
    return { seen, shown: [total], groups: [], total };
  }
  const total = { name: all, group: -1, data: data.total as T };
  const groups = data.groups.map(
    (one, group): Shown<T> => ({
      name: bucketWords(one.bucket, seen.by),
      group,
      bucket: one.bucket,
      data: one as unknown as T,
    }),
  );
  const chosen = groups[seen.group];
  const shown = chosen ? [chosen] : [total, ...groups.slice(0, compared_max - 1)];
  return { seen, shown, groups, total };
}

export const kindOf = (data: FunnelAnswer['data']): Funnel['view'] => {
  const one = 'groups' in data ? data.total : data;
  return 'steps' in one ? 'steps' : 'periods' in one ? 'trend' : 'time_to_convert';
};

// -- Steps ----------------------------------------------------------------------------------------

export type Bar = {
  name: string;
  group: number;
  count: number;
  /** Of those who took the first step. */
  share: number;
  previousShare: number;
  dropped: number;
  fromPrevious: number | null;
};
export type Row = { n: number; label: string; bars: Bar[]; seconds: string | undefined };

export function rowsOf(view: View<FunnelSteps>): Row[] {
  const { seen, shown } = view;
  return shown[0].data.steps.map((step, at) => {
    const { median, p90 } = step.seconds ?? { median: null, p90: null };
    return {
      n: at + 1,
      label: stepWords(seen, at + 1),
      seconds:
        median === null || p90 === null
          ? undefined
          : t('funnel.took', { median: format.seconds(median), p90: format.seconds(p90) }),
      bars: shown.map(({ name, group, data: { steps } }) => {
        const one = steps[at];
        const before = steps[at - 1];
        return {
          name,
          group,
          count: one.count,
          share: one.from_first.rate ?? 0,
          previousShare: before ? (before.from_first.rate ?? 0) : (one.from_first.rate ?? 0),
          dropped: before ? before.count - one.count : 0,
          fromPrevious: one.from_previous?.rate ?? null,
        };
      }),
    };
  });
}

/** The step to which most of those before it did not come. */
export function worstOf({ steps }: FunnelSteps): number | undefined {
  let worst: number | undefined;
  steps.forEach((step, at) => {
    const rate = step.from_previous?.rate ?? null;
    if (rate === null || rate === 1) return;
    const known = worst === undefined ? null : (steps[worst - 1].from_previous?.rate ?? null);
    if (known === null || rate < known) worst = at + 1;
  });
  return worst;
}

// -- What is looked into --------------------------------------------------------------------------

export type Looked = { title: string; text: string; cell: Json; count: number };

function shownOf<T extends FunnelData>(view: View<T>, group: number): Shown<T> | undefined {
  return group === -1 ? view.total : view.groups[group];
}

function titled(one: Shown<FunnelData>, view: View<FunnelData>, title: string): string {
  return view.groups.length > 0 ? `${title} · ${one.name}` : title;
}

/** The cell that the address names, if the answer has such a one. */
export function lookedAt(view: View<FunnelData>, cell: FunnelCell | undefined): Looked | undefined {
  if (!cell) return undefined;
  const one = shownOf(view, cell.group);
  if (!one) return undefined;
  const bucket: Record<string, Json> = one.bucket ? { bucket: one.bucket } : {};
  const { data } = one;
  const { seen } = view;
  if ('step' in cell && 'steps' in data) {
    const step = data.steps[cell.step - 1];
    const before = data.steps[cell.step - 2];
    if (!step || (cell.dropped && !before)) return undefined;
    const say = { step: stepWords(seen, cell.step), n: step.count, m: before?.count ?? step.count };
    const count = cell.dropped ? before.count - step.count : step.count;
    return {
      title: titled(
        one,
        view,
        cell.dropped ? t('funnel.dropped_before', { step: say.step }) : `${cell.step} · ${say.step}`,
      ),
      text: cell.dropped
        ? t('funnel.explain_dropped', {
            before: stepWords(seen, cell.step - 1),
            step: say.step,
            n: count,
            m: say.m,
          })
        : cell.step === 1
          ? t('funnel.explain_first', { step: say.step, n: count })
          : t('funnel.explain_step', say),
      cell: { step: cell.step, ...(cell.dropped ? { dropped: true } : {}), ...bucket },
      count,
    };
  }
  if ('period' in cell && 'periods' in data) {
    const period = data.periods.find(({ start }) => start === cell.period);
    if (!period) return undefined;
    const { from, to } = betweenOf(seen);
    const when = periodName(period.start, seen.period);
    const count = period[cell.kind];
    const say = { from: stepWords(seen, from), to: stepWords(seen, to), n: count, when };
    return {
      title: titled(one, view, when),
      text: cell.kind === 'entered' ? t('funnel.explain_entered', say) : t('funnel.explain_completed', say),
      cell: { period: cell.period, kind: cell.kind, ...bucket },
      count,
    };
  }
  if ('bin' in cell && 'bins' in data) {
    const bin = data.bins[cell.bin];
    if (!bin) return undefined;
    const title = binWords(bin);
    const { from, to } = betweenOf(seen);
    return {
      title: titled(one, view, title),
      text: t('funnel.explain_bin', {
        n: bin.count,
        from: stepWords(seen, from),
        to: stepWords(seen, to),
        time: title,
      }),
      cell: { bin: cell.bin, ...bucket },
      count: bin.count,
    };
  }
  return undefined;
}

export const binWords = (bin: { from: number; to: number }): string =>
  `${format.seconds(bin.from)} – ${format.seconds(bin.to)}`;
