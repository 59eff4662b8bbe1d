// SPDX-License-Identifier: Apache-2.0
import { asProblem, newIdempotencyKey, request } from '../../api/client';
import { maybe } from '../../i18n/index.svelte';
import { say } from '../../ui/toast.svelte';

/** Changes sources or keys, once; what the server says against it is told. */
export async function post<T>(path: string, body?: unknown): Promise<T | undefined> {
  try {
    return await request<T>('POST', path, body, undefined, newIdempotencyKey());
  } catch (error) {
    const problem = asProblem(error);
    say(maybe(`reason.${problem.reason}`) ?? problem.detail ?? problem.title, 'danger');
    return undefined;
  }
}
