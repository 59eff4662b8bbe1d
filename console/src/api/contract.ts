// SPDX-License-Identifier: Apache-2.0
//
// Shapes of answers that docs/api/openapi.yaml leaves open: DATA of each metric (docs/metrics.md),
// and what the console's own routes say.
import type { Answer, Problem as Told } from './types';

/**
 * What went wrong: as the server told it, or as the console found it out, without detail and id
 * where a proxy answered or nobody did.
 */
export type Problem = Omit<Told, 'detail' | 'request_id'> &
  Partial<Pick<Told, 'detail' | 'request_id'>> & { retry_after?: number };

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

export type Series = { label: string; values: number[]; total: number };
export type TrendTable = { series: Series[] };
export type TrendData = { periods: string[]; complete: boolean[] } & (
  | TrendTable
  | Grouped<TrendTable>
);
export type TrendAnswer = Answer & { data: TrendData };

export type PropertyType = 'text' | 'number' | 'boolean';
export type Property = {
  name: string;
  types: PropertyType[];
  values: { value: string | number | boolean; count: number }[];
  more: boolean;
};
export type Schema = {
  timezone: string;
  week_start: 'monday' | 'sunday';
  first_day: string | null;
  last_day: string | null;
  events: { name: string; count: number }[];
  properties: Property[];
};

export type Session = {
  signed_in: boolean;
  name?: string;
  owner_exists: boolean;
  loopback: boolean;
  csrf?: string;
};

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

export type Upload = { upload: string; name: string; bytes: number };
export type ImportOptions = {
  format?: string;
  map?: Record<string, string>;
  types?: Record<string, string>;
  time_format?: string;
  timezone?: string;
  delimiter?: string;
  header?: boolean;
  source?: string;
  identify_rows?: boolean;
};
export type ImportPreview = {
  format: string;
  columns: { name: string; role: string; type: string; samples: string[] }[];
  remarks: string[];
  rows: (string | number | boolean | null)[][];
  rejects: { line: number; column: number; reason: string; message: string }[];
};
export type ImportRun = {
  id: number;
  state: 'running' | 'done' | 'failed' | 'cancelled' | 'undone';
  name: string;
  started_at: string;
  finished_at?: string;
  bytes_done: number;
  bytes_total: number;
  rows: number;
  events: number;
  duplicates: number;
  rejected: number;
  error?: string | { reason: string; message?: string; detail?: string };
};
