// SPDX-License-Identifier: Apache-2.0
//
// Bars of shares, such as those of a funnel, as a picture of its own, of presentation attributes alone.
import { colour, escapeXml } from './svg';

export type FunnelPicture = {
  title: string;
  note: string;
  steps: {
    name: string;
    bars: { name: string; share: number; previousShare: number; text: string }[];
  }[];
};

const pad = 24;
const width = 960;
const name_wide = 220;
const text_wide = 200;
const palette = 8;

export function funnelSvg({ title, note, steps }: FunnelPicture): string {
  const compared = steps.some((step) => step.bars.length > 1);
  const bar_high = compared ? 20 : 36;
  const gap = compared ? 18 : 14;
  const group_wide = compared ? 120 : 0;
  const left = pad + name_wide + group_wide;
  const room = width - left - text_wide - pad;
  const top = 72;
  const out: string[] = [];
  const cut = (text: string, most: number) =>
    escapeXml(text.length > most ? `${text.slice(0, most - 1)}…` : text);
  let y = top;
  steps.forEach((step) => {
    out.push(
      `<text x="${pad}" y="${y + bar_high / 2 + 5}" fill="${colour('--ink')}" font-weight="600">` +
        `${cut(step.name, 28)}</text>`,
    );
    step.bars.forEach((bar, at) => {
      const middle = y + bar_high / 2 + 5;
      if (compared) {
        out.push(
          `<text x="${pad + name_wide}" y="${middle}" fill="${colour('--ink-2')}">${cut(bar.name, 16)}</text>`,
        );
      }
      const rect = (wide: number, fill: string) =>
        `<rect x="${left}" y="${y}" width="${(wide * room).toFixed(1)}" height="${bar_high}" rx="4" fill="${fill}"/>`;
      out.push(
        rect(1, colour('--sunken')),
        rect(bar.previousShare, colour('--line')),
        rect(bar.share, colour(`--series-${compared ? at % palette : 0}`)),
        `<text x="${width - pad}" y="${middle}" text-anchor="end" fill="${colour('--ink')}">` +
          `${escapeXml(bar.text)}</text>`,
      );
      y += bar_high + 3;
    });
    y += gap;
  });
  const height = y + 36;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="${escapeXml(colour('--font'))}" font-size="13">` +
    `<rect width="${width}" height="${height}" fill="${colour('--surface')}"/>` +
    `<text x="${pad}" y="40" fill="${colour('--ink')}" font-size="17" font-weight="600">${escapeXml(title)}</text>` +
    `${out.join('')}<text x="${pad}" y="${height - 20}" fill="${colour('--ink-3')}" font-size="12">` +
    `${escapeXml(note)}</text></svg>`
  );
}
