// SPDX-License-Identifier: Apache-2.0
//
// Who is here. The session itself is a cookie that no script can read; what is known of it is what
// the server says.
import { asProblem, request, setCsrf, setReadKey, whenAccessIsRefused } from './client';
import type { Problem, Session } from './contract';

let session = $state.raw<Session>();
let problem = $state.raw<Problem>();
let usesKey = $state(false);

export const access = {
  /** Undefined until the server has told, or where it cannot be reached. */
  get session(): Session | undefined {
    return session;
  },
  get problem(): Problem | undefined {
    return problem;
  },
  get isSignedIn(): boolean {
    return session?.signed_in ?? false;
  },
  get mayRead(): boolean {
    return usesKey || (session?.may_read ?? false);
  },
  get usesKey(): boolean {
    return usesKey;
  },
};

function keep(next: Session): void {
  session = next;
  problem = undefined;
  setCsrf(next.csrf);
}

export async function loadSession(): Promise<void> {
  try {
    keep(await request<Session>('GET', '/api/v1/session'));
  } catch (error) {
    problem = asProblem(error);
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  keep(await request<Session>('POST', '/api/v1/session', { name, password }));
  forgetKey();
}

export async function signOut(): Promise<void> {
  await request('DELETE', '/api/v1/session');
  forgetKey();
  await loadSession();
}

export async function createOwner(token: string, name: string, password: string): Promise<void> {
  keep(await request<Session>('POST', '/api/v1/owner', { token, name, password }));
  forgetKey();
}

export const isReadKey = (text: string): boolean => /^hf_r_[\w-]{43}$/.test(text);

/** Reads with a key from now on, if the server takes it. */
export async function useKey(key: string): Promise<void> {
  setReadKey(key);
  try {
    await request('GET', '/api/v1/sources');
    usesKey = true;
  } catch (error) {
    forgetKey();
    throw error;
  }
}

export function forgetKey(): void {
  setReadKey(undefined);
  usesKey = false;
}

// A session ends on the server, by time or elsewhere: then the pages make room for signing in.
whenAccessIsRefused(() => {
  if (!access.mayRead) return;
  forgetKey();
  void loadSession();
});
