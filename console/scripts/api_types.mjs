// SPDX-License-Identifier: Apache-2.0
//
// Writes src/api/types.ts from docs/api/openapi.yaml: a type for each schema, and one for each JSON
// answer and body that is described in place, named after its operation. With --check it writes
// nothing and fails where the file is not what it would write. Descriptions are left out, so that
// a better wording there makes nothing stale here.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const source = fileURLToPath(new URL('../../docs/api/openapi.yaml', import.meta.url));
const target = fileURLToPath(new URL('../src/api/types.ts', import.meta.url));

const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
const pascal = (name) => name[0].toUpperCase() + name.slice(1);

function scalar(type) {
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string' || type === 'boolean' || type === 'null') return type;
  return undefined;
}

function objectType(schema) {
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {}).map(
    ([name, member]) => `${key(name)}${required.has(name) ? '' : '?'}: ${typeOf(member)}`,
  );
  const further = schema.additionalProperties;
  if (further === true) members.push('[name: string]: unknown');
  if (further && further !== true) members.push(`[name: string]: ${typeOf(further)}`);
  return members.length === 0 ? 'Record<string, unknown>' : `{ ${members.join('; ')} }`;
}

function typeOf(schema) {
  if (schema === true || schema === undefined) return 'unknown';
  if (schema.$ref) {
    const name = schema.$ref.match(/^#\/components\/schemas\/(\w+)$/)?.[1];
    if (!name) throw new Error(`no schema: ${schema.$ref}`);
    return name;
  }
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const joined = (list, by) => list.map((item) => `(${typeOf(item)})`).join(by);
  const parts = [];
  if (schema.allOf) parts.push(joined(schema.allOf, ' & '));
  if (schema.oneOf) parts.push(`(${joined(schema.oneOf, ' | ')})`);
  if (schema.properties || schema.type === 'object') parts.push(objectType(schema));
  if (parts.length > 0) return parts.join(' & ');
  if (schema.anyOf) return joined(schema.anyOf, ' | ');
  if (schema.type === 'array') return `(${typeOf(schema.items)})[]`;
  const types = [schema.type ?? []].flat().map(scalar);
  if (types.includes(undefined)) throw new Error(`no type: ${JSON.stringify(schema)}`);
  return types.length === 0 ? 'unknown' : types.join(' | ');
}

function operations(paths) {
  const found = [];
  for (const methods of Object.values(paths)) {
    for (const operation of Object.values(methods)) {
      if (!operation?.operationId) continue;
      const name = pascal(operation.operationId);
      const body = operation.requestBody?.content?.['application/json']?.schema;
      if (body && !body.$ref) found.push([`${name}Body`, body]);
      for (const [status, response] of Object.entries(operation.responses)) {
        const answer = /^2/.test(status) && response.content?.['application/json']?.schema;
        if (answer && !answer.$ref) found.push([`${name}Answer`, answer]);
      }
    }
  }
  return found;
}

const document = parse(readFileSync(source, 'utf8'), { maxAliasCount: -1, merge: true });
const types = [...Object.entries(document.components.schemas), ...operations(document.paths)];
const text =
  '// SPDX-License-Identifier: Apache-2.0\n//\n' +
  '// Generated from docs/api/openapi.yaml by `npm run types`. Do not edit.\n\n' +
  types.map(([name, schema]) => `export type ${name} = ${typeOf(schema)};\n`).join('');

if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else {
  let present = '';
  try {
    present = readFileSync(target, 'utf8');
  } catch {
    // Absent is as stale as different.
  }
  if (present !== text) {
    console.error('api_types: src/api/types.ts is not what docs/api/openapi.yaml says: npm run types');
    process.exit(1);
  }
}
