// SPDX-License-Identifier: Apache-2.0
//
// Shapes of answers: those of docs/api/openapi.yaml under the names pages use, and what it leaves
// open, which are DATA of each metric (docs/metrics.md) and what a live stream says.
import type { Answer as AnyAnswer, ImportOptions, ImportPreview, Problem as Told, Schema } from './types';

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

/** What every answer has; its data are the metric's. */
export type Answer = Omit<AnyAnswer, 'data'> & { data: unknown };

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
export type Grouped<T> = { groups: (T & { bucket: Bucket[] })[]; total: T };
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

/** Null where there is nothing to be measured; formula and previous where they were asked for. */
export type Series = {
  label: string;
  values: (number | null)[];
  total: number | null;
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

export type FunnelStep = {
  label: string;
  count: number;
  from_first: Rate;
  from_previous: Rate | null;
  seconds: Spread | null;
};
/** Null where there is nobody. */
export type Spread = { mean: number | null; median: number | null; p90: number | null };
export type FunnelSteps = { steps: FunnelStep[] };
export type FunnelTrend = {
  periods: { start: string; complete: boolean; entered: number; completed: number }[];
};
export type FunnelTimes = {
  bins: { from: number; to: number; count: number }[];
  count: number;
  seconds: Spread | null;
};
export type FunnelData = FunnelSteps | FunnelTrend | FunnelTimes;
export type FunnelAnswer = Answer & { data: FunnelData | Grouped<FunnelData> };

export type LifecycleTable = {
  periods: {
    start: string;
    complete: boolean;
    new: number;
    returning: number;
    resurrecting: number;
    dormant: number;
    active: number;
    quick_ratio: Rate;
  }[];
};
export type LifecycleAnswer = Answer & { data: LifecycleTable | Grouped<LifecycleTable> };

export type ActivePeriods = { histogram: { active_periods: number; count: number }[] };
export type ActiveDays = {
  over_time: {
    start: string;
    complete: boolean;
    dau: number;
    wau: number;
    mau: number;
    l7: { days: number; persons: number };
    l28: { days: number; persons: number };
  }[];
};
export type StickinessData = ActivePeriods | ActiveDays;
export type StickinessAnswer = Answer & { data: StickinessData | Grouped<StickinessData> };

export type SetSize = { label: string; count: number };
export type Overlap = { sets: SetSize[]; exactly_in: { in: string[]; count: number }[] };
export type Size = { count: number } & Partial<Overlap>;
export type SegmentAnswer = Answer & { data: { known: number } & (Size | Grouped<Size>) };

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
