// SPDX-License-Identifier: Apache-2.0
//
// docs/api/openapi.yaml against questions that are asked and the answers that are given: those of
// every option (coverage_test.cpp). What the description does not allow would be an answer that
// no client made from it can read, or a question that none can ask.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';

const description = readFileSync(new URL('../../docs/api/openapi.yaml', import.meta.url), 'utf8');
const api = parse(description, { maxAliasCount: -1 });

/** A line for each option: a question that has it, and the program's answer. */
function asked() {
  const folder = mkdtempSync(join(tmpdir(), 'hf_api_test_'));
  try {
    const path = join(folder, 'asked.jsonl');
    execFileSync(process.env.HOLDFAST_COVERAGE_TEST, ['--gtest_filter=Coverage.ItsQuestions*'], {
      env: { ...process.env, HOLDFAST_ASKED: path },
    });
    return readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ajv = new Ajv({ strict: false });
formats(ajv);
ajv.addSchema(api, 'api');
const schema = (name) => ajv.getSchema(`api#/components/schemas/${name}`);
const kinds = {
  retention: 'Retention',
  lifecycle: 'Lifecycle',
  stickiness: 'Stickiness',
  trend: 'Trend',
  funnel: 'Funnel',
  segment_size: 'SegmentSize',
};
const all = asked();

function dataOf(question) {
  if (question.members) return 'Members';
  return question.initial ? 'TwoWindowsData' : `${kinds[question.metric]}Data`;
}

function expectOf(name, value, question) {
  const validate = schema(name);
  const is = validate(value);
  assert.ok(is, `${name} of ${JSON.stringify(question)}: ${ajv.errorsText(validate.errors)}`);
}

test('every option is asked', () => {
  assert.ok(all.length > 190, `${all.length} questions`);
  assert.deepEqual(new Set(all.map(({ question }) => question.metric)), new Set(Object.keys(kinds)));
});

test('every question is as described', () => {
  for (const { question } of all) {
    expectOf(`${kinds[question.metric]}Question`, question, question);
    expectOf('Question', question, question);
  }
});

test('every answer is as described, its data as those of its metric', () => {
  for (const { question, answer } of all) {
    expectOf('Answer', answer, question);
    expectOf(dataOf(question), answer.data, question);
  }
});

/** Every object within, with the way to put another into its place. */
function* objectsOf(value) {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield value;
  for (const inner of Object.values(value)) yield* objectsOf(inner);
}

// A description that allows anything describes nothing.
test('a member that nobody knows is in no question and in no answer', () => {
  for (const { question, answer } of all) {
    for (const [name, whole] of [['Question', question], ['Answer', answer]]) {
      const validate = schema(name);
      let objects = [...objectsOf(whole)];
      // Warnings may get members; of long answers a few objects of each kind are enough.
      if (name === 'Answer') objects = objects.filter((one) => !('code' in one)).slice(0, 12);
      for (const one of objects) {
        one.unheard_of = 1;
        assert.ok(!validate(whole), `${name}: ${JSON.stringify(one).slice(0, 300)}`);
        delete one.unheard_of;
      }
    }
  }
});
