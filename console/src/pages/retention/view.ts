// SPDX-License-Identifier: Apache-2.0
//
// The answer to a question of retention as rows of cells, curves and figures, ready to be drawn.
import type {
  Bucket,
  Json,
  Rate,
  RetentionCell,
  RetentionData,
  RetentionTable,
  WindowsData,
} from '../../api/contract';
import { t } from '../../i18n/index.svelte';
import * as format from '../../lib/format';
import { periodName } from '../../query/period';
import { bucketWords } from '../../query/dimension';
import { all_people, mean_row, type Retention } from '../../query/retention';
import { cellTime, columnWords, valueWords } from '../../query/retention_words';
import type { ChartSeries } from '../../ui/Chart.svelte';
import type { HeatCell, HeatRow } from '../../ui/Heatmap.svelte';

const curves_max = 7;
const heat_steps = 10;

export type Group = RetentionTable & { bucket: Bucket[] };
export type View = {
  seen: Retention;
  columns: string[];
  /** Of a breakdown; empty without one. */
  groups: Group[];
  total: RetentionTable;
  /** What the rows are the cohorts of. */
  table: RetentionTable;
  /** Rows are groups and not cohorts. */
  compared: boolean;
  hasValue: boolean;
  show: Retention['show'];
  /** Column 0 is the size, which has a place of its own; as a value it says something else. */
  first: number;
  /** The number that the deepest colour stands for. */
  scale: number;
};

const rateOf = (cell: RetentionCell) => (cell.eligible > 0 ? cell.count / cell.eligible : 0);
const isShown = (cell: RetentionCell) => cell.eligible > 0;
const largest = (numbers: number[]) => numbers.reduce((a, b) => Math.max(a, b), 0);

function figureOf(cell: RetentionCell, show: View['show']): number {
  if (show === 'value') return cell.value ?? 0;
  return show === 'count' ? cell.count : rateOf(cell);
}

export function viewOf(data: RetentionData, seen: Retention): View {
  const isGrouped = 'groups' in data;
  const groups = isGrouped ? data.groups : [];
  const total = isGrouped ? data.total : data;
  const chosen = groups[seen.group];
  const compared = isGrouped && !chosen && seen.group !== all_people;
  const table = chosen ?? total;
  const hasValue = table.cohorts.some((one) => one.cells[0]?.value !== undefined);
  const show = seen.show === 'value' && !hasValue ? 'rate' : seen.show;
  const first = show === 'value' && !compared ? 0 : 1;
  const scale = compared
    ? largest(groups.flatMap((one) => one.mean.weighted.slice(1).map((mean) => mean.rate ?? 0)))
    : largest(
        table.cohorts.flatMap((one) =>
          one.cells.slice(first).filter(isShown).map((cell) => figureOf(cell, show)),
        ),
      );
  return { seen, columns: data.columns, groups, total, table, compared, hasValue, show, first, scale };
}

export const isNothing = (view: View): boolean =>
  view.table.cohorts.every((cohort) => cohort.size === 0);

function heat(view: View, value: number): number {
  if (view.scale <= 0) return 0;
  return Math.max(0, Math.min(heat_steps - 1, Math.floor((value / view.scale) * (heat_steps - 0.001))));
}

const nOfM = (n: number, m: number) =>
  t('cell.n_of_m', { n, m, rate: format.percentExact(m > 0 ? n / m : 0) });

function cellOf(view: View, cohort: string, column: number, cell: RetentionCell): HeatCell | undefined {
  if (!isShown(cell)) return undefined;
  const { seen, columns } = view;
  const value = cell.value ?? null;
  const text =
    view.show === 'count'
      ? format.count(cell.count)
      : view.show === 'rate'
        ? format.percent(rateOf(cell))
        : value === null
          ? '–'
          : Math.abs(value) >= 10_000
            ? format.compact(value)
            : format.decimal(value);
  const hint = () => {
    const time = cellTime(seen, cohort, columns[column]) ?? columnWords(columns[column], seen);
    const lines = [nOfM(cell.count, cell.eligible), `${periodName(cohort, seen.period)} → ${time}`];
    if (value !== null) lines.push(`${valueWords(seen)}: ${format.decimal(value)}`);
    if (!cell.complete) lines.push(t('cell.unfinished'));
    return lines;
  };
  return { text, heat: heat(view, figureOf(cell, view.show)), unfinished: !cell.complete, hint };
}

function meanCells(view: View, of: RetentionTable): (HeatCell | undefined)[] {
  return of.mean.weighted.slice(1).map((mean, at) => {
    if (mean.rate === null) return undefined;
    const simple = of.mean.simple[at + 1];
    const hint = () => [
      nOfM(mean.numerator, mean.denominator),
      `${columnWords(view.columns[at + 1], view.seen)} · ${t('mean.hint')}`,
      ...(simple === null ? [] : [t('mean.simple', { rate: format.percentExact(simple) })]),
    ];
    return { text: format.percent(mean.rate), heat: heat(view, mean.rate), unfinished: false, hint };
  });
}

const sizeOf = (of: RetentionTable) =>
  format.count(of.cohorts.reduce((sum, one) => sum + one.size, 0));

export function rowsOf(view: View): HeatRow[] {
  if (view.compared) {
    return view.groups.map((group, at) => ({
      key: String(at),
      name: bucketWords(group.bucket, view.seen.by),
      size: sizeOf(group),
      cells: meanCells(view, group),
    }));
  }
  return view.table.cohorts.map((cohort) => ({
    key: cohort.start,
    name: periodName(cohort.start, view.seen.period),
    size: format.count(cohort.size),
    cells: cohort.cells
      .slice(view.first)
      .map((cell, at) => cellOf(view, cohort.start, at + view.first, cell)),
  }));
}

/** The row above the others. Means are rates: beside counts and values they would mislead. */
export function meanOf(view: View): HeatRow | undefined {
  if (view.compared) {
    const { total } = view;
    return { key: mean_row, name: t('group.all'), size: sizeOf(total), cells: meanCells(view, total) };
  }
  if (view.show !== 'rate') return undefined;
  return { key: mean_row, name: t('mean.weighted'), size: '', cells: meanCells(view, view.table) };
}

export function headsOf(view: View): { label: string; title: string }[] {
  // Groups have means alone, and the last columns may have none yet.
  const end = view.compared
    ? view.total.mean.weighted.findLastIndex((mean) => mean.rate !== null) + 1
    : view.columns.length;
  return view.columns
    .slice(view.first, end)
    .map((label) => ({ label: label.replace('-', '–'), title: columnWords(label, view.seen) }));
}

export function curvesOf(view: View): ChartSeries[] {
  const mean = (of: RetentionTable, name: string, strong: boolean): ChartSeries => ({
    name,
    values: of.mean.weighted.slice(1).map((one) => one.rate),
    strong,
  });
  if (view.compared) {
    const groups = view.groups.slice(0, curves_max);
    return [
      mean(view.total, t('group.all'), true),
      ...groups.map((one) => mean(one, bucketWords(one.bucket, view.seen.by), false)),
    ];
  }
  const cohorts = view.table.cohorts
    .filter((one) => one.size > 0 && (one.cells[1]?.eligible ?? 0) > 0)
    .slice(-curves_max);
  return [
    mean(view.table, t('mean.weighted'), true),
    ...cohorts.map((one) => ({
      name: periodName(one.start, view.seen.period),
      values: one.cells.slice(1).map((cell) => (isShown(cell) ? rateOf(cell) : null)),
      unfinished: one.cells.slice(1).map((cell) => !cell.complete),
    })),
  ];
}

/** The columns that people ask about first. */
const milestones: Record<string, number[]> = {
  day: [1, 7, 30],
  week: [1, 4, 12],
  month: [1, 3, 6],
};

export function figuresOf(view: View): { label: string; mean: Rate }[] {
  const means = (view.compared ? view.total : view.table).mean.weighted;
  const last = means.findLastIndex((one) => one.rate !== null);
  const wanted =
    view.seen.brackets.length > 0
      ? [1, 2, 3]
      : (milestones[view.seen.period] ?? [1, Math.ceil(last / 2), last]);
  return [...new Set(wanted)]
    .filter((at) => at >= 1 && means[at] && means[at].rate !== null)
    .map((at) => ({ label: columnWords(view.columns[at], view.seen), mean: means[at] }));
}

export type Looked = {
  title: string;
  column: string;
  n: number;
  m: number;
  complete: boolean;
  value?: number;
  /** The time in which they came back; absent for a mean. */
  when?: string;
  /** What it says, of what is no cell of a table. */
  text?: string;
  /** As its members are asked for; a mean has none. */
  cell?: Json;
};

/** The cell that the address names, if there is such a one. */
export function lookedAt(view: View): Looked | undefined {
  const { seen, table, columns } = view;
  if (!seen.cell || view.compared) return undefined;
  const { cohort: start, column } = seen.cell;
  const label = columns[column];
  if (label === undefined) return undefined;
  const words = columnWords(label, seen);
  if (start === mean_row) {
    const one = table.mean.weighted[column];
    if (!one || one.rate === null) return undefined;
    return { title: t('mean.weighted'), column: words, n: one.numerator, m: one.denominator, complete: true };
  }
  const bucket = view.groups[seen.group]?.bucket;
  const cell = table.cohorts.find((one) => one.start === start)?.cells[column];
  if (!cell || !isShown(cell)) return undefined;
  return {
    title: periodName(start, seen.period),
    column: words,
    n: cell.count,
    m: cell.eligible,
    complete: cell.complete,
    value: cell.value ?? undefined,
    when: cellTime(seen, start, label) ?? words,
    cell: { cohort: start, column, ...(bucket ? { bucket } : {}) },
  };
}

/** Who was in a window of two, or in both. */
export function lookedWindow(data: WindowsData, seen: Retention): Looked | undefined {
  const { initial, current, retention } = 'groups' in data ? data.total : data;
  const of = (title: string, n: number, text: string): Looked => ({
    title,
    column: '',
    n,
    m: initial.count,
    complete: true,
    text,
    cell: { window: seen.cell!.cohort },
  });
  const from = format.dateRange(seen.initial.from, seen.initial.to);
  const to = format.dateRange(seen.current.from, seen.current.to);
  switch (seen.cell?.cohort) {
    case 'initial':
      return of(t('windows.initial'), initial.count, t('windows.explain', { n: initial.count, days: from }));
    case 'current':
      return of(t('windows.current'), current.count, t('windows.explain', { n: current.count, days: to }));
    case 'retained': {
      const n = retention.numerator;
      return of(t('windows.retained'), n, t('windows.explain_both', { n, from, to }));
    }
    default:
      return undefined;
  }
}
