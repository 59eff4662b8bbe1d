// SPDX-License-Identifier: Apache-2.0
//
// A page of one question: the address says what is asked, the server is asked it, and what is on
// screen is known to be the answer to what.
import { Asking } from '../api/asking.svelte';
import type { Json } from '../api/contract';
import type { Answer } from '../api/contract';
import { workspace } from '../api/workspace.svelte';
import { go, route } from '../lib/router.svelte';
import type { Behind } from './members.svelte';

type Kind<State> = {
  path: string;
  read: (query: URLSearchParams) => State;
  write: (state: State) => URLSearchParams;
  json: (state: State) => Record<string, Json>;
};

export type Questioning<State, Said extends Answer> = {
  /** The question as the address says it. */
  readonly now: State;
  readonly json: Record<string, Json>;
  /** The question that `answer` is the answer to: words must not run ahead of numbers. */
  readonly asked: State | undefined;
  readonly answer: Said | undefined;
  /** What the persons behind a cell of `answer` are asked for by. */
  readonly behind: Behind | undefined;
  readonly asking: Asking<Said>;
  set: (changes: Partial<State>) => void;
};

/** To be called while a component is made. */
export function questioning<State, Said extends Answer>(kind: Kind<State>): Questioning<State, Said> {
  const now = $derived(kind.read(route.query));
  const json = $derived(kind.json(now));
  const asking = new Asking<Said>();
  let asked = $state.raw<State>();
  let latest: State | undefined;

  // The address says all that is shown, so that defaults of today do not change a link of yesterday.
  $effect(() => {
    if (!workspace.schema || workspace.isEmpty) return;
    go(kind.path, kind.write(now), 'replace');
  });
  $effect(() => {
    if (!workspace.schema || workspace.isEmpty) return;
    const question = now;
    latest = question;
    void asking.ask(json).then(() => {
      if (question === latest) asked = question;
    });
  });
  let isLeft = false;
  $effect(() => () => {
    isLeft = true;
    latest = undefined;
    asking.stop();
  });

  return {
    get now() {
      return now;
    },
    get json() {
      return json;
    },
    get asked() {
      return asked;
    },
    get answer() {
      return asking.answer;
    },
    get behind() {
      const answer = asking.answer;
      if (!asked || !answer) return undefined;
      return { json: kind.json(asked), as_of: answer.as_of, data_version: answer.data_version };
    },
    asking,
    set: (changes) => {
      if (!isLeft) go(kind.path, kind.write({ ...now, ...changes }));
    },
  };
}
