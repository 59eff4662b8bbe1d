// SPDX-License-Identifier: Apache-2.0
//
// A question as one asks it elsewhere: in a shell, or by HTTP.
import type { Json } from '../api/contract';

/** Whether the command line takes a name as it is; others are written as a matcher in JSON. */
export const isPlainName = (event: string): boolean => !/^[-{[]|:/.test(event);

/** Quotes for a POSIX shell where it would read anything into the text. */
export function quoted(text: string): string {
  if (/^[A-Za-z0-9_./:=,@%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function commandOf(words: (string | undefined)[][]): string {
  const given = words.filter((word) => word.every((part) => part !== undefined));
  const lines = given.map(([name, ...values]) =>
    [name, ...values.map((value) => quoted(value!))].join(' '),
  );
  return lines.join(' \\\n  ');
}

/** Flags named as members of the query are; what the query does not say is left out. */
export function flags(query: Record<string, Json>, names: string[]): (string | undefined)[][] {
  return names.map((name) => {
    const value = query[name];
    const isScalar = typeof value !== 'object';
    const text = value === undefined ? undefined : isScalar ? String(value) : JSON.stringify(value);
    return [`--${name.replaceAll('_', '-')}`, text];
  });
}

export function curlOf(query: Json): string {
  const body = JSON.stringify(query).replaceAll("'", "'\\''");
  return `curl ${location.origin}/api/v1/query \\\n  -d '${body}'`;
}

/** For what no command has flags for: the question as it is, given to `holdfast query`. */
export const queryCommand = (query: Json): string =>
  `holdfast query - <<'QUESTION'\n${JSON.stringify(query)}\nQUESTION`;
