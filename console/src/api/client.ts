// SPDX-License-Identifier: Apache-2.0
//
// Speaks to the server's API. A refusal becomes a Refused with the problem as the server said it,
// so that a screen can show message, reason and request id; nothing else is thrown but AbortError.
import type { Problem } from './contract';

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
  get reason(): string {
    return this.problem.reason;
  }
  get status(): number {
    return this.problem.status;
  }
}

let csrf: string | undefined;
let readKey: string | undefined;
let onRefusedAccess: (() => void) | undefined;

/** A key that a person entered: kept in memory, sent with each request. */
export function setReadKey(key: string | undefined): void {
  readKey = key;
}

export function readingHeaders(): Record<string, string> {
  return readKey === undefined ? {} : { Authorization: `Bearer ${readKey}` };
}

/** Told by the session; all requests that write send it back. */
export function setCsrf(token: string | undefined): void {
  csrf = token;
}

/** Called when the server says 401: what was allowed is no more. */
export function whenAccessIsRefused(call: () => void): void {
  onRefusedAccess = call;
}

export function writingHeaders(): Record<string, string> {
  return csrf === undefined ? readingHeaders() : { ...readingHeaders(), 'X-CSRF-Token': csrf };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'reason' in value && 'status' in value;
}

/** What is known of an answer that says no: a proxy in between may have said it, without a problem. */
export function problemOf(
  status: number,
  text: string,
  requestId: string | null,
  retryAfter: string | null,
): Problem {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (status === 401) onRefusedAccess?.();
  const problem: Problem = isProblem(body)
    ? { ...body }
    : { type: 'about:blank', title: `HTTP ${status}`, status, reason: `http_${status}` };
  if (!problem.request_id && requestId) problem.request_id = requestId;
  if (retryAfter !== null && Number.isFinite(Number(retryAfter))) {
    problem.retry_after = Number(retryAfter);
  }
  return problem;
}

export const unreachable: Problem = {
  type: 'about:blank',
  title: 'Unreachable',
  status: 0,
  reason: 'unreachable',
};

/** For one change: sent again under the same key it is done once. */
export function newIdempotencyKey(): string {
  // randomUUID is there on HTTPS and on the machine itself alone.
  if (crypto.randomUUID) return crypto.randomUUID();
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export async function request<T>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  idempotencyKey?: string,
): Promise<T> {
  const headers = method === 'GET' ? readingHeaders() : writingHeaders();
  if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      credentials: 'same-origin',
      cache: 'no-store',
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(unreachable);
  }
  if (response.ok) {
    if (text === '') return undefined as T;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new Refused({ ...unreachable, title: 'Not JSON', reason: 'bad_answer' });
    }
  }
  throw new Refused(
    problemOf(
      response.status,
      text,
      response.headers.get('X-Request-Id'),
      response.headers.get('Retry-After'),
    ),
  );
}

export const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';

/** Any failure as a problem to be shown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Refused) return error.problem;
  return {
    type: 'about:blank',
    title: 'Error',
    status: 0,
    reason: 'console_error',
    detail: error instanceof Error ? error.message : String(error),
  };
}
