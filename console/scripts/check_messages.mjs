// SPDX-License-Identifier: Apache-2.0
//
// Fails where the two dictionaries differ in keys or placeholders, where a message is empty, where
// code uses a key there is none of, or where no code uses one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const src = fileURLToPath(new URL('../src/', import.meta.url));
/** Keys made at run time: what the server says is appended to these. */
const made_at_run_time = ['reason.', 'status.', 'reject.', 'warning.', 'op.', 'period.'];

async function messagesOf(language) {
  const source = readFileSync(join(src, 'i18n', `${language}.ts`), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const module = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);
  return module[language];
}

const forms = (message) => (typeof message === 'string' ? [message] : Object.values(message));
const names = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
const placeholders = (message) => [...new Set(forms(message).flatMap(names))].sort().join(' ');

const problems = [];
const en = await messagesOf('en');
const zh = await messagesOf('zh');
for (const key of new Set([...Object.keys(en), ...Object.keys(zh)])) {
  if (!(key in en)) problems.push(`${key}: not in en.ts`);
  else if (!(key in zh)) problems.push(`${key}: not in zh.ts`);
  else {
    if (placeholders(en[key]) !== placeholders(zh[key])) problems.push(`${key}: other placeholders`);
    if ([...forms(en[key]), ...forms(zh[key])].some((text) => text.trim() === '')) {
      problems.push(`${key}: empty`);
    }
  }
}

const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .filter((path) => !/i18n\/(en|zh)\.ts$/.test(path));
const code = files.map((path) => readFileSync(path, 'utf8')).join('\n');
for (const [, key] of code.matchAll(/\bt\(\s*'([^']+)'/g)) {
  if (!(key in en)) problems.push(`${key}: used, and not there`);
}
for (const key of Object.keys(en)) {
  if (made_at_run_time.some((prefix) => key.startsWith(prefix))) continue;
  if (!code.includes(`'${key}'`)) problems.push(`${key}: not used`);
}

if (problems.length > 0) {
  console.error(problems.map((problem) => `check_messages: ${problem}`).join('\n'));
  process.exit(1);
}
