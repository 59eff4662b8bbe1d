// SPDX-License-Identifier: Apache-2.0
import { asProblem, isAbort, request } from './client';
import type { Problem } from './contract';

const slow_after_ms = 300;

/**
 * One place on a page where questions are answered. A new question cancels the one before it; the
 * old answer stays on screen until the new one is there. `slow` turns true when an answer takes so
 * long that a person starts to wonder.
 */
export class Asking<T> {
  answer = $state.raw<T>();
  problem = $state.raw<Problem>();
  busy = $state(false);
  slow = $state(false);
  #abort: AbortController | undefined;
  #asked: string | undefined;
  #last: (() => Promise<void>) | undefined;
  #running: Promise<void> | undefined;

  /** Asks again what was asked last, also where it was answered. */
  async again(): Promise<void> {
    await this.#last?.();
  }

  async ask(question: unknown): Promise<void> {
    const text = JSON.stringify(question);
    if (text !== this.#asked) {
      this.#asked = text;
      this.#running = this.#run((signal) => request<T>('POST', '/api/v1/query', question, signal));
    }
    await this.#running;
  }

  async get(path: string): Promise<void> {
    await this.#run((signal) => request<T>('GET', path, undefined, signal));
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.#asked = undefined;
    this.busy = false;
    this.slow = false;
  }

  async #run(send: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#abort?.abort();
    this.#last = () => this.#run(send);
    const abort = new AbortController();
    this.#abort = abort;
    this.busy = true;
    const timer = setTimeout(() => (this.slow = abort === this.#abort), slow_after_ms);
    try {
      const answer = await send(abort.signal);
      if (abort !== this.#abort) return;
      this.answer = answer;
      this.problem = undefined;
    } catch (error) {
      if (abort !== this.#abort || isAbort(error)) return;
      this.problem = asProblem(error);
      this.#asked = undefined;
    } finally {
      clearTimeout(timer);
      if (abort === this.#abort) {
        this.busy = false;
        this.slow = false;
      }
    }
  }
}
