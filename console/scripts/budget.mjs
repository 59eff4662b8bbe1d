// SPDX-License-Identifier: Apache-2.0
//
// Prints what the built console weighs, compressed as servers do, and fails over the budget: the
// shell (frame and the larger language, what every page needs), the heaviest page with the shell
// and all it needs besides charts, and the charts.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const built = process.env.CONSOLE_BUNDLE ?? fileURLToPath(new URL('../dist', import.meta.url));
const dist = `${built}/`;
const limits = { shell: 40 * 1024, page: 80 * 1024, charts: 220 * 1024 };

const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'));
const weights = new Map();
function weightOf(file) {
  if (!weights.has(file)) {
    weights.set(file, gzipSync(readFileSync(dist + file), { level: 9 }).length);
  }
  return weights.get(file);
}

/** All files that a chunk needs at once. */
function filesOf(name, found = new Set()) {
  const chunk = manifest[name];
  if (found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const other of chunk.imports ?? []) filesOf(other, found);
  return found;
}
const weigh = (files) => [...files].reduce((sum, file) => sum + weightOf(file), 0);

const frames = ['src/i18n/en/frame.ts', 'src/i18n/zh/frame.ts'].map((name) => weigh(filesOf(name)));
const shellFiles = filesOf('index.html');
const shell = weigh(shellFiles) + Math.max(...frames);
/** A page's chunk; where another chunk needs a part of it, it is known by its name alone. */
function chunkOf(page) {
  const found = manifest[`src/pages/${page}.svelte`]
    ? `src/pages/${page}.svelte`
    : Object.keys(manifest).find((key) => manifest[key].name === page && key.endsWith('.js'));
  if (!found) throw new Error(`budget: no chunk is known for the page ${page}`);
  return found;
}
const table = readFileSync(fileURLToPath(new URL('../src/frame/pages.ts', import.meta.url)), 'utf8');
const pages = [...table.matchAll(/import\('\.\.\/pages\/(\w+)\.svelte'\)/g)]
  .map(([, name]) => {
    const more = [...filesOf(chunkOf(name))].filter((file) => !shellFiles.has(file));
    return { name, bytes: shell + weigh(more) };
  })
  .sort((a, b) => b.bytes - a.bytes);
const totals = {
  shell,
  page: pages[0]?.bytes ?? Infinity,
  charts: weigh(filesOf('src/ui/echarts.ts')),
};

let failed = false;
for (const [part, limit] of Object.entries(limits)) {
  const over = totals[part] > limit;
  failed ||= over;
  const line = `${part}: ${(totals[part] / 1024).toFixed(1)} KiB gzip of ${limit / 1024} KiB`;
  console[over ? 'error' : 'log'](`budget: ${line}${over ? ', too much' : ''}`);
}
console.log(`budget: pages: ${pages.map((one) => `${one.name} ${(one.bytes / 1024).toFixed(1)}`).join(', ')}`);
process.exit(failed ? 1 : 0);
