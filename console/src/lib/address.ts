// SPDX-License-Identifier: Apache-2.0
//
// Reads from the address, where anything may stand: what is not good is as if it were not there.

export function oneOf<T extends string>(text: string | null, list: readonly T[], other: T): T {
  return list.includes(text as T) ? (text as T) : other;
}

export function wholeNumber(text: string | null, least: number, most: number): number | undefined {
  if (text === null || !/^\d{1,9}$/.test(text)) return undefined;
  const n = Number(text);
  return n >= least && n <= most ? n : undefined;
}

/** Sets what says something: nothing absent or empty, and no default. */
export function setIfSaid(
  query: URLSearchParams,
  name: string,
  value: string | number | null | undefined,
  unless?: string | number,
): void {
  if (value === null || value === undefined || value === '' || value === unless) return;
  query.set(name, String(value));
}
