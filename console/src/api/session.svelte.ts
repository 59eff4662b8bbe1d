// SPDX-License-Identifier: Apache-2.0
import { Refused, request, setCsrf } from './client';
import type { Session } from './contract';

let session = $state.raw<Session>();
let isBuilt = $state(true);

export const access = {
  get session(): Session | undefined {
    return session;
  },
  /** False where the server knows of no sign-in: then there is nothing to sign in to. */
  get isBuilt(): boolean {
    return isBuilt;
  },
  get mayRead(): boolean {
    if (!isBuilt || !session) return true;
    return session.signed_in || (!session.owner_exists && session.loopback);
  },
  get needsOwner(): boolean {
    return isBuilt && session !== undefined && !session.owner_exists;
  },
};

function keep(next: Session | undefined): void {
  if (!next) return;
  session = next;
  setCsrf(next.csrf);
}

export async function loadSession(): Promise<void> {
  try {
    keep(await request<Session>('GET', '/api/v1/session'));
    isBuilt = true;
  } catch (error) {
    // A server that cannot be reached is told of by the page that asks it for data.
    if (error instanceof Refused && error.status === 404) isBuilt = false;
  }
}

export async function signIn(
  proof: { token: string } | { name: string; password: string },
): Promise<void> {
  await request('POST', '/api/v1/session', proof);
  await loadSession();
}

export async function signOut(): Promise<void> {
  await request('DELETE', '/api/v1/session');
  await loadSession();
}

export async function createOwner(owner: {
  token: string;
  name: string;
  password: string;
}): Promise<void> {
  await request('POST', '/api/v1/owner', owner);
  await loadSession();
}
