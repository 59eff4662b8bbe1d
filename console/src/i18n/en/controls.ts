// SPDX-License-Identifier: Apache-2.0
//
// What components of src/ui say by themselves.
export const en = {
  'first.sign_in_text': 'Sign in first: this changes what is stored.',
  'first.set_up_text': 'Set up your account first: this changes what is stored.',
  'apply': 'Apply',
  'more': 'More options',
  'automatic': 'Automatic',
  'unfinished': 'not finished',
  'people': 'People',
  'code.copy': 'Copy: {what}',
  'code.copied': 'Copied',
  'code.not_copied': 'The browser did not let us copy. Select the text instead.',

  'combobox.as_typed': 'as typed',
  'combobox.clear': 'Remove {what}',
  'combobox.options': 'Choices',
  'combobox.type': 'Type a name and press Enter',
  'combobox.none': 'Nothing fits',
  'combobox.more': { one: '{n} more: type to narrow down', other: '{n} more: type to narrow down' },
  'combobox.narrow': 'There are more: type to narrow down',
  'table.more': { one: 'Show {n} more', other: 'Show {n} more' },
  'table.shown': '{shown} of {all} rows',
  'timezone': 'Time zone',
  'timezone.default': 'Of the workspace',
} as const;
