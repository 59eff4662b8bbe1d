// SPDX-License-Identifier: Apache-2.0
//
// npm run minify: writes holdfast.min.js from holdfast.js.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const at = (name) => fileURLToPath(new URL(name, import.meta.url));

export function minified() {
  const source = readFileSync(at('holdfast.js'), 'utf8');
  const { code } = transformSync(source, { minify: true, target: 'es2019', charset: 'utf8' });
  return '// SPDX-License-Identifier: Apache-2.0\n' + code;
}

if (process.argv[1] === at('minify.mjs')) writeFileSync(at('holdfast.min.js'), minified());
