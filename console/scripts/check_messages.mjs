// SPDX-License-Identifier: Apache-2.0
//
// Fails where the two languages differ in keys or placeholders, where a message is empty or in two
// files, where code uses a key there is none of, where no code uses one, and where a page uses words
// of a file that it does not load (`speaks` in src/frame/pages.ts).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const src = fileURLToPath(new URL('../src/', import.meta.url));
/** Keys made at run time: what the server says is appended to these. */
const made_at_run_time =
  /^(reason|status|reject|warning|op|period|role|type|phase|advice|row)\.|^run\.(waiting|running|done|failed|cancelled|undone|unfinished)$/;

const subjects = readdirSync(join(src, 'i18n/en')).map((file) => file.replace('.ts', ''));
async function messagesOf(language, subject) {
  const source = readFileSync(join(src, 'i18n', language, `${subject}.ts`), 'utf8');
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
/** Where each message is. */
const subjectOf = new Map();
for (const subject of subjects) {
  const en = await messagesOf('en', subject);
  const zh = await messagesOf('zh', subject);
  for (const key of new Set([...Object.keys(en), ...Object.keys(zh)])) {
    if (subjectOf.has(key)) problems.push(`${key}: in ${subjectOf.get(key)} and ${subject}`);
    subjectOf.set(key, subject);
    if (!(key in en)) problems.push(`${key}: not in English`);
    else if (!(key in zh)) problems.push(`${key}: not in Chinese`);
    else {
      if (placeholders(en[key]) !== placeholders(zh[key])) problems.push(`${key}: other placeholders`);
      if ([...forms(en[key]), ...forms(zh[key])].some((text) => text.trim() === '')) {
        problems.push(`${key}: empty`);
      }
    }
  }
}

const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .filter((path) => !/i18n\/(en|zh)\//.test(path));
const code = new Map(files.map((path) => [path, readFileSync(path, 'utf8')]));
const keysOf = (text) => [...text.matchAll(/\bt\(\s*'([^']+)'/g)].map((match) => match[1]);

const used = new Set([...code.values()].flatMap(keysOf));
for (const key of used) if (!subjectOf.has(key)) problems.push(`${key}: used, and not there`);
for (const key of subjectOf.keys()) {
  if (!used.has(key) && !made_at_run_time.test(key)) problems.push(`${key}: not used`);
}

/** A file and all that it imports at once. */
function reached(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, name] of code.get(path).matchAll(/^\s*(?:import|export) (?!type )[^;]*?from '(\.[^']+)'/gm)) {
    const base = resolve(dirname(path), name);
    const next = [base, `${base}.ts`].find((one) => existsSync(one) && code.has(one));
    if (next) reached(next, found);
  }
  return found;
}
const table = join(src, 'frame/pages.ts');
const pages = [...code.get(table).matchAll(/import\('(\.\.\/pages\/[^']+)'\),\s*speaks: \[([^\]]*)\]/g)];
if (pages.length === 0) problems.push('src/frame/pages.ts: no pages found');
for (const [, file, list] of pages) {
  const speaks = new Set(['frame', ...[...list.matchAll(/'(\w+)'/g)].map((match) => match[1])]);
  const missing = new Set();
  for (const path of reached(resolve(dirname(table), file))) {
    // The frame and its table of pages are no part of the page.
    for (const key of keysOf(code.get(path))) {
      const subject = subjectOf.get(key);
      if (subject && !speaks.has(subject)) missing.add(`${subject} (${key})`);
    }
  }
  for (const one of missing) problems.push(`${file}: does not load the words of ${one}`);
}

if (problems.length > 0) {
  console.error(problems.map((problem) => `check_messages: ${problem}`).join('\n'));
  process.exit(1);
}
