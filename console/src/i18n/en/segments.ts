// SPDX-License-Identifier: Apache-2.0
//
// Segment sizes.
export const en = {
  'segments.title': 'Segments',
  'segments.lead': 'Of how many people conditions hold, and how sets of people overlap.',
  'segments.people': 'People of whom this holds',
  'segments.everybody': 'Everybody. Add a rule to narrow it down.',
  'segments.sets': 'Sets to compare',
  'segments.sets_hint': 'Two to eight sets among the people above: how large each is, and how they overlap.',
  'segments.set_n': 'Set {n}',
  'segments.add': 'Add a set',
  'segments.name': 'Name',
  'segments.name_wrong': 'A name that no other set has.',
  'segments.size': 'People',
  'segments.of_known': '{rate} of the {n} people known',
  'segments.matrix': 'Overlap',
  'segments.matrix_hint': 'Of the people of a row, how many are in the column, too.',
  'segments.exactly': 'In exactly these sets',
  'segments.only': 'only {label}',
  'segments.both': '{a} and {b}',
  'segments.often': 'Twice or more',
  'segments.lately': 'Active lately',

  'segments.nobody': 'Nobody',
  'segments.nobody_text': 'The conditions hold of nobody. Take one away, or choose a longer time.',
  'segments.explain': '{n} of {m} people.',
  'segments.say.all': 'All people known.',
  'segments.say.people': 'People of whom this holds: {people}.',
  'segments.say.set': '{label}: {people}.',
  'segments.say.known': 'Known is who has any event. All is asked as of the end of the time looked at.',
} as const;
