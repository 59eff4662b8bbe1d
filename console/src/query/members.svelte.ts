// SPDX-License-Identifier: Apache-2.0
//
// Who is behind a cell of an answer, page after page. They are asked for as the answer was: of its
// data and seen from its moment, so that they are as many as the cell says.
import { asProblem, isAbort, Refused, request } from '../api/client';
import type { Json, Problem } from '../api/contract';
import type { Answer, Members } from '../api/types';

export type Member = Members['members'][number];
/** The question of an answer, without a cell, and what pins it to that answer. */
export type Behind = { json: Record<string, Json>; as_of: string; data_version: number };

const page_size = 100;

export class MemberList {
  list = $state.raw<Member[]>([]);
  /** Of all members; undefined until the first page is there. */
  count = $state<number>();
  /** The cell: how many events, where it counts events. */
  total = $state<number>();
  cursor = $state<string | null>(null);
  problem = $state.raw<Problem>();
  busy = $state(false);
  #abort: AbortController | undefined;

  constructor(readonly onstale: () => void) {}

  stop(): void {
    this.#abort?.abort();
    this.busy = false;
  }

  async begin(behind: Behind, cell: Json): Promise<void> {
    this.list = [];
    this.count = undefined;
    this.cursor = null;
    await this.#load(behind, cell, null);
  }

  async more(behind: Behind, cell: Json): Promise<void> {
    if (this.cursor !== null && !this.busy) await this.#load(behind, cell, this.cursor);
  }

  async #load({ json, as_of, data_version }: Behind, cell: Json, cursor: string | null): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    this.busy = true;
    this.problem = undefined;
    const members = { cell, data_version, limit: page_size, ...(cursor === null ? {} : { cursor }) };
    try {
      const answer = await request<Answer & { data: Members }>(
        'POST',
        '/api/v1/query',
        { ...json, as_of, members },
        abort.signal,
      );
      if (abort !== this.#abort) return;
      const { data } = answer;
      this.list = cursor === null ? data.members : [...this.list, ...data.members];
      this.count = data.count;
      this.total = data.total;
      this.cursor = data.cursor;
    } catch (error) {
      if (abort !== this.#abort || isAbort(error)) return;
      // The answer on screen is of older data: it is asked for anew, and the members with it.
      if (error instanceof Refused && error.reason === 'stale_version') this.onstale();
      else this.problem = asProblem(error);
    } finally {
      if (abort === this.#abort) this.busy = false;
    }
  }
}
