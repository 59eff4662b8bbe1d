// SPDX-License-Identifier: Apache-2.0
//
// The first run, and signing in.
export const en = {
  'sign_in.title': 'Sign in',
  'sign_in.lead': 'With the name and password you chose when you set up your account.',
  'sign_in.name': 'Name',
  'sign_in.password': 'Password',
  'sign_in.enter': 'Sign in',
  'sign_in.done': 'You are signed in as {name}.',
  'sign_in.forgotten': 'Forgotten the password?',
  'sign_in.no_owner': 'Nobody has an account yet',
  'sign_in.to_welcome': 'How to set one up',
  'sign_in.wait': {
    one: 'Too many attempts. Try again in {n} second.',
    other: 'Too many attempts. Try again in {n} seconds.',
  },

  'password.show': 'Show the password',
  'password.hide': 'Hide the password',

  'owner.title': 'Welcome to Holdfast',
  'owner.lead':
    'Here you see who comes back, when, and why not. Choose a name and a password, and this server and its data are yours to run.',
  'owner.reset_title': 'Set a new password',
  'owner.reset_lead':
    'This link lets you choose name and password anew. Whoever is signed in now is signed out.',
  'owner.name_missing': 'Choose a name.',
  'owner.password_hint': {
    one: 'At least {n} character. Any will do: four or five words in a row are easy to remember and hard to guess.',
    other:
      'At least {n} characters. Any will do: four or five words in a row are easy to remember and hard to guess.',
  },
  'owner.password_short': {
    one: 'Too short: at least {n} character.',
    other: 'Too short: at least {n} characters.',
  },
  'owner.password_name': 'Leave your name out of it: it is the first thing tried.',
  'owner.create': 'Set up my account',
  'owner.reset': 'Save and sign in',
  'owner.not_here':
    'An account is set up on the machine of the server, and this browser is on another. Come through a tunnel:',
  'owner.not_here_then': 'Then open the same link here once more.',
  'owner.tunnel': 'Tunnel to the server',
  'owner.no_token':
    'Your account is set up with a link that the server prints when it starts. It works once, for 24 hours.',
  'owner.no_token_reset': 'The account is set up. Sign in, or have a link made to set a new password.',
  'owner.where': 'Look where you started “holdfast serve”. The link begins like this:',
  'owner.another': 'It is gone or too old? This prints another one:',
  'owner.forgotten': 'On the machine of the server this prints a link to set a new password:',
  'owner.command': 'Command line',

  'key.instead': 'Use a read key instead',
  'key.label': 'Read key',
  'key.hint': 'Whoever runs this server can give you one. It stays in this tab until it is reloaded.',
  'key.use': 'Read with this key',
  'key.wrong': 'Read keys begin with hf_r_ and have 43 characters more.',
} as const;
