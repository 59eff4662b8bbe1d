// SPDX-License-Identifier: Apache-2.0
//
// node pack.mjs DIST PACK: puts the built console into one file, which becomes a part of the binary
// (src/http/console_files.h says how it is read). The same files give the same bytes.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

function filesBelow(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory()
        ? filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`)
        : [`${prefix}${entry.name}`],
    );
}

const [dist, pack] = process.argv.slice(2);
const index = [];
const bodies = [];
for (const path of filesBelow(dist)) {
  const type = types[extname(path)];
  if (!type) throw new Error(`pack: no content type is known for ${path}`);
  const plain = readFileSync(join(dist, path));
  const body = gzipSync(plain, { level: 9 });
  body.fill(0, 4, 10); // No time and no system of its making.
  const tag = createHash('sha256').update(plain).digest('hex').slice(0, 32);
  index.push(`${path}\t${type}\t${tag}\t${body.length}\n`);
  bodies.push(body);
}
if (!index.some((line) => line.startsWith('index.html\t'))) throw new Error(`pack: no ${dist}`);
// A build that is cut off must not leave half of it.
writeFileSync(`${pack}.tmp`, Buffer.concat([`holdfast-console 1\n${index.join('')}\n`, ...bodies].map((part) => Buffer.from(part))));
renameSync(`${pack}.tmp`, pack);
