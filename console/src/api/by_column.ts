// SPDX-License-Identifier: Apache-2.0
//
// What is chosen for columns of a file, by their names.

/** What was chosen for a column, which may be called anything: `constructor`, too. */
export function chosen<T>(byColumn: Record<string, T>, column: string): T | undefined {
  return Object.hasOwn(byColumn, column) ? byColumn[column] : undefined;
}

/** The same with another choice for the column, or none. */
export function choosing<T>(
  byColumn: Record<string, T>,
  column: string,
  choice: T | undefined,
): Record<string, T> {
  const others = Object.entries(byColumn).filter(([name]) => name !== column);
  return Object.fromEntries(choice === undefined ? others : [...others, [column, choice]]);
}
