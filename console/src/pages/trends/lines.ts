// SPDX-License-Identifier: Apache-2.0
//
// The answer to a question of trends as named lines.
import type { Json, TrendAnswer, TrendTable } from '../../api/contract';
import { t } from '../../i18n/index.svelte';
import * as format from '../../lib/format';
import { partsOf, type Part } from '../../query/dimension';
import { periodName } from '../../query/period';
import { seriesWords, type Trend } from '../../query/trend';
import type { ChartSeries } from '../../ui/Chart.svelte';

export type Line = ChartSeries & {
  /** The name without a word on how it is drawn. */
  plain: string;
  total: number | null;
  /** Of an earlier time. */
  previous?: true;
  /** The number of the series, and the group; a formula has no series. */
  of: { series: number | undefined; part: Part<TrendTable> };
};

export const letterOf = (at: number): string => String.fromCharCode(65 + at);

/** What a series is called; with its letter where two would be called the same. */
function nameOf(asked: Trend, at: number): string {
  const label = seriesWords(asked.series[at] ?? asked.series[0]);
  const isTwice = asked.series.some((one, other) => other !== at && seriesWords(one) === label);
  return isTwice ? `${letterOf(at)} · ${label}` : label;
}

export function linesOf(answer: TrendAnswer, asked: Trend): Line[] {
  const { data } = answer;
  const unfinished = data.complete.map((complete) => !complete);
  const [all, ...groups] = partsOf<TrendTable>(data, asked.by);
  const parts = groups.length > 0 || 'groups' in data ? groups : [all];
  const lines: Line[] = [];
  for (const part of parts) {
    const { series } = part.table;
    series.forEach((one, at) => {
      const own = one.formula ? one.label : nameOf(asked, at);
      const plain =
        part.group === -1 ? own : series.length > 1 ? `${part.name} · ${own}` : part.name;
      const name = one.formula ? t('trend.right', { label: plain }) : plain;
      const ink = lines.filter((line) => !line.previous).length;
      const of = { series: one.formula ? undefined : at, part };
      lines.push({
        name,
        plain,
        values: one.values,
        unfinished,
        total: one.total,
        ink,
        isFixed: one.formula,
        isRight: one.formula,
        of,
      });
      if (!one.previous) return;
      lines.push({
        name: t('trend.earlier', { label: name }),
        plain: t('trend.earlier', { label: plain }),
        values: one.previous,
        total: one.previous_total ?? null,
        ink,
        pale: true,
        isFixed: true,
        isRight: one.formula,
        previous: true,
        of,
      });
    });
  }
  return lines;
}

export type Looked = { title: string; text: string; cell: Json };

/** The point or total that the address names, if the answer has such a one. */
export function lookedAt(answer: TrendAnswer, seen: Trend, lines: Line[]): Looked | undefined {
  const { cell } = seen;
  const line = lines.find(
    ({ previous, of }) =>
      !previous && String(of.series) === cell?.what && of.part.group === cell.group,
  );
  if (!cell || line?.of.series === undefined) return undefined;
  const { periods } = answer.data;
  const place = periods.indexOf(cell.at);
  if (cell.at !== '' && place < 0) return undefined;
  const value = cell.at === '' ? line.total : line.values[place];
  const when = cell.at === '' ? t('range.all') : periodName(cell.at, seen.period);
  const { series, part } = line.of;
  return {
    title: cell.at === '' ? line.name : `${when} · ${line.name}`,
    text: t('trend.explain', {
      label: line.name,
      value: value === null ? '–' : format.decimal(value),
    }),
    cell: {
      series,
      ...(cell.at === '' ? {} : { period: cell.at }),
      ...(part.bucket ? { bucket: part.bucket } : {}),
    },
  };
}
