// SPDX-License-Identifier: Apache-2.0
//
// What of an answer is looked into: "dormant" of "2026-01-05", of a group or of all. In the address
// as `dormant~2026-01-05~-1`.
import { wholeNumber } from '../lib/address';

export type Cell = { what: string; at: string; group: number };

export function readCell(text: string | null): Cell | undefined {
  const [what, at, group] = (text ?? '').split('~');
  if (!what || at === undefined) return undefined;
  return { what, at, group: wholeNumber(group ?? null, 0, 1001) ?? -1 };
}

export const writeCell = (cell: Cell | undefined): string | undefined =>
  cell && `${cell.what}~${cell.at}~${cell.group}`;
