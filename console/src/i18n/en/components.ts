// SPDX-License-Identifier: Apache-2.0
//
// The page of components.
export const en = {
  'components.title': 'Components',
  'components.lead': 'What the console is made of, each in its states.',
  'components.buttons': 'Buttons',
  'components.fields': 'Fields',
  'components.tags': 'Tags and progress',
  'components.data': 'Table, heatmap and chart',
  'components.feedback': 'Dialog, notes and states',
  'components.sample': 'Sample',
  'components.hint': 'A hint below the field',
  'components.error': 'Something is wrong with it',
  'components.open': 'Open a dialog',
  'components.tell': 'Show a note',
  'components.tooltip': 'Point at me',
  'components.text': 'Text that says what is to be done here.',
} as const;
