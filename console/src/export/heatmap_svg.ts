// SPDX-License-Identifier: Apache-2.0
//
// The retention table as a picture of its own: only presentation attributes, so that it looks the
// same in a document, a slide and a browser with a strict policy.
import { colour, escapeXml } from './svg';

export type PictureCell = { text: string; heat: number; unfinished: boolean } | undefined;
export type Picture = {
  title: string;
  note: string;
  columns: string[];
  rows: { name: string; size: string; cells: PictureCell[] }[];
  sizeHead: string;
  cohortHead: string;
};

const cell_wide = 62;
const cell_high = 30;
const pad = 24;

export function heatmapSvg(picture: Picture): string {
  const longest = Math.max(8, ...picture.rows.map((row) => row.name.length));
  const name_wide = Math.min(220, 24 + longest * 8);
  const size_wide = 80;
  const left = pad + name_wide + size_wide;
  const top = 96;
  const width = Math.max(left + picture.columns.length * cell_wide + pad, 480);
  const height = top + picture.rows.length * cell_high + 56;
  const font = escapeXml(colour('--font'));
  const ink = colour('--ink');
  const quiet = colour('--ink-3');
  const out: string[] = [];
  const text = (x: number, y: number, words: string, fill: string, more = '') =>
    out.push(`<text x="${x}" y="${y}" fill="${fill}" ${more}>${escapeXml(words)}</text>`);

  out.push(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" font-family="${font}" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="${colour('--surface')}"/>`,
  );
  text(pad, 40, picture.title, ink, 'font-size="17" font-weight="600"');
  text(pad, top - 14, picture.cohortHead, quiet);
  text(left - 14, top - 14, picture.sizeHead, quiet, 'text-anchor="end"');
  picture.columns.forEach((name, at) =>
    text(left + (at + 0.5) * cell_wide, top - 14, name, quiet, 'text-anchor="middle"'),
  );
  picture.rows.forEach((row, line) => {
    const y = top + line * cell_high;
    text(pad, y + 20, row.name, ink);
    text(left - 14, y + 20, row.size, ink, 'text-anchor="end"');
    row.cells.forEach((cell, at) => {
      if (!cell) return;
      const x = left + at * cell_wide;
      const outline = cell.unfinished
        ? `fill="none" stroke="${quiet}" stroke-dasharray="3 3"`
        : `fill="${colour(`--heat-${cell.heat}`)}"`;
      out.push(
        `<rect x="${x + 1.5}" y="${y + 1.5}" width="${cell_wide - 3}" ` +
          `height="${cell_high - 3}" rx="3" ${outline}/>`,
      );
      const fill = cell.unfinished ? colour('--ink-2') : colour(`--heat-ink-${cell.heat}`);
      text(x + cell_wide / 2, y + 20, cell.text, fill, 'text-anchor="middle"');
    });
  });
  text(pad, height - 22, picture.note, quiet, 'font-size="12"');
  out.push('</svg>');
  return out.join('');
}
