// SPDX-License-Identifier: Apache-2.0
//
// What the data hold: names for the pickers, the first and last day. Asked once, and again when a
// page says that data came. Where the server has no /api/v1/schema the days are found by two
// questions, and pickers take free text.
import { addDays, addMonths, todayIn } from '../lib/format';
import { asProblem, Refused, request } from './client';
import type { Property, Schema, TrendAnswer } from './contract';
import type { Problem } from './contract';

let schema = $state.raw<Schema>();
let problem = $state.raw<Problem>();
let isListed = $state(false);
let loading: Promise<void> | undefined;
const narrowed = new Map<string, Promise<Property[] | undefined>>();

export const workspace = {
  get schema(): Schema | undefined {
    return schema;
  },
  get problem(): Problem | undefined {
    return problem;
  },
  /** Whether names come from the server, or have to be typed. */
  get isListed(): boolean {
    return isListed;
  },
  get isEmpty(): boolean {
    return schema !== undefined && schema.last_day === null;
  },
  get timezone(): string {
    return schema?.timezone ?? 'UTC';
  },
  /**
   * The day regarded as now, or undefined where that is now: data that ended long ago are looked at
   * from their end, as the command line does.
   */
  get asOf(): string | undefined {
    const last = schema?.last_day;
    return last && last < todayIn(schema!.timezone) ? last : undefined;
  },
  /** The last day there can be data of. */
  get lastDay(): string {
    return this.asOf ?? todayIn(this.timezone);
  },
  get firstDay(): string {
    return schema?.first_day ?? this.lastDay;
  },
};

async function trend(period: string, from?: string, to?: string): Promise<TrendAnswer> {
  const series = [{ event: '*' }];
  return request('POST', '/api/v1/query', { metric: 'trend', series, period, from, to });
}

/** Finds first and last day by asking for months, then for the days of the last one. */
async function scouted(): Promise<Schema> {
  const months = await trend('month');
  const data = months.data as { periods: string[]; series: { values: number[] }[] };
  const values = data.series[0].values;
  const last = values.findLastIndex((value) => value > 0);
  let last_day: string | null = null;
  if (last >= 0) {
    const from = data.periods[last].slice(0, 8) + '01';
    const days = await trend('day', from, addDays(addMonths(from, 1), -1));
    const found = days.data as typeof data;
    const at = found.series[0].values.findLastIndex((value) => value > 0);
    last_day = found.periods[at] ?? null;
  }
  return {
    timezone: months.timezone,
    week_start: 'monday',
    first_day: last < 0 ? null : data.periods[0],
    last_day,
    events: [],
    properties: [],
  };
}

async function read(): Promise<void> {
  try {
    schema = await request<Schema>('GET', '/api/v1/schema');
    isListed = true;
    problem = undefined;
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) {
      problem = asProblem(error);
      return;
    }
    try {
      schema = await scouted();
      problem = undefined;
    } catch (second) {
      problem = asProblem(second);
    }
  }
}

export function loadWorkspace(anew = false): Promise<void> {
  if (anew || problem !== undefined) loading = undefined;
  if (anew) narrowed.clear();
  loading ??= read();
  return loading;
}

/** The properties that events of this name carry; those of all events while that is unknown. */
export function propertiesOf(event: string): Promise<Property[] | undefined> {
  if (!isListed || event === '*' || event === '') return Promise.resolve(schema?.properties);
  let found = narrowed.get(event);
  if (!found) {
    found = request<Schema>('GET', `/api/v1/schema?event=${encodeURIComponent(event)}`)
      .then((answer) => answer.properties)
      .catch(() => schema?.properties);
    narrowed.set(event, found);
  }
  return found;
}
