// SPDX-License-Identifier: Apache-2.0
//
// The answer to a question of trends as named lines.
import type { TrendAnswer, TrendTable } from '../../api/contract';
import { bucketWords } from '../../query/dimension';
import { seriesWords, type Trend } from '../../query/trend';
import type { ChartSeries } from '../../ui/Chart.svelte';

export type Line = ChartSeries & { values: number[]; total: number };

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
  const of = (table: TrendTable, bucket?: string): Line[] =>
    table.series.map((one, at) => ({
      name:
        bucket === undefined
          ? nameOf(asked, at)
          : table.series.length > 1
            ? `${bucket} · ${nameOf(asked, at)}`
            : bucket,
      values: one.values,
      unfinished,
      total: one.total,
    }));
  if (!('groups' in data)) return of(data);
  return data.groups.flatMap((group) => of(group, bucketWords(group.bucket)));
}
