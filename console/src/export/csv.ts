// SPDX-License-Identifier: Apache-2.0
//
// CSV as `holdfast .. --format csv` writes it, but safe to open in a spreadsheet: text that one
// would take for a formula gets an apostrophe before it. Numbers are numbers and stay as they are.
import type { Bucket, RetentionAnswer, RetentionTable, TrendAnswer, TwoWindows } from '../api/contract';

export type CsvValue = string | number | boolean | null | undefined;

export function csvField(value: CsvValue): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvText(rows: CsvValue[][]): string {
  return rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
}

/** With a byte order mark, or spreadsheets of some systems read UTF-8 as something else. */
export const csvBlob = (rows: CsvValue[][]): Blob =>
  new Blob(['\ufeff', csvText(rows)], { type: 'text/csv;charset=utf-8' });

function bucketField(bucket: Bucket): string {
  if (bucket === null) return '(missing)';
  return typeof bucket === 'object' ? '(other)' : bucket;
}

/** Each group with its bucket before each row; without a breakdown the answer's own data. */
function flat<T extends object>(
  data: object,
  rows: (table: T) => CsvValue[][],
): { grouped: boolean; rows: CsvValue[][] } {
  if (!('groups' in data)) return { grouped: false, rows: rows(data as T) };
  const groups = data.groups as (T & { bucket: Bucket[] })[];
  return {
    grouped: true,
    rows: groups.flatMap((group) =>
      rows(group).map((row) => [bucketField(group.bucket[0]), ...row]),
    ),
  };
}

export function retentionCsv(answer: RetentionAnswer): CsvValue[][] {
  const { data } = answer;
  if (!('columns' in data)) {
    const { grouped, rows } = flat<TwoWindows>(data, (windows) => [
      [
        windows.initial.count,
        windows.retention.numerator,
        windows.current.count,
        windows.current.complete,
      ],
    ]);
    const head = ['initial', 'retained', 'current', 'complete'];
    return [grouped ? ['bucket', ...head] : head, ...rows];
  }
  let hasValue = false;
  const { grouped, rows } = flat<RetentionTable>(data, (table) =>
    table.cohorts.flatMap((cohort) =>
      cohort.cells.map((cell, column) => {
        hasValue ||= 'value' in cell;
        const row: CsvValue[] = [
          cohort.start,
          cohort.size,
          data.columns[column],
          cell.count,
          cell.eligible,
          cell.complete,
        ];
        return 'value' in cell ? [...row, cell.value] : row;
      }),
    ),
  );
  const head = ['cohort', 'size', 'column', 'count', 'eligible', 'complete'];
  if (grouped) head.unshift('bucket');
  if (hasValue) head.push('value');
  return [head, ...rows];
}

export function trendCsv(answer: TrendAnswer): CsvValue[][] {
  const { data } = answer;
  const { grouped, rows } = flat<{ series: { label: string; values: number[] }[] }>(
    data,
    (table) =>
      data.periods.flatMap((start, at) =>
        table.series.map((series) => [start, data.complete[at], series.label, series.values[at]]),
      ),
  );
  const head = ['start', 'complete', 'series', 'value'];
  return [grouped ? ['bucket', ...head] : head, ...rows];
}
