// SPDX-License-Identifier: Apache-2.0
import { asProblem, Refused, request, setAccessKey } from './client';
import type { Problem } from './contract';

let kind = $state<'read' | 'admin'>();

export const entered = {
  get kind(): 'read' | 'admin' | undefined {
    return kind;
  },
  get isAdmin(): boolean {
    return kind === 'admin';
  },
};

export const isAccessKey = (text: string): boolean => /^hf_[ra]_[\w-]{43}$/.test(text);

/** Takes a key into use if the server does; says what it says against it. */
export async function enterKey(key: string): Promise<Problem | undefined> {
  setAccessKey(key);
  try {
    await request('GET', key.startsWith('hf_a_') ? '/api/v1/keys' : '/api/v1/sources');
    kind = key.startsWith('hf_a_') ? 'admin' : 'read';
    return undefined;
  } catch (error) {
    // What is wrong with the server, and not with the key, is no reason to forget it.
    if (error instanceof Refused && error.status !== 401 && error.status !== 403) {
      return asProblem(error);
    }
    forgetKey();
    return asProblem(error);
  }
}

export function forgetKey(): void {
  setAccessKey(undefined);
  kind = undefined;
}
