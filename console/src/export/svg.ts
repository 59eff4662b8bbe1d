// SPDX-License-Identifier: Apache-2.0
//
// What pictures have in common: colours as they are on screen, and a frame around a chart.

const pad = 24;

export const escapeXml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** Colours as they are on screen now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Puts a title above a chart's SVG and the names of its lines below. */
export function framedSvg(
  chart: string,
  size: { width: number; height: number },
  title: string,
  names: { name: string; colour: string }[],
): string {
  const columns = Math.max(1, Math.floor((size.width - 2 * pad) / 170));
  const rows = Math.ceil(names.length / columns);
  const height = 64 + size.height + rows * 22 + pad;
  const font = escapeXml(colour('--font'));
  const legend = names.map(({ name, colour: fill }, at) => {
    const x = pad + (at % columns) * 170;
    const y = 64 + size.height + Math.floor(at / columns) * 22 + 8;
    const short = name.length > 22 ? `${name.slice(0, 21)}…` : name;
    return (
      `<rect x="${x}" y="${y}" width="12" height="4" rx="2" fill="${fill}"/>` +
      `<text x="${x + 18}" y="${y + 7}" fill="${colour('--ink-2')}">${escapeXml(short)}</text>`
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${height}" ` +
    `font-family="${font}" font-size="12">` +
    `<rect width="${size.width}" height="${height}" fill="${colour('--surface')}"/>` +
    `<text x="${pad}" y="40" fill="${colour('--ink')}" font-size="17" font-weight="600">` +
    `${escapeXml(title)}</text>` +
    chart.replace('<svg ', '<svg y="56" ') +
    `${legend.join('')}</svg>`
  );
}
