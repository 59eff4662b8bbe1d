// SPDX-License-Identifier: Apache-2.0
//
// CSV as `holdfast .. --format csv` writes it, but safe to open in a spreadsheet: text that one
// would take for a formula gets an apostrophe before it. Numbers are numbers and stay as they are.
import type {
  Bucket,
  RetentionAnswer,
  RetentionTable,
  TrendAnswer,
  TrendTable,
  TwoWindows,
} from '../api/contract';

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

/** The columns before each row of a breakdown: one, or one of each dimension. */
export function bucketHeads(buckets: Bucket[][]): string[] {
  const dimensions = buckets[0]?.length ?? 0;
  if (dimensions < 2) return dimensions === 0 ? [] : ['bucket'];
  return Array.from({ length: dimensions }, (_, at) => `bucket_${at + 1}`);
}

export const bucketFields = (bucket: Bucket[]): string[] => bucket.map(bucketField);

/** Each group with its bucket before each row; without a breakdown the answer's own data. */
export function flat<T extends object>(
  data: object,
  rows: (table: T) => CsvValue[][],
): { heads: string[]; rows: CsvValue[][] } {
  if (!('groups' in data)) return { heads: [], rows: rows(data as T) };
  const groups = data.groups as (T & { bucket: Bucket[] })[];
  return {
    heads: groups.length === 0 ? ['bucket'] : bucketHeads(groups.map((one) => one.bucket)),
    rows: groups.flatMap((group) =>
      rows(group).map((row) => [...bucketFields(group.bucket), ...row]),
    ),
  };
}

export function retentionCsv(answer: RetentionAnswer): CsvValue[][] {
  const { data } = answer;
  if (!('columns' in data)) {
    const { heads, rows } = flat<TwoWindows>(data, (windows) => [
      [
        windows.initial.count,
        windows.retention.numerator,
        windows.current.count,
        windows.current.complete,
      ],
    ]);
    const head = ['initial', 'retained', 'current', 'complete'];
    return [[...heads, ...head], ...rows];
  }
  let hasValue = false;
  const { heads, rows } = flat<RetentionTable>(data, (table) =>
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
  const head = [...heads, 'cohort', 'size', 'column', 'count', 'eligible', 'complete'];
  if (hasValue) head.push('value');
  return [head, ...rows];
}

export function trendCsv(answer: TrendAnswer): CsvValue[][] {
  const { data } = answer;
  const table = 'groups' in data ? data.total : data;
  const hasPrevious = table.series.some((one) => one.previous !== undefined);
  const { heads, rows } = flat<TrendTable>(data, ({ series }) =>
    data.periods.flatMap((start, at) =>
      series.map((one) => [
        start,
        data.complete[at],
        one.label,
        one.values[at],
        ...(hasPrevious ? [one.previous?.[at]] : []),
      ]),
    ),
  );
  const head = ['start', 'complete', 'series', 'value', ...(hasPrevious ? ['previous'] : [])];
  return [[...heads, ...head], ...rows];
}
