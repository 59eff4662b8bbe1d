// SPDX-License-Identifier: Apache-2.0
//
// Shapes of answers that docs/api/openapi.yaml leaves open: DATA of each metric (docs/metrics.md),
// what a live stream says, and the routes of session, schema, uploads and imports.
import type { Answer, ImportOptions, Problem as Told } from './types';

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

export type Series = { label: string; values: number[]; total: number };
export type TrendTable = { series: Series[] };
export type TrendData = { periods: string[]; complete: boolean[] } & (
  | TrendTable
  | Grouped<TrendTable>
);
export type TrendAnswer = Answer & { data: TrendData };

export type PropertyType = 'text' | 'number' | 'boolean';
export type Property = { name: string; types: PropertyType[]; count: number };
export type Schema = {
  data_version: number;
  timezone: string;
  week_start: 'monday' | 'sunday';
  /** Absent where there are no events. */
  first_day?: string;
  last_day?: string;
  events: { name: string; count: number }[];
  properties: Property[];
};
export type SchemaValues = {
  values: { value: string | number | boolean; count: number }[];
  more: boolean;
};

export type Session = {
  signed_in: boolean;
  name?: string;
  role?: 'owner';
  csrf?: string;
  owner_exists: boolean;
  /** This browser may ask questions: it is signed in, or on the machine of the server while that is enough. */
  may_read: boolean;
  /** It could set up the owner, had it a token. */
  may_create_owner: boolean;
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

export type Upload = { upload: string; name: string; bytes: number; expires_at: string };
export type ImportRole =
  | 'person'
  | 'anonymous_id'
  | 'event'
  | 'time'
  | 'received_at'
  | 'message_id'
  | 'channel'
  | 'property'
  | 'ignore';
export type ImportColumn = {
  name: string;
  role: ImportRole;
  /** What a property is called, where that is not the column's name. */
  property?: string;
  type: PropertyType;
  samples: string[];
};
/** How an uploaded file is to be read; what is left out is recognised. */
export type ImportRequest = Omit<ImportOptions, 'files' | 'sql'> & { upload: string };
export type ImportPreview = {
  format: string;
  delimiter?: string;
  header?: boolean;
  /** The one event of all rows. */
  event?: string;
  timezone: string;
  columns: ImportColumn[];
  remarks: string[];
  rows: {
    line: number;
    time: string;
    event: string;
    user_id?: string;
    anonymous_id?: string;
    message_id?: string;
    channel?: string;
    properties: Record<string, unknown>;
  }[];
  /** `column` counts from 1 in CSV; in JSON it is the byte of the line. */
  rejects: { line: number; column?: number; reason: string; message: string; text: string }[];
  rows_read: number;
  rows_rejected: number;
  /** Why nothing can be imported yet; rows and rejects are empty then. */
  problem?: { reason: string; detail: string };
};
export type ImportRecord = {
  import: number;
  state: 'done' | 'undone' | 'unfinished';
  files: { name: string; bytes: number }[];
  source: string;
  started_at: string;
  finished_at?: string;
  rows: number;
  events: number;
  duplicates: number;
  rejected: number;
  has_rejects: boolean;
};
