// SPDX-License-Identifier: Apache-2.0
//
// Shapes of answers: those of docs/api/openapi.yaml under the names pages use, and what it leaves
// open, which are DATA of each metric (docs/metrics.md) and what a live stream says.
import type { Answer, ImportOptions, ImportPreview, Problem as Told, Schema } from './types';

export type {
  Import as ImportRecord,
  ImportPreview,
  Schema,
  SchemaValuesAnswer as SchemaValues,
  Session,
  Upload,
} from './types';

/**
 * What went wrong: as the server told it, or as the console found it out, without detail and id
 * where a proxy answered or nobody did.
 */
export type Problem = Omit<Told, 'detail' | 'request_id'> &
  Partial<Pick<Told, 'detail' | 'request_id'>> & { retry_after?: number };

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export type Rate = { numerator: number; denominator: number; rate: number | null };
export type Bucket = string | null | { other: true };

export type RetentionCell = {
  count: number;
  eligible: number;
  complete: boolean;
  value?: number | null;
};
export type Cohort = { start: string; size: number; cells: RetentionCell[] };
export type RetentionTable = {
  cohorts: Cohort[];
  mean: { weighted: Rate[]; simple: (number | null)[] };
};
type Grouped<T> = { groups: (T & { bucket: Bucket[] })[]; total: T };
export type WindowCount = {
  from: string;
  to: string;
  count: number;
  complete?: boolean;
  value?: number | null;
};
export type TwoWindows = {
  initial: WindowCount;
  current: WindowCount;
  retention: Rate;
  churn: Rate;
  activity_ratio: Rate;
};
export type RetentionData = { columns: string[] } & (RetentionTable | Grouped<RetentionTable>);
export type WindowsData = TwoWindows | Grouped<TwoWindows>;
export type RetentionAnswer = Answer & { data: RetentionData | WindowsData };

/** Of the maths the console asks for, which are counts; formula and previous where they were asked for. */
export type Series = {
  label: string;
  values: number[];
  total: number;
  formula?: true;
  previous?: (number | null)[];
  previous_total?: number | null;
};
export type TrendTable = { series: Series[] };
export type TrendData = { periods: string[]; complete: boolean[] } & (
  | TrendTable
  | Grouped<TrendTable>
);
export type TrendAnswer = Answer & { data: TrendData };

/** As which a property is compared: what else values can be is compared as its text. */
export type PropertyType = 'text' | 'number' | 'boolean';
export type Property = Schema['properties'][number];

export type LiveEvent = {
  source: string;
  received_at: string;
  time: string;
  event: string;
  user_id?: string;
  anonymous_id?: string;
  properties?: Record<string, unknown>;
};
export type Refusal = {
  source: string;
  received_at: string;
  reason: string;
  message: string;
  text: string;
};

export type ImportColumn = ImportPreview['columns'][number];
export type ImportRole = ImportColumn['role'];
/** How an uploaded file is to be read; what is left out is recognised. */
export type ImportRequest = Omit<ImportOptions, 'files' | 'sql'> & { upload: string };
