// SPDX-License-Identifier: Apache-2.0
//
// The answer to a question of segment sizes as bars and a matrix.
import type { Json, Overlap, SegmentAnswer, Size } from '../../api/contract';
import { t } from '../../i18n/index.svelte';
import * as format from '../../lib/format';
import type { Cell } from '../../query/cell';
import { partsOf, type Part } from '../../query/dimension';
import { within, type Segments } from '../../query/segments';
import type { BarItem } from '../../ui/BarList.svelte';

export type View = { seen: Segments; known: number; parts: Part<Size>[]; total: Size };

export function viewOf(answer: SegmentAnswer, seen: Segments): View {
  const parts = partsOf<Size>(answer.data, seen.by);
  return { seen, known: answer.data.known, parts, total: parts[0].table };
}

export const rate = (n: number, m: number): string => (m > 0 ? format.percentExact(n / m) : '–');
const share = (n: number, m: number): number => (m > 0 ? n / m : 0);

function item(key: string, name: string, n: number, m: number): BarItem {
  return { key, name, share: share(n, m), percent: rate(n, m), count: t('people.n', { n }) };
}

export const overlapOf = ({ total }: View): Overlap | undefined =>
  total.sets && total.exactly_in ? { sets: total.sets, exactly_in: total.exactly_in } : undefined;

export const setBars = ({ total }: View): BarItem[] =>
  (total.sets ?? []).map((one, at) => item(String(at), one.label, one.count, total.count));

export function exactBars({ total }: View): BarItem[] {
  const { sets = [], exactly_in = [] } = total;
  return exactly_in.map(({ in: labels, count }) => {
    const mask = sets.map(({ label }) => (labels.includes(label) ? '1' : '0')).join('');
    const name =
      labels.length === 1 ? t('segments.only', { label: labels[0] }) : labels.join(' + ');
    return item(mask, name, count, total.count);
  });
}

export const groupBars = ({ parts, total }: View): BarItem[] =>
  parts.slice(1).map((part) => item(String(part.group), part.name, part.table.count, total.count));

/** How many are in both of two sets: those of each combination that has both. */
export function pairCount({ exactly_in }: Overlap, a: string, b: string): number {
  return exactly_in
    .filter((one) => one.in.includes(a) && one.in.includes(b))
    .reduce((sum, one) => sum + one.count, 0);
}

export type Looked = { title: string; text: string; json: Record<string, Json>; cell: Json };

/** What the address names, as it is asked for: `json` is the question of the answer on screen. */
export function lookedAt(
  view: View,
  json: Record<string, Json>,
  cell: Cell | undefined,
): Looked | undefined {
  if (!cell) return undefined;
  const { seen, total, parts } = view;
  const { sets = [] } = total;
  const text = (n: number) => t('segments.explain', { n, m: total.count });
  if (cell.what === 'all') {
    return {
      title: t('people'),
      text: t('segments.explain', { n: total.count, m: view.known }),
      json: within(json, []),
      cell: {},
    };
  }
  if (cell.what === 'group') {
    const part = parts.find((one) => one.group === Number(cell.at) && one.bucket);
    if (!part?.bucket) return undefined;
    return { title: part.name, text: text(part.table.count), json, cell: { bucket: part.bucket } };
  }
  if (cell.what === 'in') {
    const labels = sets.map((one) => one.label).filter((_, at) => cell.at[at] === '1');
    const found = total.exactly_in?.find((one) => one.in.join('\n') === labels.join('\n'));
    if (!found || cell.at.length !== sets.length) return undefined;
    return {
      title: labels.length === 1 ? t('segments.only', { label: labels[0] }) : labels.join(' + '),
      text: text(found.count),
      json,
      cell: { in: labels },
    };
  }
  // One set, or what two of them share: of a question of its own.
  const places = cell.at.split('.').map(Number);
  const chosen = places.map((at) => seen.sets[at]).filter(Boolean);
  const overlap = overlapOf(view);
  if (cell.what !== 'sets' || chosen.length !== places.length || !overlap) return undefined;
  const [a, b] = chosen;
  const count = b
    ? pairCount(overlap, a.label, b.label)
    : (sets.find((one) => one.label === a.label)?.count ?? 0);
  return {
    title: b ? t('segments.both', { a: a.label, b: b.label }) : a.label,
    text: text(count),
    json: within(json, chosen),
    cell: {},
  };
}
