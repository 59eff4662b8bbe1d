// SPDX-License-Identifier: Apache-2.0
//
// What the data hold: names for the pickers, the first and last day. Asked once, and again when a
// page says that data came.
import { todayIn } from '../lib/format';
import { asProblem, request } from './client';
import type { Problem, Property, Schema, SchemaValues } from './contract';

let schema = $state.raw<Schema>();
let problem = $state.raw<Problem>();
let loading: Promise<void> | undefined;
const narrowed = new Map<string, Promise<Property[]>>();

export const workspace = {
  get schema(): Schema | undefined {
    return schema;
  },
  get problem(): Problem | undefined {
    return problem;
  },
  get isEmpty(): boolean {
    return schema !== undefined && schema.last_day === undefined;
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

async function read(): Promise<void> {
  try {
    schema = await request<Schema>('GET', '/api/v1/schema');
    problem = undefined;
  } catch (error) {
    problem = asProblem(error);
  }
}

export function loadWorkspace(anew = false): Promise<void> {
  if (anew || problem !== undefined) loading = undefined;
  if (anew) narrowed.clear();
  loading ??= read();
  return loading;
}

/** Forgets all, so that nothing of the data stays on screen for who may not see them. */
export function forgetWorkspace(): void {
  schema = undefined;
  problem = undefined;
  loading = undefined;
  narrowed.clear();
}

/** The properties that events of this name carry; those of all events where that cannot be told. */
export function propertiesOf(event: string): Promise<Property[]> {
  const all = schema?.properties ?? [];
  if (event === '*' || event === '') return Promise.resolve(all);
  let found = narrowed.get(event);
  if (!found) {
    found = request<Schema>('GET', `/api/v1/schema?${new URLSearchParams({ event })}`)
      .then((answer) => answer.properties)
      .catch(() => all);
    narrowed.set(event, found);
  }
  return found;
}

/** The most frequent values of a property in which `search` occurs. */
export function valuesOf(
  property: string,
  event: string,
  search: string,
  signal: AbortSignal,
): Promise<SchemaValues> {
  const query = new URLSearchParams({ property });
  if (event !== '*' && event !== '') query.set('event', event);
  if (search !== '') query.set('search', search);
  return request('GET', `/api/v1/schema/values?${query}`, undefined, signal);
}
