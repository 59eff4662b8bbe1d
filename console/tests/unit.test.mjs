// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

async function load(path) {
  const file = fileURLToPath(new URL(`../src/${path}`, import.meta.url));
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

test('CSV takes formulas for text and leaves numbers alone', async () => {
  const { csvField, csvText } = await load('export/csv.ts');
  for (const text of ['=1+1', '+x', '-1-1', '@x', '\tx']) assert.ok(csvField(text).includes(`'${text}`));
  for (const text of ['-1', '+49.5']) assert.equal(csvField(text), text);
  assert.equal(csvField(-1.5), '-1.5');
  assert.equal(csvField('a "b", c'), '"a ""b"", c"');
  assert.equal(csvText([['a', null, true]]), 'a,,true\r\n');
});

test('snippets hold host and key', async () => {
  const { sdks, snippet } = await load('pages/connect/snippets.ts');
  for (const sdk of sdks) {
    const text = snippet(sdk, 'https://events.example.com', 'hf_w_x');
    assert.ok(text.includes('https://events.example.com') && text.includes('hf_w_x'), sdk);
  }
});

test('a column may be called as what every object has', async () => {
  const { chosen, choosing } = await load('api/by_column.ts');
  for (const name of ['__proto__', 'constructor', 'toString', 'plain']) {
    assert.equal(chosen({}, name), undefined);
    const one = choosing({ other: 'person' }, name, 'ignore');
    assert.equal(chosen(one, name), 'ignore');
    // As it is kept in the address.
    assert.equal(chosen(JSON.parse(JSON.stringify(one)), name), 'ignore');
    assert.deepEqual(choosing(one, name, undefined), { other: 'person' });
  }
});
