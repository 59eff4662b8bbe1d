// SPDX-License-Identifier: Apache-2.0
//
// The server-sent events of /api/v1/live. Read by fetch and not by EventSource, which can neither
// send a key nor tell why it was refused.
import { asProblem, problemOf, readingHeaders } from './client';
import type { LiveEvent, Refusal } from './contract';
import type { Problem } from './contract';

export type Told = {
  event?: (event: LiveEvent) => void;
  refusal?: (refusal: Refusal) => void;
  skipped?: (count: number) => void;
  state: (connected: boolean, problem?: Problem) => void;
};

const again_after_ms = 2000;
/** The server says something each second. */
const silent_after_ms = 10_000;

function tell(told: Told, name: string, data: string): void {
  try {
    const value = JSON.parse(data) as never;
    if (name === 'event') told.event?.(value);
    else if (name === 'refusal') told.refusal?.(value);
    else if (name === 'skipped') told.skipped?.((value as { count: number }).count);
  } catch {
    // One message that cannot be read is no reason to stop listening.
  }
}

async function listen(told: Told, signal: AbortSignal): Promise<Problem | undefined> {
  const line = new AbortController();
  const stop = () => line.abort();
  signal.addEventListener('abort', stop, { once: true });
  let watch = setTimeout(stop, silent_after_ms);
  try {
    const response = await fetch('/api/v1/live', {
      headers: { ...readingHeaders(), Accept: 'text/event-stream' },
      signal: line.signal,
      cache: 'no-store',
    });
    if (!response.ok || !response.body) {
      const id = response.headers.get('X-Request-Id');
      return problemOf(response.status, await response.text(), id, null);
    }
    told.state(true);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      clearTimeout(watch);
      watch = setTimeout(stop, silent_after_ms);
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        let name = '';
        let data = '';
        for (const text of block.split(/\r?\n/)) {
          if (text.startsWith('event: ')) name = text.slice(7);
          else if (text.startsWith('data: ')) data += text.slice(6);
        }
        if (name && data) tell(told, name, data);
      }
    }
  } catch (error) {
    if (line.signal.aborted || error instanceof TypeError) return undefined;
    return asProblem(error);
  } finally {
    clearTimeout(watch);
    signal.removeEventListener('abort', stop);
  }
}

/** Listens until told to stop, and again whenever the line breaks. */
export function watchLive(told: Told): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  async function run(): Promise<void> {
    const problem = await listen(told, abort.signal);
    if (abort.signal.aborted) return;
    told.state(false, problem);
    // Without a key there is no use in asking again.
    if (problem && problem.status < 500) return;
    timer = setTimeout(() => void run(), again_after_ms);
  }
  void run();
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}
