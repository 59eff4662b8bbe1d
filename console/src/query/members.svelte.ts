// SPDX-License-Identifier: Apache-2.0
//
// Who is behind a cell of an answer, page after page. They are asked for as the answer was: of its
// data and seen from its moment, so that they are as many as the cell says.
import { asProblem, isAbort, Refused, request } from '../api/client';
import type { Json, Problem } from '../api/contract';
import type { Answer } from '../api/contract';
import type { Members } from '../api/types';

export type Member = Members['members'][number];
/** The question of an answer, without a cell, and what pins it to that answer. */
export type Behind = { json: Record<string, Json>; as_of: string; data_version: number };

const page_size = 100;
/** As many as one answer may have. */
const limit_max = 10_000;
/** How often in a row the data may have changed before that is said. */
const stale_max = 3;

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
  #of = '';
  #wanted = page_size;
  #stale = 0;

  constructor(readonly onstale: () => void) {}

  stop(): void {
    this.#abort?.abort();
    this.busy = false;
  }

  /** Of the same cell in newer data as many are asked for as were wanted before. */
  async begin(behind: Behind, cell: Json): Promise<void> {
    const of = JSON.stringify([behind.json, cell]);
    if (of !== this.#of) {
      this.#of = of;
      this.#wanted = page_size;
      this.#stale = 0;
      this.list = [];
      this.count = undefined;
    }
    this.cursor = null;
    await this.#load(behind, cell, null, this.#wanted);
  }

  async more(behind: Behind, cell: Json): Promise<void> {
    if (this.cursor === null || this.busy) return;
    this.#wanted = Math.min(limit_max, this.list.length + page_size);
    await this.#load(behind, cell, this.cursor, page_size);
  }

  async #load(
    { json, as_of, data_version }: Behind,
    cell: Json,
    cursor: string | null,
    limit: number,
  ): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    this.busy = true;
    this.problem = undefined;
    const members = { cell, data_version, limit, ...(cursor === null ? {} : { cursor }) };
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
      this.#stale = 0;
    } catch (error) {
      if (abort !== this.#abort || isAbort(error)) return;
      const isStale = error instanceof Refused && error.reason === 'stale_version';
      this.#stale = isStale ? this.#stale + 1 : 0;
      // The answer on screen is of older data: it is asked for anew, and the members with it.
      if (isStale && this.#stale <= stale_max) this.onstale();
      else this.problem = asProblem(error);
    } finally {
      if (abort === this.#abort) this.busy = false;
    }
  }
}
