// SPDX-License-Identifier: Apache-2.0
//
// A question of retention, and the cells of its answer, in words.
import { t } from '../i18n/index.svelte';
import * as format from '../lib/format';
import { byWords } from './dimension';
import { matcherWords } from './matcher';
import { periodAfter, periodName, periodWords } from './period';
import { whereWords } from './question';
import { addsUp, type Retention } from './retention';

/** The definition of what is shown, sentence by sentence. */
export function retentionWords(state: Retention): string[] {
  const start = matcherWords(state.start);
  const comeback = matcherWords(state.comeback);
  const words: string[] = [];
  if (state.form === 'windows') {
    words.push(
      t('retention.say.windows', {
        start,
        comeback,
        initial: format.dateRange(state.initial.from, state.initial.to),
        current: format.dateRange(state.current.from, state.current.to),
      }),
    );
  } else {
    const period = periodWords(state.period);
    if (state.window === 'rolling') {
      words.push(t('retention.say.rolling', { start, period }));
    } else if (state.entry === 'first_time') {
      words.push(t('retention.say.first_time', { start, period }));
    } else if (state.entry === 'first_ever') {
      words.push(t('retention.say.first_ever', { start, period }));
    } else {
      words.push(t('retention.say.every_period', { start, period }));
    }
    words.push(
      state.count_return === 'exactly'
        ? t('retention.say.exactly', { comeback, period })
        : t('retention.say.on_or_after', { comeback, period }),
    );
    if (state.brackets.length > 0) words.push(t('retention.say.brackets'));
  }
  if (state.min_occurrences > 1 && !addsUp(state)) {
    words.push(t('retention.say.min', { n: state.min_occurrences }));
  }
  if (addsUp(state)) {
    if (state.aggregate === 'count') words.push(t('retention.say.count'));
    if (state.aggregate === 'sum') words.push(t('retention.say.sum', { property: state.property }));
    if (state.aggregate === 'avg') words.push(t('retention.say.avg', { property: state.property }));
  }
  words.push(...whereWords(state));
  if (state.by.length > 0) words.push(t('retention.say.by', { property: byWords(state.by) }));
  words.push(t('retention.say.incomplete'));
  return words;
}

/** What column k is called: "Month 1", or "Days 1–2" of a bracket. */
export function columnWords(label: string, state: Retention): string {
  const span = label.replace('-', '–');
  switch (state.period) {
    case 'hour':
      return t('column.hour', { span });
    case 'day':
      return t('column.day', { span });
    case 'week':
      return t('column.week', { span });
    case 'month':
      return t('column.month', { span });
    case 'quarter':
      return t('column.quarter', { span });
    case 'year':
      return t('column.year', { span });
    default:
      return t('column.period', { span });
  }
}

/** The calendar time a cell is about, where it is the same for all of its people. */
export function cellTime(state: Retention, cohort: string, label: string): string | undefined {
  if (state.window === 'rolling') return undefined;
  const [first, last] = label.split('-').map(Number);
  const start = periodAfter(cohort, state.period, first);
  if (start === undefined) return undefined;
  const from = periodName(start, state.period);
  if (state.count_return === 'on_or_after') return t('cell.from_on', { from });
  if (last === undefined || last === first) return from;
  const end = periodAfter(cohort, state.period, last + 1)!;
  return format.dateRange(start, format.addDays(end, -1));
}

/** What a value of a cell is, where it carries one. */
export function valueWords(state: Retention): string {
  if (state.aggregate === 'sum') return t('value.sum_of', { property: state.property });
  if (state.aggregate === 'avg') return t('value.avg_of', { property: state.property });
  return t('value.count');
}
