// SPDX-License-Identifier: Apache-2.0
//
// A question of the console in its three forms: the address, the JSON that is asked, and the command
// that is shown. Random questions, a thousand of each page, printed seed. With HOLDFAST_BINARY the
// command is run by a shell with --show-query, and has to be the same question; and answers as CSV
// have to be what the command line writes.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const program = process.env.HOLDFAST_BINARY;
const seed = Number(process.env.SEED ?? 20260131);

/** mulberry32: small, and good enough to choose by. */
function random(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let vite;
let matcher;
let retention;
let trend;
let maths;
let funnel;
let lifecycle;
let stickiness;
let segments;
let people;
let dimension;
let duration;
let csv;
let answer_csv;
let command;
let folder;
const views = {};
before(async () => {
  if (program) {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-questions-'));
    const file = join(folder, 'one.csv');
    writeFileSync(file, 'person,event,time\nann,purchase,2026-01-05\n');
    execFileSync(program, ['--data', join(folder, 'data'), 'import', file], { stdio: 'pipe' });
  }
  const root = fileURLToPath(new URL('..', import.meta.url));
  vite = await createServer({
    root,
    logLevel: 'error',
    appType: 'custom',
    server: { middlewareMode: true, hmr: false, ws: false },
    optimizeDeps: { noDiscovery: true },
  });
  matcher = await vite.ssrLoadModule('/src/query/matcher.ts');
  retention = await vite.ssrLoadModule('/src/query/retention.ts');
  trend = await vite.ssrLoadModule('/src/query/trend.ts');
  maths = await vite.ssrLoadModule('/src/query/maths.ts');
  funnel = await vite.ssrLoadModule('/src/query/funnel.ts');
  lifecycle = await vite.ssrLoadModule('/src/query/lifecycle.ts');
  stickiness = await vite.ssrLoadModule('/src/query/stickiness.ts');
  segments = await vite.ssrLoadModule('/src/query/segments.ts');
  people = await vite.ssrLoadModule('/src/query/people.ts');
  dimension = await vite.ssrLoadModule('/src/query/dimension.ts');
  duration = await vite.ssrLoadModule('/src/query/duration.ts');
  for (const page of ['funnel', 'lifecycle', 'retention', 'segments', 'stickiness']) {
    views[page] = await vite.ssrLoadModule(`/src/pages/${page}/view.ts`);
  }
  views.trends = await vite.ssrLoadModule('/src/pages/trends/lines.ts');
  csv = await vite.ssrLoadModule('/src/export/csv.ts');
  answer_csv = await vite.ssrLoadModule('/src/export/answer_csv.ts');
  command = await vite.ssrLoadModule('/src/query/command.ts');
});
after(async () => {
  await vite?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** Makes questions. Texts are those that shells, addresses and JSON trip over. */
class Maker {
  constructor(start) {
    this.next = random(start);
  }
  chance = (share) => this.next() < share;
  number = (from, to) => from + Math.floor(this.next() * (to - from + 1));
  one = (list) => list[this.number(0, list.length - 1)];
  text = () =>
    this.one(['purchase', 'Order Completed', "it's", '$(ls)', 'a"b\\c', '订单', '-x', '--help', '=1+1', 'a&b=c+d #%', '`w`', '*', 'a:unique', 'a:sum:b', 'total', '{x', '{"event":"x"}', '[y', '[z]', '++', '%%', 'query', 'a, b\nc', '~', '!1', 'é 🛒']);
  day = (from = 2000) => `${this.number(from, from + 9)}-0${this.number(1, 9)}-${this.number(10, 28)}`;
  period = () => this.one(['day', 'hour', 'week', 'month', 'quarter', 'year', 'P14D', 'P6M', 'PT6H']);
  days = () => ({ kind: 'days', from: this.day(2000), to: this.day(2010) });
  range = () =>
    this.one([() => ({ kind: 'all' }), () => ({ kind: 'last', last: `P${this.number(1, 99)}${this.one(['D', 'W', 'M', 'Y'])}` }), this.days])();
  condition = () => {
    const op = this.one(matcher.operators.filter((op) => op !== 'matches'));
    const type = this.one(['text', 'number', 'boolean']);
    const value = () => (type === 'number' ? String(this.number(-9, 9)) : type === 'boolean' ? 'true' : this.text());
    const many = matcher.takesMany(op) && this.chance(0.3);
    const values = matcher.takesNothing(op) ? [] : many ? [value(), 'second'] : [value()];
    return { property: this.text(), op, type, values };
  };
  conditions = () => Array.from({ length: this.chance(0.6) ? 0 : this.number(1, 3) }, this.condition);
  duration = () => duration.durationOf(this.number(1, 40), this.one(duration.units));
  when = () =>
    this.one([() => ({ kind: 'ever' }), () => ({ kind: 'within', within: this.duration() }), this.days])();
  rule = (depth = 0) => {
    const not = this.chance(0.3);
    const kind = this.one(['trait', 'did', 'sequence', 'first', 'regularly', ...(depth < 2 ? ['group'] : [])]);
    switch (kind) {
      case 'trait':
        return { kind, not, condition: this.condition() };
      case 'did':
        return { kind, not, matcher: this.matcher(), op: this.one(people.count_ops), n: this.number(0, 5), when: this.when() };
      case 'sequence':
        return {
          kind,
          not,
          steps: Array.from({ length: this.number(1, 3) }, this.matcher),
          within: this.chance(0.5) ? this.duration() : '',
        };
      case 'first':
        return { kind, not, matcher: this.matcher(), within: this.duration() };
      case 'regularly':
        return { kind, not, matcher: this.matcher(), of: this.one(people.regular_periods), at_least: this.number(1, 5), last: this.number(1, 9) };
      default:
        return { kind, not, people: this.people(depth + 1) };
    }
  };
  people = (depth = 0) => ({
    join: this.one(people.joins),
    rules: Array.from({ length: this.number(1, 3) }, () => this.rule(depth)),
  });
  dimension = () =>
    this.one([
      () => ({ of: 'property', name: this.one([this.text(), 'trait:x', 'cohort:month', 'tier:main', 'property:x']) }),
      () => ({ of: 'trait', name: this.text() }),
      () => ({ of: 'cohort', name: this.one(dimension.cohorts) }),
    ])();
  dimensions = () =>
    Array.from({ length: this.one([1, 1, 1, 2, 3]) }, this.dimension).filter(
      (one, at, all) => all.findIndex(({ of, name }) => of === one.of && name === one.name) === at,
    );
  matcher = () => ({ event: this.text(), where: this.conditions() });
  common = () => ({
    period: this.period(),
    range: this.range(),
    where: this.conditions(),
    people: this.chance(0.3) ? this.people() : people.nobody_excluded,
    by: this.chance(0.4) ? this.dimensions() : [],
    top: this.number(1, 50),
    attribution: this.one(['default', 'default', ...dimension.attributions]),
    timezone: this.one(['', 'Europe/Berlin', 'Asia/Shanghai']),
    week_start: this.one(['default', 'monday', 'sunday']),
    as_of: this.chance(0.3) ? this.day(2020) : '',
  });
  retention = () => {
    const aggregate = this.one(['users', 'users', 'count', 'sum', 'avg']);
    const brackets = this.chance(0.2) ? [this.number(1, 4), this.number(1, 9)] : [];
    return {
      ...this.common(),
      form: this.one(['table', 'table', 'windows']),
      start: this.matcher(),
      comeback: this.matcher(),
      entry: this.one(retention.entries),
      initial: this.days(),
      current: this.days(),
      periods: brackets.length === 0 && this.chance(0.3) ? this.number(1, 40) : undefined,
      brackets,
      window: this.one(['calendar', 'rolling']),
      count_return: this.one(['exactly', 'on_or_after']),
      min_occurrences: this.number(1, 3),
      aggregate,
      property: aggregate === 'sum' || aggregate === 'avg' ? this.one(['revenue', 'the sum', 'a:b', 'trait:x']) : '',
      view: this.one(retention.views),
      show: this.one(retention.shows),
      group: -1,
      cell: this.chance(0.2) ? { cohort: this.day(), column: this.number(0, 9) } : undefined,
    };
  };
  funnel = () => {
    const within = this.chance(0.3) ? this.duration() : '';
    const steps = Array.from({ length: this.number(1, 5) }, () => ({
      ...this.matcher(),
      within: within || (this.chance(0.3) ? this.duration() : ''),
    }));
    const last = steps.length;
    return {
      ...this.common(),
      steps,
      order: this.one(funnel.orders),
      window: this.duration(),
      exclude: Array.from({ length: this.chance(0.3) ? this.number(1, 2) : 0 }, () => ({
        ...this.matcher(),
        after: this.number(0, last - 1),
        before: this.number(0, last),
      })),
      hold: this.chance(0.2) ? this.text() : '',
      entry: this.one(funnel.funnel_entries),
      view: this.one(funnel.funnel_views),
      from_step: this.number(0, last),
      to_step: this.number(0, last),
      bins: this.chance(0.3) ? this.number(1, 50) : undefined,
      group: this.one([-1, -1, 0, 7]),
      cell: this.one([
        undefined,
        { step: this.number(1, 9), group: -1 },
        { step: this.number(2, 9), dropped: true, group: 3 },
        { period: this.day(), kind: 'entered', group: -1 },
        { period: '2026-01-05T10:00:00+01:00', kind: 'completed', group: 0 },
        { bin: this.number(0, 9), group: -1 },
      ]),
    };
  };
  cell = (whats, ats) =>
    this.chance(0.5) ? undefined : { what: this.one(whats), at: this.one(ats), group: this.one([-1, 0, 5]) };
  lifecycle = () => ({
    ...this.common(),
    match: this.matcher(),
    view: this.one(lifecycle.lifecycle_views),
    group: this.one([-1, 0, 3]),
    cell: this.cell(lifecycle.kinds, ['2026-01-05', '2026-01-05T10:00:00+01:00']),
  });
  stickiness = () => ({
    ...this.common(),
    match: this.matcher(),
    form: this.one(stickiness.forms),
    op: this.one(people.count_ops),
    n: this.number(1, 4),
    cumulative: this.chance(0.3),
    show: this.one(stickiness.histogram_shows),
    show_days: this.one(stickiness.over_time_shows),
    group: this.one([-1, 0, 3]),
    cell: this.cell(['active_periods', 'dau', 'mau'], ['3', '2026-01-05']),
  });
  segments = () => {
    const { by, where, range, period, ...rest } = this.common();
    void where;
    void range;
    void period;
    return {
      ...rest,
      period: 'day',
      range: { kind: 'all' },
      where: [],
      by: by.filter((one) => one.of !== 'property'),
      sets: Array.from({ length: this.number(0, 4) }, (_, at) => ({
        label: `${at} ${this.text()}`,
        people: this.people(),
      })),
      cell: this.cell(['in', 'sets', 'all'], ['', '0.1', '101']),
    };
  };
  trend = () => ({
    ...this.common(),
    series: Array.from({ length: this.number(1, 4) }, () => ({
      ...this.matcher(),
      math: this.one(maths.maths),
      property: this.chance(0.5) ? this.text() : '',
    })),
    cumulative: this.chance(0.3),
    compare: this.chance(0.2) ? this.duration() : '',
    formula: this.chance(0.2) ? this.one(['A', '100 * (A - 1) / A', 'A/A']) : '',
    cell: this.cell(['0', '2'], ['', '2026-01-05']),
    view: this.one(trend.trend_views),
  });
}

/** What says nothing is not in the address: how many groups, and whose, where nothing is split. */
const bare = (state, top) =>
  state.by.length === 0 ? { ...state, top, attribution: 'default' } : state;

describe('a question', () => {
  test('of retention is in the address whole', () => {
    const make = new Maker(seed);
    for (let n = 0; n < 1000; ++n) {
      const state = make.retention();
      if (state.form === 'table') {
        delete state.initial;
        delete state.current;
      }
      const query = new URLSearchParams(retention.writeRetention({ ...make.retention(), ...state }).toString());
      const read = retention.readRetention(query);
      if (state.form === 'table') {
        delete read.initial;
        delete read.current;
      }
      assert.deepEqual(bare(read, 0), bare(state, 0), `seed ${seed}, question ${n}: ${query}`);
    }
  });

  test('of trends is in the address whole', () => {
    const make = new Maker(seed);
    for (let n = 0; n < 1000; ++n) {
      const state = make.trend();
      const query = new URLSearchParams(trend.writeTrend(state).toString());
      assert.deepEqual(bare(trend.readTrend(query), 0), bare(state, 0), `seed ${seed}, question ${n}: ${query}`);
    }
  });

  for (const [name, kind] of [['a funnel', 'funnel'], ['lifecycle', 'lifecycle'], ['stickiness', 'stickiness'], ['segments', 'segments']]) {
    test(`of ${name} is in the address whole`, () => {
      const make = new Maker(seed);
      const Kind = kind[0].toUpperCase() + kind.slice(1);
      const it = { funnel, lifecycle, stickiness, segments }[kind];
      for (let n = 0; n < 1000; ++n) {
        const state = make[kind]();
        const query = new URLSearchParams(it[`write${Kind}`](state).toString());
        assert.deepEqual(bare(it[`read${Kind}`](query), 0), bare(state, 0), `seed ${seed}, question ${n}: ${query}`);
      }
    });
  }

  test('is the JSON that its words say', () => {
    const lists = (list) => JSON.stringify(list);
    const of = (read, json, members) => json(read(new URLSearchParams({ as_of: '2026-01-31', ...members })));
    assert.deepEqual(
      of(funnel.readFunnel, funnel.funnelJson, {
        steps: lists([['visit', [], 'PT2H'], ['cart', [['price', 'gt', 'n', '5']], ''], ['buy', [], 'P1D']]),
        exclude: lists([['help', [], 2, 0]]),
        order: 'strict',
        window: 'P7D',
        view: 'trend',
        from_step: '2',
        period: 'week',
        range: 'P30D',
        by: 'trait:plan',
        people: lists(['any', ['did', 1, ['buy'], 'gte', 3, 'P30D'], ['first', 0, ['visit'], 'P7D']]),
      }),
      {
        metric: 'funnel',
        steps: [
          { event: 'visit', within: 'PT2H' },
          { event: 'cart', where: { property: 'price', op: 'gt', value: 5 } },
          { event: 'buy' },
        ],
        window: 'P7D',
        order: 'strict',
        exclude: [{ event: 'help', after_step: 2 }],
        view: 'trend',
        period: 'week',
        from_step: 2,
        last: 'P30D',
        people: {
          any: [
            { did_not: { event: 'buy' }, count: { gte: 3 }, within: 'P30D' },
            { first: { event: 'visit' }, within: 'P7D' },
          ],
        },
        breakdown: [{ trait: 'plan', top: 5 }],
        as_of: '2026-01-31',
      },
    );
    assert.deepEqual(
      of(stickiness.readStickiness, stickiness.stickinessJson, {
        form: 'over_time',
        event: 'visit',
        n: '2',
        cumulative: 'true',
        period: 'month',
        by: 'country',
        attribution: 'last_touch',
      }),
      {
        metric: 'stickiness',
        match: { event: 'visit' },
        per_interval: { gte: 2 },
        over_time: true,
        breakdown: [{ property: 'country', top: 5, attribution: 'last_touch' }],
        as_of: '2026-01-31',
      },
    );
    const two = ['all', ['trait', 1, [['plan', 'eq', 't', 'free']]], ['sequence', 0, [['a'], ['b']], '']];
    assert.deepEqual(
      of(segments.readSegments, segments.segmentsJson, {
        people: lists(two),
        sets: lists([['x', ['all', ['did', 0, ['buy'], 'lte', 2, '2026-01-05..2026-01-12']]], ['y', ['all']]]),
        by: 'country',
      }),
      {
        metric: 'segment_size',
        overlap: [
          { label: 'x', people: { did: { event: 'buy' }, count: { lte: 2 }, from: '2026-01-05', to: '2026-01-12' } },
          { label: 'y', people: { all: [] } },
        ],
        people: {
          all: [
            { not: { trait: 'plan', op: 'eq', value: 'free' } },
            { sequence: [{ event: 'a' }, { event: 'b' }] },
          ],
        },
        as_of: '2026-01-31',
      },
    );
    assert.deepEqual(
      of(trend.readTrend, trend.trendJson, {
        series: lists([['buy', 'p90', [], 'amount'], ['buy', 'sum'], ['visit', 'weekly_active']]),
        formula: ' A/B ',
        compare: 'P7D',
        cumulative: 'true',
        period: 'day',
      }),
      {
        metric: 'trend',
        // Without a property there is no sum yet, and the last days are not those from the beginning on.
        series: [
          { event: 'buy', math: 'p90', property: 'amount' },
          { event: 'buy', math: 'total' },
          { event: 'visit', math: 'weekly_active' },
        ],
        period: 'day',
        compare: 'P7D',
        formula: 'A/B',
        as_of: '2026-01-31',
      },
    );
  });

  const broken = ['[["did"]]', '["all",["did",0,["a"],"gte",-1,"P0D"],["group",0]]', '["any",["trait",1]]', 'cohort:moon', 'step~0', 'bin~x~1', '[', '{}', '[[1]]', '[["a"]]', 'null', '-1', '1e9', 'P0D', '2026-02-30..2026-03-01', '%', '~', 'constructor'];
  test('that a broken address names is a question all the same', () => {
    const names = ['start', 'start_where', 'where', 'period', 'range', 'initial', 'top', 'periods', 'brackets', 'min', 'value', 'as_of', 'view', 'group', 'cell', 'series', 'people', 'by', 'steps', 'exclude', 'window', 'order', 'from_step', 'bins', 'sets', 'event', 'op', 'n', 'form', 'show', 'formula', 'compare'];
    for (const name of names) {
      for (const text of broken) {
        const query = new URLSearchParams({ [name]: text });
        assert.equal(retention.retentionJson(retention.readRetention(query)).metric, 'retention');
        assert.equal(trend.trendJson(trend.readTrend(query)).metric, 'trend');
        assert.equal(funnel.funnelJson(funnel.readFunnel(query)).metric, 'funnel');
        assert.equal(lifecycle.lifecycleJson(lifecycle.readLifecycle(query)).metric, 'lifecycle');
        assert.equal(stickiness.stickinessJson(stickiness.readStickiness(query)).metric, 'stickiness');
        assert.equal(segments.segmentsJson(segments.readSegments(query)).metric, 'segment_size');
      }
    }
  });

  test('is a command as one would type it', () => {
    const as_of = '2026-01-31';
    for (const [json, line] of [
      [
        {
          metric: 'funnel',
          steps: [{ event: 'visit', within: 'PT2H' }, { event: 'Add to cart', within: 'PT2H' }, { event: 'buy' }],
          window: 'P7D',
          exclude: [{ event: 'help', after_step: 2 }],
          people: { did: { event: 'buy' } },
          breakdown: [{ property: 'country', top: 5, attribution: 'all' }, { trait: 'plan', top: 5 }],
          as_of,
        },
        [
          "holdfast funnel visit 'Add to cart' buy",
          '--within PT2H',
          '--window P7D',
          `--exclude '{"event":"help","after_step":2}'`,
          `--people '{"did":{"event":"buy"}}'`,
          '--by country',
          '--by trait:plan',
          '--top 5',
          '--attribution all',
          '--as-of 2026-01-31',
        ],
      ],
      [
        {
          metric: 'trend',
          series: [{ event: '*', math: 'unique' }, { event: 'buy', math: 'sum', property: 'revenue' }],
          compare: 'P7D',
          formula: 'B / A',
          as_of,
        },
        ["holdfast trend '*:unique' buy:sum:revenue", '--compare P7D', "--formula 'B / A'", '--as-of 2026-01-31'],
      ],
      // As buy:sum:total it would be the total of events named buy:sum.
      [
        { metric: 'trend', series: [{ event: 'buy', math: 'sum', property: 'total' }] },
        [`holdfast trend '{"event":"buy","math":"sum","property":"total"}'`],
      ],
      [
        { metric: 'stickiness', match: { event: '*' }, per_interval: { lte: 3 }, period: 'week' },
        ['holdfast stickiness', '--at-most 3', '--period week'],
      ],
      [
        { metric: 'segment_size', overlap: [{ label: "it's", people: { all: [] } }, { label: '-b', people: { all: [] } }] },
        ['holdfast segment-size', `--overlap 'it'\\''s={"all":[]}'`, `--overlap '-b={"all":[]}'`],
      ],
    ]) {
      assert.equal(command.commandOf(json), line.join(' \\\n  '));
    }
    // What no page asks yet is not left out.
    for (const more of [{ sample: 0.1 }, { cumulative: false }, { where: [] }, { breakdown: 'x' }]) {
      const json = { metric: 'trend', series: [{ event: 'a' }], ...more };
      assert.equal(command.commandOf(json), `holdfast query - <<'QUESTION'\n${JSON.stringify(json)}\nQUESTION`);
    }
  });

  const skip = program ? false : 'HOLDFAST_BINARY names no program';
  /** Of two questions what means the same: defaults left out. */
  function meant(query) {
    const any = (matcher) => JSON.stringify(matcher) === '{"event":"*"}';
    const out = structuredClone(query);
    for (const name of ['start', 'return', 'match']) if (any(out[name])) delete out[name];
    for (const one of out.series ?? []) if (one.math === 'total') delete one.math;
    return out;
  }
  /** Whether a question is given whole for want of flags: to `holdfast query`. */
  const isWhole = (line) => line.startsWith("holdfast query - <<'QUESTION'\n");
  /** The question that a command asks: as the program understood it, or as it was given whole. */
  function asked(line) {
    const run = isWhole(line)
      ? line.replace('holdfast query -', 'cat')
      : `${line.replace('holdfast', '"$HOLDFAST"')} --show-query`;
    const out = execFileSync('sh', ['-c', run], {
      env: { ...process.env, HOLDFAST: program, HOLDFAST_DATA: join(folder, 'data') },
      encoding: 'utf8',
    });
    return meant(JSON.parse(out));
  }
  /** What the commands have no words for: a set's name with a =, a property that reads as a trait. */
  const isBeyond = ({ overlap = [], value }) =>
    overlap.some(({ label }) => label.includes('=')) || value?.property?.startsWith('trait:');
  const kinds = {
    retention: (state) => retention.retentionJson(state),
    trend: (state) => trend.trendJson(state),
    funnel: (state) => funnel.funnelJson(state),
    lifecycle: (state) => lifecycle.lifecycleJson(state),
    stickiness: (state) => stickiness.stickinessJson(state),
    segments: (state) => segments.segmentsJson(state),
  };
  for (const [kind, jsonOf] of Object.entries(kinds)) {
    test(`of ${kind} is the same as a command`, { skip }, () => {
      const make = new Maker(seed + 1);
      for (let n = 0; n < 150; ++n) {
        const state = make[kind]();
        state.as_of ||= '2026-01-31'; // The program looks into the data for it otherwise.
        const json = jsonOf(state);
        const line = command.commandOf(json);
        const which = `seed ${seed}, question ${n}:\n${line}`;
        assert.equal(isWhole(line), Boolean(isBeyond(json)), which);
        assert.deepEqual(asked(line), meant(json), which);
      }
    });

    test(`of ${kind} is one that the program answers`, { skip }, () => {
      const make = new Maker(seed + 2);
      for (let n = 0; n < 60; ++n) {
        const state = { ...make[kind](), range: kind === 'segments' ? { kind: 'all' } : { kind: 'days', from: '2026-01-01', to: '2026-01-03' } };
        state.as_of = '2026-01-31';
        // Days are counted of days and longer.
        if (kind === 'trend' && /hour|T/.test(state.period)) state.period = 'day';
        const json = jsonOf(state);
        const { status, stderr } = spawnSync(program, ['query', '-'], {
          input: JSON.stringify(json),
          env: { ...process.env, HOLDFAST_DATA: join(folder, 'data') },
          encoding: 'utf8',
        });
        assert.equal(status, 0, `seed ${seed}, question ${n}: ${stderr}\n${JSON.stringify(json)}`);
      }
    });
  }
});

describe('the people behind a cell', { skip: program ? false : 'HOLDFAST_BINARY names no program' }, () => {
  let data;
  before(() => {
    // What names a cell names dates, too, in the reader's language; Node before 21 has none.
    globalThis.navigator ??= { languages: ['en-GB'] };
    const next = random(seed + 3);
    const below = (n) => Math.floor(next() * n);
    const lines = [];
    for (let person = 0; person < 40; ++person) {
      const userId = `p${person}`;
      const at = (day, minute) => new Date(Date.UTC(2026, 0, 5 + day, 8, minute)).toISOString();
      const traits = { plan: ['free', 'pro'][below(2)] };
      lines.push({ type: 'identify', userId, traits, timestamp: at(below(10), 0) });
      for (let n = 1 + below(12); n > 0; --n) {
        const event = ['visit', 'visit', 'cart', 'buy'][below(4)];
        const properties = { country: ['GB', 'DE', 'FR'][below(3)], amount: below(90) };
        lines.push({ type: 'track', userId, event, properties, timestamp: at(below(21), below(600)) });
      }
    }
    const file = join(folder, 'app.ndjson');
    writeFileSync(file, lines.map((line, n) => JSON.stringify({ ...line, messageId: `m${n}` })).join('\n'));
    data = join(folder, 'app');
    execFileSync(program, ['--data', data, 'import', file], { stdio: 'pipe' });
  });

  const ask = (json) =>
    JSON.parse(
      execFileSync(program, ['--data', data, 'query', '-'], { input: JSON.stringify(json), encoding: 'utf8' }),
    );
  const state = (read, members) => read(new URLSearchParams({ as_of: '2026-01-31', ...members }));
  const lists = (list) => JSON.stringify(list);

  /** Asks as the dialog of the console does: of the answer's data, seen from its moment. */
  function agree(json, answer, looked, number, counted = 'count') {
    assert.ok(looked, 'the cell is in the answer');
    const { data_version, as_of } = answer;
    const members = { cell: looked.cell, data_version, limit: 1 };
    const told = ask({ ...(looked.json ?? json), as_of, members });
    assert.equal(told.data[counted], number, `${lists(json)} at ${lists(looked.cell)}`);
  }
  const groupsOf = (one) => [[-1, one.groups ? one.total : one], ...(one.groups ?? []).map((group, at) => [at, group])];

  const splits = { alone: {}, split: { by: 'trait:plan' }, 'by a value': { by: 'country', top: '2' } };
  for (const [how, split] of Object.entries(splits)) {
    test(`are as many as a funnel says, ${how}`, () => {
      const steps = lists([['visit'], ['cart'], ['buy']]);
      for (const view of ['steps', 'trend', 'time_to_convert']) {
        const now = state(funnel.readFunnel, { steps, view, period: 'week', to_step: '2', ...split });
        const json = funnel.funnelJson(now);
        const answer = ask(json);
        const seen = views.funnel.viewOf(answer, now);
        const look = (cell, number) => agree(json, answer, views.funnel.lookedAt(seen, cell), number);
        for (const [group, table] of groupsOf(answer.data)) {
          table.steps?.forEach(({ count }, at) => {
            look({ step: at + 1, group }, count);
            if (at > 0) look({ step: at + 1, dropped: true, group }, table.steps[at - 1].count - count);
          });
          for (const { start: period, entered, completed } of table.periods ?? []) {
            look({ period, kind: 'entered', group }, entered);
            look({ period, kind: 'completed', group }, completed);
          }
          table.bins?.forEach(({ count }, bin) => look({ bin, group }, count));
        }
      }
    });

    test(`are as many as lifecycle and stickiness say, ${how}`, () => {
      const now = state(lifecycle.readLifecycle, { period: 'week', ...split });
      const json = lifecycle.lifecycleJson(now);
      const answer = ask(json);
      for (const [group, table] of groupsOf(answer.data)) {
        for (const period of table.periods) {
          for (const what of [...lifecycle.kinds, 'active']) {
            const seen = { ...now, cell: { what, at: period.start, group } };
            const looked = views.lifecycle.lookedAt(views.lifecycle.viewOf(answer, seen));
            agree(json, answer, looked, Math.abs(period[what]));
          }
        }
      }
      for (const form of stickiness.forms) {
        const days = state(stickiness.readStickiness, { form, period: 'week', range: 'P14D', as_of: '2026-01-20', ...split });
        const asked = stickiness.stickinessJson(days);
        const told = ask(asked);
        const look = (cell, number) =>
          agree(asked, told, views.stickiness.lookedAt(views.stickiness.viewOf(told, { ...days, cell })), number);
        for (const [group, table] of groupsOf(told.data)) {
          for (const { active_periods, count } of table.histogram ?? []) {
            look({ what: 'active_periods', at: String(active_periods), group }, count);
          }
          for (const day of (table.over_time ?? []).slice(-3)) {
            for (const what of ['dau', 'wau', 'mau']) look({ what, at: day.start, group }, day[what]);
          }
        }
      }
    });

    test(`are as many as retention and trends say, ${how}`, () => {
      const now = state(retention.readRetention, { start: 'visit', return: '*', period: 'week', ...split });
      const json = retention.retentionJson(now);
      const answer = ask(json);
      for (const [group, table] of groupsOf(answer.data)) {
        for (const cohort of table.cohorts) {
          cohort.cells.forEach(({ count, eligible }, column) => {
            if (eligible === 0) return;
            const seen = { ...now, group: group === -1 ? retention.all_people : group, cell: { cohort: cohort.start, column } };
            agree(json, answer, views.retention.lookedAt(views.retention.viewOf(answer.data, seen)), count);
          });
        }
      }
      const series = lists([['visit', 'total'], ['*', 'unique'], ['buy', 'per_user']]);
      const trends = state(trend.readTrend, { series, period: 'week', ...split });
      const asked = trend.trendJson(trends);
      const told = ask(asked);
      for (const [group, table] of groupsOf(told.data)) {
        if (group === -1 && told.data.groups) continue; // Lines are of groups alone.
        for (const at of [0, 1]) {
          const values = [...told.data.periods.map((start, n) => [start, table.series[at].values[n]]), ['', table.series[at].total]];
          for (const [start, value] of values) {
            const seen = { ...trends, cell: { what: String(at), at: start, group } };
            const lines = views.trends.linesOf(told, seen);
            agree(asked, told, views.trends.lookedAt(told, seen, lines), value, at === 0 ? 'total' : 'count');
          }
        }
      }
    });
  }

  test('are as many as segments say', () => {
    const set = (label, event, n) => [label, ['all', ['did', 0, [event], 'gte', n, '']]];
    const now = state(segments.readSegments, {
      people: lists(['all', ['did', 0, ['*'], 'gte', 3, '']]),
      sets: lists([set('a', 'visit', 2), set('b', 'buy', 1), set('c', 'cart', 1)]),
      by: 'trait:plan',
    });
    const json = segments.segmentsJson(now);
    const answer = ask(json);
    const view = views.segments.viewOf(answer, now);
    const look = (what, at, number) =>
      agree(json, answer, views.segments.lookedAt(view, json, { what, at, group: -1 }), number);
    const { total, groups } = answer.data;
    look('all', '', total.count);
    groups.forEach(({ count }, at) => look('group', String(at), count));
    total.sets.forEach(({ count }, at) => look('sets', String(at), count));
    for (const one of total.exactly_in) {
      look('in', total.sets.map(({ label }) => (one.in.includes(label) ? '1' : '0')).join(''), one.count);
    }
    for (const [a, b] of [[0, 1], [1, 2], [2, 0]]) {
      const number = views.segments.pairCount(total, total.sets[a].label, total.sets[b].label);
      look('sets', `${a}.${b}`, number);
    }
  });
});

describe('CSV', () => {
  const lists = (list) => JSON.stringify(list);
  const set = (label, event, n) => [label, ['all', ['did', 0, [event], 'gte', n, '']]];
  const steps = lists([['visit'], ['cart'], ['buy']]);
  const by = (...dimensions) => dimensions.map((one) => ['by', one]);
  const range = ['range', '2026-01-05..2026-01-21'];
  /** What it is of, in which page, and what the address says. */
  const questions = () => [
    ['retention', 'retention', [['period', 'week']]],
    ['retention of nobody', 'retention', [['start', 'nothing'], ['value', 'sum'], ['value_of', 'amount'], ...by('country', 'trait:plan')]],
    ['a sum', 'retention', [['period', 'week'], ['value', 'sum'], ['value_of', 'amount'], ['top', '20'], ...by('country')]],
    ['a mean', 'retention', [['period', 'day'], ['return', 'buy'], ['value', 'avg'], ['value_of', 'amount'], range]],
    ['events in brackets', 'retention', [['period', 'day'], ['value', 'count'], ['brackets', '2,5'], ['entry', 'every_period'], ...by('trait:plan', 'device')]],
    ['two windows', 'retention', [['form', 'windows'], ['initial', '2026-01-05..2026-01-11'], ['current', '2026-01-12..2026-01-21'], ...by('country')]],
    ['two windows of a mean', 'retention', [['form', 'windows'], ['initial', '2026-01-05..2026-01-11'], ['current', '2026-01-12..2026-01-21'], ['value', 'avg'], ['value_of', 'amount']]],
    ['a trend', 'trend', [['series', lists([['*', 'unique'], ['=cmd()', 'total'], ['nothing', 'total']])], ['period', 'day']]],
    ['a trend by three', 'trend', [['series', lists([['buy', 'sum', [], 'amount'], ['buy', 'avg', [], 'amount']])], ['period', 'week'], ['top', '2'], ...by('country', 'device', 'trait:plan')]],
    ['what compares', 'trend', [['series', lists([['buy', 'median', [], 'amount'], ['visit', 'per_user'], ['buy', 'avg', [], 'price']])], ['formula', 'A / B'], ['compare', 'P7D'], ['period', 'day'], range]],
    ['all maths', 'trend', [['series', lists(maths.maths.map((math, at) => [at < 5 ? '*' : 'buy', math, [], at < 5 ? '' : 'price']))], ['period', 'week']]],
    ['what compares by one', 'trend', [['series', lists([['buy', 'total']])], ['compare', 'P7D'], ['period', 'week'], range, ...by('device')]],
    ['lifecycle', 'lifecycle', [['period', 'day']]],
    ['lifecycle by one', 'lifecycle', [['period', 'week'], ['top', '4'], ...by('country')]],
    ['stickiness', 'stickiness', [['period', 'week'], ['op', 'lte'], ['n', '2'], ...by('country', 'trait:plan')]],
    ['stickiness over time', 'stickiness', [['form', 'over_time'], range, ...by('trait:plan')]],
    ['a funnel', 'funnel', [['steps', steps]]],
    ['a funnel by two', 'funnel', [['steps', steps], ['top', '2'], ['attribution', 'all'], ...by('country', 'cohort:week')]],
    ['a funnel as a trend', 'funnel', [['steps', steps], ['view', 'trend'], ['period', 'day'], ...by('device')]],
    ['time to convert', 'funnel', [['steps', steps], ['view', 'time_to_convert'], ['to_step', '2'], ['bins', '7'], ...by('device')]],
    ['time to convert of nobody', 'funnel', [['steps', lists([['visit'], ['nothing']])], ['view', 'time_to_convert']]],
    ['a segment', 'segments', [['people', lists(['all', ['did', 0, ['buy'], 'gte', 2, '']])], ['sets', lists([])], ...by('trait:plan', 'cohort:week')]],
    ['an overlap', 'segments', [['sets', lists([set('a, "b"', 'visit', 3), set('=b', 'buy', 2), set('购买', 'cart', 1)])]]],
    ['an overlap by one', 'segments', [['sets', lists([set('a', 'visit', 3), set('b', 'buy', 2)])], ['top', '1'], ...by('trait:plan')]],
  ];
  const cells = [
    ['a funnel', 'funnel', [['steps', steps]], { step: 1 }],
    ['a trend', 'trend', [['series', lists([['*', 'total']])]], { series: 0 }],
    ['nobody', 'funnel', [['steps', lists([['nothing'], ['visit']])]], { step: 1 }],
  ];
  let data;
  const skip = program ? false : 'HOLDFAST_BINARY names no program';
  before(() => {
    if (!program) return;
    globalThis.navigator ??= { languages: ['en-GB'] };
    const next = random(seed + 4);
    const one = (list) => list[Math.floor(next() * list.length)];
    const countries = ['GB', 'GB', 'GB', 'DE', 'DE', '', undefined, '=1+1', '-5', '-5 ', '+49 30', 'a, "b"\nc', '中国', '@x', '-1e-10', ['GB', 'DE']];
    const lines = [];
    for (let person = 0; person < 60; ++person) {
      // Some have two ids, some such as a spreadsheet would run.
      const userId = person % 7 === 0 ? `=${person}` : person % 7 === 1 ? `-${person}` : `p${person}`;
      const at = (day) => new Date(Date.UTC(2026, 0, 5 + day, 8, Math.floor(next() * 600))).toISOString();
      const plan = one(['free', 'pro', '', undefined]);
      lines.push({ type: 'identify', userId, traits: { plan }, timestamp: at(0) });
      if (person % 3 === 0) {
        const previousId = `was, ${person}`;
        lines.push({ type: 'track', anonymousId: previousId, event: 'visit', timestamp: at(0) });
        lines.push({ type: 'alias', userId, previousId, timestamp: at(0) });
      }
      for (let n = 1 + Math.floor(next() * 14); n > 0; --n) {
        const event = one(['visit', 'visit', 'cart', 'buy', '=cmd()']);
        const amount = Math.floor(next() * 9000) / 100;
        const properties = { country: one(countries), device: one(['ios', 'android', undefined]), amount, price: 200_000 };
        lines.push({ type: 'track', userId, event, properties, timestamp: at(Math.floor(next() * 20)) });
      }
    }
    const file = join(folder, 'csv.ndjson');
    writeFileSync(file, lines.map((line, n) => JSON.stringify({ ...line, messageId: `c${n}` })).join('\n'));
    data = join(folder, 'csv');
    execFileSync(program, ['--data', data, 'import', file], { stdio: 'pipe' });
  });

  const run = (args, input) => execFileSync(program, ['--data', data, ...args], { input, encoding: 'utf8' });
  function jsonOf(page, address) {
    const { [page]: it } = { retention, trend, lifecycle, stickiness, funnel, segments };
    const Page = page[0].toUpperCase() + page.slice(1);
    const query = new URLSearchParams([['as_of', '2026-01-23'], ...address]);
    return it[`${page}Json`](it[`read${Page}`](query));
  }

  test('is what the command line writes', { skip }, async (t) => {
    let all = '';
    for (const [name, page, address] of questions()) {
      await t.test(name, () => {
        const json = jsonOf(page, address);
        const told = run(['query', '-', '--format', 'csv'], JSON.stringify(json));
        const answer = JSON.parse(run(['query', '-'], JSON.stringify(json)));
        assert.equal(csv.csvText(answer_csv.answerCsv(answer, json), '\n'), told);
        all += told;
      });
    }
    // All that differs is in there.
    for (const part of ['(other)', '\n"",', '\n,', ',"",', '(all),(all),(all),', "'=1+1", "'=cmd()", '\n-5,', "'-5 ", '"a, ""b""\nc"', '200000', ',"a, ""b""",\'=b,购买,count\n', 'initial_value'])
      assert.ok(all.includes(part), `no answer has ${JSON.stringify(part)}`);
  });

  test('of members is what the command line writes', { skip }, () => {
    let all = '';
    for (const [name, page, address, cell] of cells) {
      const json = { ...jsonOf(page, address), members: { cell, limit: 10_000 } };
      const told = run(['query', '-', '--format', 'csv'], JSON.stringify(json));
      const { members } = JSON.parse(run(['query', '-'], JSON.stringify(json))).data;
      assert.equal(csv.csvText(answer_csv.membersCsv(members), '\n'), told, name);
      all += told;
    }
    for (const part of ['"p3;was, 3"', "\n'=7,'=7", '\n-1,-1', 'person,ids,count\n'])
      assert.ok(all.includes(part), `nobody has ${JSON.stringify(part)}`);
    const units = [{ unit: '@home', count: 2 }, { unit: '', count: 1 }];
    assert.equal(csv.csvText(answer_csv.membersCsv(units)), "unit,count\r\n'@home,2\r\n,1\r\n");
  });

  test('has lines as RFC 4180 wants them', () => {
    assert.equal(csv.csvText([['a', 1], ['b\nc', null]]), 'a,1\r\n"b\nc",\r\n');
  });

  test('is safe to open in a spreadsheet', () => {
    for (const [value, field] of [
      ['=1+1', "'=1+1"],
      ['+1', '+1'],
      ['-1', '-1'],
      ['+.5e1', '+.5e1'],
      ['-1+2', "'-1+2"],
      ['-', "'-"],
      ['-.', "'-."],
      // More than a decimal of 64 bits and 9 places is a text.
      ['-9223372036854775808', '-9223372036854775808'],
      ['-9223372036854775809', "'-9223372036854775809"],
      ['+9223372036854775808', "'+9223372036854775808"],
      ['-0.000000001', '-0.000000001'],
      ['-1e-10', "'-1e-10"],
      ['-10e-10', '-10e-10'],
      ['-0e99', '-0e99'],
      ['-1e19', "'-1e19"],
      ['@x', "'@x"],
      ['\tx', "'\tx"],
      ['\r=1', '"\'\r=1"'],
      ['a,b', '"a,b"'],
      ['=a"b', '"\'=a""b"'],
      ['a\nb', '"a\nb"'],
      ['plain', 'plain'],
      ['', ''],
      [csv.empty_text, '""'],
      [-1.5, '-1.5'],
      [-0, '0'],
      [1e22, '10000000000000000000000'],
      [-0.00000125, '-0.00000125'],
      [1e-7, '0.0000001'],
      [null, ''],
      [false, 'false'],
    ]) {
      assert.equal(csv.csvField(value), field, String(value));
    }
  });
});
