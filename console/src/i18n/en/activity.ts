// SPDX-License-Identifier: Apache-2.0
//
// Lifecycle and stickiness.
export const en = {
  'lifecycle.title': 'Lifecycle',
  'lifecycle.lead': 'Who is new, who has stayed, who has come back, and who has gone.',
  'lifecycle.caption': 'Lifecycle by {period}',
  'lifecycle.match': 'Active with',
  'lifecycle.view_stack': 'Who comes and goes',
  'lifecycle.new': 'New',
  'lifecycle.returning': 'Returning',
  'lifecycle.resurrecting': 'Resurrecting',
  'lifecycle.dormant': 'Dormant',
  'lifecycle.active': 'Active',
  'lifecycle.active_in': 'Active: {period}',
  'lifecycle.first_period': 'the first period',
  'lifecycle.change': '{change} to the period before',
  'lifecycle.quick_ratio': 'Quick ratio',
  'lifecycle.come_and_gone': '{come} came for {gone} who went',
  'lifecycle.of_active': '{rate} of the active',
  'lifecycle.nobody': 'Nobody was active',
  'lifecycle.unfinished':
    'Outlined or dashed, and marked ~: the period is not over, and who has not come yet counts as dormant.',
  'lifecycle.unfinished_cell': 'The period is not over: this can still change.',
  'lifecycle.explain_new':
    { one: '{n} person was active for the first time of all: {when}.', other: '{n} people were active for the first time of all: {when}.' },
  'lifecycle.explain_returning':
    { one: '{n} person was active in {when} and in the period before.', other: '{n} people were active in {when} and in the period before.' },
  'lifecycle.explain_resurrecting':
    { one: '{n} person was back in {when} after a pause.', other: '{n} people were back in {when} after a pause.' },
  'lifecycle.explain_dormant':
    { one: '{n} person was active in the period before, and not in {when}.', other: '{n} people were active in the period before, and not in {when}.' },
  'lifecycle.explain_active':
    { one: '{n} person was active: {when}.', other: '{n} people were active: {when}.' },
  'lifecycle.say.active': 'A person is active in a {period} in which they have {event}.',
  'lifecycle.say.new':
    'New: in the {period} of their very first such event. Returning: active in the {period} before, too.',
  'lifecycle.say.others':
    'Resurrecting: active now, not in the {period} before, and not new. Dormant: active in the {period} before and not now, below zero.',
  'lifecycle.say.quick_ratio':
    'The quick ratio is (new + resurrecting) / dormant: over 1, more people come than go.',
  'lifecycle.say.incomplete': 'Periods that are not over are marked.',
  'stickiness.title': 'Stickiness',
  'stickiness.lead':
    'How often people come, and how many of a month’s people come each day.',
  'stickiness.caption': 'Number of active periods, by {period}',
  'stickiness.caption_days': 'Active people day by day',
  'stickiness.form': 'Look at',
  'stickiness.histogram': 'How often people come',
  'stickiness.over_time': 'Day by day: DAU, WAU, MAU',
  'stickiness.per_interval': 'A period is active with',
  'stickiness.gte': 'events, at least',
  'stickiness.lte': 'events, at most',
  'stickiness.eq': 'events, exactly',
  'stickiness.cumulative': 'Each bar counts',
  'stickiness.exactly': 'Exactly so many periods',
  'stickiness.or_more': 'So many or more',
  'stickiness.share': 'Share',
  'stickiness.quarters': { one: '{n} quarter', other: '{n} quarters' },
  'stickiness.l7': 'L7: active days of 7',
  'stickiness.l28': 'L28: active days of 28',
  'stickiness.days_to': '{n} days to {day}',
  'stickiness.mean': 'Active periods a person ({period})',
  'stickiness.of_people': { one: 'of {n} person', other: 'of {n} people' },
  'stickiness.once': 'Came in one {period} only',
  'stickiness.day': 'Day',
  'stickiness.active_in': 'Active in',
  'stickiness.explain':
    { one: '{n} person was active in exactly {span} of the time shown.', other: '{n} people were active in exactly {span} of the time shown.' },
  'stickiness.explain_or_more':
    { one: '{n} person was active in {span} of the time shown, or more.', other: '{n} people were active in {span} of the time shown, or more.' },
  'stickiness.explain_dau':
    { one: '{n} person was active on {day}.', other: '{n} people were active on {day}.' },
  'stickiness.explain_days':
    { one: '{n} person was active in the {days} days that end with {day}.', other: '{n} people were active in the {days} days that end with {day}.' },
  'stickiness.say.histogram':
    'Of the people with {event} in the time shown: in how many {period} periods each was active.',
  'stickiness.say.days':
    'For each day: how many people had {event} on it (DAU), in the 7 days (WAU) and in the 30 days (MAU) that end with it.',
  'stickiness.say.ratio':
    'DAU/MAU is the share of the month’s people who come on the day. L7 and L28 are the days on which an active person is active on average.',
  'stickiness.say.gte':
    { one: 'A {period} is active with at least {n} event.', other: 'A {period} is active with at least {n} events.' },
  'stickiness.say.lte':
    { one: 'A {period} is active with at most {n} event, and one at least.', other: 'A {period} is active with at most {n} events, and one at least.' },
  'stickiness.say.eq':
    { one: 'A {period} is active with exactly {n} event.', other: 'A {period} is active with exactly {n} events.' },
  'stickiness.say.cumulative': 'Bar k counts who was active in k {period} periods or more.',
} as const;
