// SPDX-License-Identifier: Apache-2.0
//
// A question as one asks it elsewhere: in a shell, or by HTTP. The command is written from the JSON
// that is asked, member by member, so that it cannot leave out what the question says: what no flag
// says (docs/metrics.md, "Commands") is given whole to `holdfast query`.
import type { Json } from '../api/contract';
import { maths } from './maths';

type Members = { [name: string]: Json };
/** A flag, with its value where it has one; or an event, which has no flag. */
type Argument = string[];
/** A member of a question in words of its command; undefined where there are none for it. */
type Said = (value: Json, flag: string) => Argument[] | undefined;

const isMembers = (json: Json | undefined): json is Members =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** All of them, or nothing where there are no words for one. */
function allOf<T>(list: (T | undefined)[]): T[] | undefined {
  const whole = list.filter((one) => one !== undefined);
  return whole.length === list.length ? whole : undefined;
}

const plain: Said = (value, flag) =>
  typeof value === 'number' || (typeof value === 'string' && value !== '')
    ? [[flag, String(value)]]
    : undefined;
const lone: Said = (value, flag) => (value === true ? [[flag]] : undefined);
/** As JSON; what does not begin like it would name a file. */
const condition: Said = (value, flag) =>
  isMembers(value) ? [[flag, JSON.stringify(value)]] : undefined;

// -- Events ---------------------------------------------------------------------------------------

/** What would be read as a flag, a list, the end of all arguments or JSON is written as JSON. */
const isPlainName = (event: Json): event is string =>
  typeof event === 'string' && event !== '' && event !== '++' && !/^[-[{]/.test(event);

const matcherText = (matcher: Json): string | undefined => {
  if (!isMembers(matcher)) return undefined;
  const { event, ...more } = matcher;
  const isName = isPlainName(event) && Object.keys(more).length === 0;
  return isName ? event : JSON.stringify(matcher);
};

/** Any event is what the commands ask of by themselves. */
const matcher: Said = (value, flag) => {
  const text = matcherText(value);
  if (text === '*') return [];
  return text === undefined ? undefined : [[flag, text]];
};

const each =
  (textOf: (one: Json) => string | undefined): Said =>
  (list, flag) =>
    Array.isArray(list)
      ? allOf(list.map(textOf))?.map((text) => (flag === '' ? [text] : [flag, text]))
      : undefined;

/** "purchase:sum:revenue"; JSON where the program would find the math elsewhere in it. */
function seriesText(series: Json): string | undefined {
  if (!isMembers(series)) return undefined;
  const { event, math = 'total', property, ...more } = series;
  const isName = isPlainName(event) && Object.keys(more).length === 0;
  const isProperty =
    property === undefined ||
    (typeof property === 'string' &&
      !/^$|:/.test(property) &&
      !(maths as readonly string[]).includes(property));
  if (!isName || !isProperty) return JSON.stringify(series);
  if (math === 'total' && property === undefined && !event.includes(':')) return event;
  return [event, math, ...(property === undefined ? [] : [property])].join(':');
}

/** The time to the next step, by a flag where it is the same of all. */
const steps: Said = (list) => {
  if (!Array.isArray(list) || !list.every(isMembers)) return undefined;
  const [within, ...others] = new Set(list.slice(0, -1).map((step) => step.within));
  const isOfAll = others.length === 0 && typeof within === 'string' && !list.at(-1)?.within;
  const bare = list.map(({ within: own, ...step }) =>
    own === undefined || isOfAll ? step : { ...step, within: own },
  );
  const names = each(matcherText)(bare, '');
  return names && isOfAll ? [...names, ['--within', within]] : names;
};

// -- What else has a form of its own --------------------------------------------------------------

const kinds = ['property', 'trait', 'cohort', 'segment', 'tier'];

function dimensionText(kind: string, name: string): string {
  const isClear = !name.startsWith('{') && !kinds.includes(name.split(':', 1)[0]);
  return kind === 'property' && isClear ? name : `${kind}:${name}`;
}

/** --top and --attribution are of all dimensions; where these differ, each is JSON. */
const breakdown: Said = (list) => {
  if (!Array.isArray(list) || !list.every(isMembers)) return undefined;
  const named = list.map(({ top, attribution, ...one }): [string, Json][] => {
    void [top, attribution];
    return Object.entries(one);
  });
  const isNamed = named.every(
    ([one, ...more]) => more.length === 0 && kinds.includes(one?.[0]) && typeof one[1] === 'string',
  );
  const tops = new Set(list.map((one) => one.top));
  const ofEvents = list.filter((one) => one.property !== undefined);
  const attributions = new Set(ofEvents.map((one) => one.attribution));
  if (!isNamed || tops.size > 1 || attributions.size > 1) {
    return list.map((one) => ['--by', JSON.stringify(one)]);
  }
  const given = (flag: string, [value]: Iterable<Json | undefined>): Argument[] =>
    value === undefined ? [] : [[flag, String(value)]];
  return [
    ...named.map(([[kind, name]]) => ['--by', dimensionText(kind, String(name))]),
    ...given('--top', tops),
    ...given('--attribution', attributions),
  ];
};

/** "sum:revenue"; a property whose name reads as a trait has no such form. */
const added: Said = (value, flag) => {
  if (!isMembers(value)) return undefined;
  const { aggregate, property, trait, ...more } = value;
  if (Object.keys(more).length > 0 || (property !== undefined && trait !== undefined)) return undefined;
  if (String(property ?? '').startsWith('trait:')) return undefined;
  const of = trait === undefined ? property : `trait:${String(trait)}`;
  return [[flag, of === undefined ? String(aggregate) : `${String(aggregate)}:${String(of)}`]];
};

const span: Said = (days, flag) =>
  isMembers(days) ? [[flag, `${String(days.from)}..${String(days.to)}`]] : undefined;

const how_often: Record<string, string> = { gte: '--at-least', lte: '--at-most', eq: '--exactly' };
const perInterval: Said = (counts) =>
  isMembers(counts)
    ? allOf(Object.entries(counts).map(([op, n]) => (how_often[op] ? [how_often[op], String(n)] : undefined)))
    : undefined;

/** "vip={..}": the name ends at the first =. */
const overlap = each((set) => {
  if (!isMembers(set) || typeof set.label !== 'string' || !isMembers(set.people)) return undefined;
  return set.label === '' || set.label.includes('=')
    ? undefined
    : `${set.label}=${JSON.stringify(set.people)}`;
});

// -- The commands ---------------------------------------------------------------------------------

type Saying = Record<string, Said>;
const time: Saying = { period: plain, last: plain, from: plain, to: plain };
const calendar: Saying = { timezone: plain, week_start: plain, as_of: plain };
const common: Saying = { where: condition, people: condition, breakdown, ...calendar };

/** What each has flags for, in the order in which one reads it. */
const commands: Record<string, Saying> = {
  retention: {
    start: matcher,
    return: matcher,
    entry: plain,
    ...time,
    initial: span,
    current: span,
    periods: plain,
    brackets: (sizes, flag) => (Array.isArray(sizes) ? [[flag, sizes.join(',')]] : undefined),
    window: plain,
    count_return: plain,
    min_occurrences: plain,
    value: added,
    ...common,
  },
  trend: {
    series: (list) => each(seriesText)(list, ''),
    ...time,
    cumulative: lone,
    compare: plain,
    formula: plain,
    ...common,
  },
  funnel: {
    steps,
    window: plain,
    order: plain,
    exclude: each(matcherText),
    hold_constant: each((name) => (typeof name === 'string' && name !== '' ? name : undefined)),
    entry: plain,
    view: plain,
    from_step: plain,
    to_step: plain,
    bins: plain,
    ...time,
    ...common,
  },
  lifecycle: { match: (value) => matcher(value, '--event'), ...time, ...common },
  stickiness: {
    match: (value) => matcher(value, '--event'),
    per_interval: perInterval,
    over_time: lone,
    cumulative: lone,
    ...time,
    ...common,
  },
  segment_size: { overlap, people: condition, breakdown, ...calendar },
};

/** Quotes for a shell where it would read anything into the text: at the front, zsh also a =. */
function quoted(text: string): string {
  if (/^(?!=)[A-Za-z0-9_./:=,@%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const dashed = (name: string): string => name.replaceAll('_', '-');

function argumentsOf({ metric, ...members }: Members): Argument[] | undefined {
  const saying = commands[String(metric)];
  if (!saying || Object.keys(members).some((name) => saying[name] === undefined)) return undefined;
  const asked = Object.entries(saying).filter(([name]) => members[name] !== undefined);
  return allOf(asked.map(([name, said]) => said(members[name], `--${dashed(name)}`)))?.flat();
}

/** For a POSIX shell, one line a flag. */
export function commandOf(query: Members): string {
  const all = argumentsOf(query);
  if (!all) return `holdfast query - <<'QUESTION'\n${JSON.stringify(query)}\nQUESTION`;
  const flags = all.filter(([flag]) => flag.startsWith('--'));
  const events = all.filter((one) => !flags.includes(one)).flat();
  return [['holdfast', dashed(String(query.metric)), ...events], ...flags]
    .map((words) => words.map(quoted).join(' '))
    .join(' \\\n  ');
}

export function curlOf(query: Json): string {
  const body = JSON.stringify(query).replaceAll("'", "'\\''");
  return `curl ${location.origin}/api/v1/query \\\n  -d '${body}'`;
}
