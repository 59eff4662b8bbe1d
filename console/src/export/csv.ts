// SPDX-License-Identifier: Apache-2.0
//
// CSV by RFC 4180, but safe to open in a spreadsheet: text that one would take for a formula gets an
// apostrophe before it. Numbers are numbers and stay as they are. All fields are as
// src/cli/answer_csv.cpp writes them; its lines end in a line feed alone, for those are printed, and
// these are saved to be opened.

/** A value that is there and is an empty text, as against none. */
export const empty_text = Symbol('""');
export type CsvValue = string | number | boolean | null | undefined | typeof empty_text;

const formula_begins = /^[=+\-@\t\r\n]/;
const number_form = /^[+-]?(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;

/** Whether text is a number of the data: a decimal of 64 bits and 9 places. */
function isDecimal(text: string): boolean {
  const [, whole, fraction, written = '0'] = number_form.exec(text) ?? [];
  if (whole === undefined) return false;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return true;
  // The number is `significant` times ten to this.
  const exponent = Number(written) - fraction.length + digits.length - significant.length;
  if (exponent < -9 || significant.length + exponent > 19) return false;
  const units = BigInt(significant + '0'.repeat(Math.max(0, exponent)));
  return units <= 2n ** 63n - (text.startsWith('-') ? 0n : 1n);
}

/** Digits alone, never 1e+21 or 1e-7: some spreadsheets show those as they are written. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return '';
  if (Number.isInteger(value)) return BigInt(value).toString();
  const text = String(value);
  const [, sign, one, more = '', tens] = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(text) ?? [];
  return one === undefined ? text : `${sign}0.${'0'.repeat(Number(tens) - 1)}${one}${more}`;
}

export function csvField(value: CsvValue): string {
  if (value === null || value === undefined) return '';
  if (value === empty_text) return '""';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return String(value);
  const safe = formula_begins.test(value) && !isDecimal(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvText(rows: CsvValue[][], line_end = '\r\n'): string {
  return rows.map((row) => row.map(csvField).join(',') + line_end).join('');
}

/** With a byte order mark, or spreadsheets of some systems read UTF-8 as something else. */
export const csvBlob = (rows: CsvValue[][]): Blob =>
  new Blob(['\ufeff', csvText(rows)], { type: 'text/csv;charset=utf-8' });
