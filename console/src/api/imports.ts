// SPDX-License-Identifier: Apache-2.0
//
// Files become events: uploaded, looked at, imported, taken away again.
import { chosen } from './by_column';
import { newIdempotencyKey, problemOf, Refused, request, unreachable, writingHeaders } from './client';
import type {
  ImportPreview,
  ImportRecord,
  ImportRequest,
  ImportRole,
  PropertyType,
  Upload,
} from './contract';
import type { ImportJob, ListImportJobsAnswer } from './types';

export const roles = [
  'person',
  'anonymous_id',
  'event',
  'time',
  'received_at',
  'message_id',
  'channel',
  'property',
  'ignore',
] as const satisfies readonly ImportRole[];
export const property_types = ['text', 'number', 'boolean'] as const satisfies readonly PropertyType[];

/** What a person chose against what was recognised. */
export type Choices = {
  /** By column. */
  roles: Record<string, ImportRole>;
  /** By column: what its property is called. */
  names: Record<string, string>;
  /** By column. */
  types: Record<string, PropertyType>;
  /** The event of every row; empty, a column says it. */
  event: string;
  time_format: string;
  timezone: string;
  delimiter: string;
  header: boolean;
  source: string;
  identify_rows: boolean;
  strict: boolean;
};

/** The server would take a property of this name for the role. */
export const isRole = (name: string): boolean =>
  name !== 'property' && (roles as readonly string[]).includes(name);

export const nothing_chosen: Choices = {
  roles: {},
  names: {},
  types: {},
  event: '',
  time_format: '',
  timezone: '',
  delimiter: '',
  header: true,
  source: '',
  identify_rows: false,
  strict: false,
};

/** As the flags of `holdfast import` say it: `role=column`, `event==name`, `property=column`. */
export function requestOf(upload: string, choices: Choices): ImportRequest {
  const map: string[] = [];
  for (const [column, role] of Object.entries(choices.roles)) {
    if (role !== 'property') map.push(`${role}=${column}`);
    // A column that was taken for something else becomes a property by its name.
    else if (!chosen(choices.names, column)) map.push(`${column}=${column}`);
  }
  for (const [column, name] of Object.entries(choices.names)) {
    if ((chosen(choices.roles, column) ?? 'property') === 'property') map.push(`${name}=${column}`);
  }
  if (choices.event) map.push(`event==${choices.event}`);
  const types = Object.entries(choices.types).map(([column, type]) => `${column}=${type}`);
  return {
    upload,
    ...(map.length > 0 ? { map } : {}),
    ...(types.length > 0 ? { types } : {}),
    ...(choices.time_format ? { time_format: choices.time_format } : {}),
    ...(choices.timezone ? { timezone: choices.timezone } : {}),
    ...(choices.delimiter ? { delimiter: choices.delimiter } : {}),
    ...(choices.header ? {} : { header: false }),
    ...(choices.source ? { source: choices.source } : {}),
    ...(choices.identify_rows ? { identify_rows: true } : {}),
    ...(choices.strict ? { strict: true } : {}),
  };
}

/** Sends a file as it is. fetch tells nothing of an upload's progress, so this is XMLHttpRequest. */
export function upload(
  file: File,
  signal: AbortSignal,
  progress: (sent: number) => void,
): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open('POST', `/api/v1/uploads?${new URLSearchParams({ name: file.name })}`);
    for (const [name, value] of Object.entries(writingHeaders())) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => progress(event.loaded);
    call.onload = () => {
      if (call.status === 201) {
        try {
          resolve(JSON.parse(call.responseText) as Upload);
        } catch {
          reject(new Refused({ ...unreachable, reason: 'bad_answer' }));
        }
        return;
      }
      const id = call.getResponseHeader('X-Request-Id');
      const retryAfter = call.getResponseHeader('Retry-After');
      reject(new Refused(problemOf(call.status, call.responseText, id, retryAfter)));
    };
    call.onerror = () => reject(new Refused(unreachable));
    call.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    signal.addEventListener('abort', () => call.abort(), { once: true });
    call.send(file);
  });
}

/** It goes by itself in time; this makes room at once. */
export async function discard(id: string): Promise<void> {
  try {
    await request('DELETE', `/api/v1/uploads/${encodeURIComponent(id)}`);
  } catch {
    // Gone already, or it will be.
  }
}

export function preview(id: string, choices: Choices, signal: AbortSignal): Promise<ImportPreview> {
  // Whether the whole file is refused over one row is asked when it is imported.
  const body = requestOf(id, { ...choices, strict: false });
  return request('POST', '/api/v1/imports/preview', body, signal);
}

export function start(id: string, choices: Choices): Promise<ImportJob> {
  return request('POST', '/api/v1/imports', requestOf(id, choices), undefined, newIdempotencyKey());
}

export async function listJobs(): Promise<ImportJob[]> {
  return (await request<ListImportJobsAnswer>('GET', '/api/v1/imports/jobs')).jobs;
}

export async function listImports(): Promise<ImportRecord[]> {
  return (await request<{ imports: ImportRecord[] }>('GET', '/api/v1/imports')).imports;
}

export const cancelJob = (job: number): Promise<ImportJob> =>
  request('POST', `/api/v1/imports/jobs/${job}/cancel`);
export const undoImport = (id: number): Promise<ImportRecord> =>
  request('POST', `/api/v1/imports/${id}/undo`);
export const rejectsHref = (id: number): string => `/api/v1/imports/${id}/rejects`;

// -- The address ----------------------------------------------------------------------------------

/** Only what differs from nothing chosen. */
export function writeChoices(choices: Choices): string | null {
  const changed = Object.entries(choices).filter(
    ([name, value]) =>
      JSON.stringify(value) !== JSON.stringify(nothing_chosen[name as keyof Choices]),
  );
  return changed.length === 0 ? null : JSON.stringify(Object.fromEntries(changed));
}

function readByColumn<T extends string>(
  value: unknown,
  isGood: (text: string) => text is T,
): Record<string, T> {
  if (typeof value !== 'object' || value === null) return {};
  const found = Object.entries(value).filter(
    (entry): entry is [string, T] => typeof entry[1] === 'string' && isGood(entry[1]),
  );
  return Object.fromEntries(found);
}

export function readChoices(text: string | null): Choices {
  let read: unknown;
  try {
    read = JSON.parse(text ?? '{}');
  } catch {
    read = {};
  }
  const found = (typeof read === 'object' && read !== null ? read : {}) as Record<string, unknown>;
  const text_of = (name: string) => (typeof found[name] === 'string' ? found[name] : '');
  return {
    roles: readByColumn(found.roles, (one): one is ImportRole => (roles as readonly string[]).includes(one)),
    names: readByColumn(found.names, (one): one is string => one !== ''),
    types: readByColumn(found.types, (one): one is PropertyType =>
      (property_types as readonly string[]).includes(one),
    ),
    event: text_of('event'),
    time_format: text_of('time_format'),
    timezone: text_of('timezone'),
    delimiter: text_of('delimiter'),
    header: found.header !== false,
    source: text_of('source'),
    identify_rows: found.identify_rows === true,
    strict: found.strict === true,
  };
}
