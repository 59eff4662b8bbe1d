// SPDX-License-Identifier: Apache-2.0
//
// Words in two languages, in files of one subject each, so that a page loads those it speaks. The
// files in en/ say which messages there are; those in zh/ have to have the same keys with the same
// {placeholders}, or the build fails on a type. A message is a string, or an object of plural forms
// chosen by the number `n`.
import type { en as account } from './en/account';
import type { en as components } from './en/components';
import type { en as controls } from './en/controls';
import type { en as events } from './en/events';
import type { en as funnel } from './en/funnel';
import type { en as activity } from './en/activity';
import type { en as segments } from './en/segments';
import type { en as frame } from './en/frame';
import type { en as imports } from './en/import';
import type { en as questions } from './en/questions';

export type Language = 'en' | 'zh';
export type Plural = { readonly one?: string; readonly other: string };
export type Message = string | Plural;
type Source = typeof account &
  typeof components &
  typeof controls &
  typeof events &
  typeof funnel &
  typeof activity &
  typeof segments &
  typeof frame &
  typeof imports &
  typeof questions;
export type Key = keyof Source;

type Text<M> = M extends string ? M : M extends { other: infer O } ? O : never;
type Names<S> = S extends `${string}{${infer N}}${infer Rest}` ? N | Names<Rest> : never;
type Params<M> = (M extends string ? never : 'n') | Names<Text<M>>;
type Args<K extends Key> = [Params<Source[K]>] extends [never]
  ? []
  : [{ [P in Params<Source[K]>]: string | number }];

/** Fails to compile where `M` lacks a key of `From`, has one too many, or names other placeholders. */
export type SameMessages<M, From> = {
  [K in keyof M | keyof From]: K extends keyof From
    ? K extends keyof M
      ? [Params<M[K]>] extends [Params<From[K]>]
        ? [Params<From[K]>] extends [Params<M[K]>]
          ? M[K]
          : ['placeholder missing in', K]
        : ['unknown placeholder in', K]
      : ['message missing', K]
    : ['message not in English', K];
};

type Messages = Record<string, Message>;
const load = {
  en: {
    account: async () => (await import('./en/account')).en,
    components: async () => (await import('./en/components')).en,
    controls: async () => (await import('./en/controls')).en,
    events: async () => (await import('./en/events')).en,
    funnel: async () => (await import('./en/funnel')).en,
    activity: async () => (await import('./en/activity')).en,
    segments: async () => (await import('./en/segments')).en,
    frame: async () => (await import('./en/frame')).en,
    import: async () => (await import('./en/import')).en,
    questions: async () => (await import('./en/questions')).en,
  },
  zh: {
    account: async () => (await import('./zh/account')).zh,
    components: async () => (await import('./zh/components')).zh,
    controls: async () => (await import('./zh/controls')).zh,
    events: async () => (await import('./zh/events')).zh,
    funnel: async () => (await import('./zh/funnel')).zh,
    activity: async () => (await import('./zh/activity')).zh,
    segments: async () => (await import('./zh/segments')).zh,
    frame: async () => (await import('./zh/frame')).zh,
    import: async () => (await import('./zh/import')).zh,
    questions: async () => (await import('./zh/questions')).zh,
  },
} satisfies Record<Language, Record<string, () => Promise<Messages>>>;
export type Subject = keyof (typeof load)['en'];

let messages = $state.raw<Messages>({});
let current = $state<Language>('en');
let plurals = new Intl.PluralRules('en');
let numbers = new Intl.NumberFormat('en');
const wanted = new Set<Subject>();

const stored = 'holdfast.language';

function preferred(): Language {
  const kept = localStorage.getItem(stored);
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith('zh')) &&
    !navigator.languages[0]?.toLowerCase().startsWith('en')
    ? 'zh'
    : 'en';
}

async function speak(language: Language, subjects: Iterable<Subject>): Promise<Messages> {
  const loaded = await Promise.all([...subjects].map((subject) => load[language][subject]()));
  return Object.assign({}, ...loaded) as Messages;
}

export async function setLanguage(language: Language, keep = false): Promise<void> {
  const loaded = await speak(language, wanted);
  plurals = new Intl.PluralRules(language);
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';
  current = language;
  numbers = new Intl.NumberFormat(locale());
  messages = loaded;
  if (keep) localStorage.setItem(stored, language);
}

/** Has the words of these subjects at hand, in whatever language is chosen from now on. */
export async function learn(subjects: readonly Subject[]): Promise<void> {
  for (const subject of subjects) wanted.add(subject);
  for (;;) {
    const language = current;
    const loaded = await speak(language, subjects);
    // Chosen otherwise meanwhile: the words have to be of one language.
    if (language !== current) continue;
    messages = { ...messages, ...loaded };
    return;
  }
}

export async function startLanguage(): Promise<void> {
  wanted.add('frame');
  await setLanguage(preferred());
}

export const language = (): Language => current;
/** The BCP 47 tag for Intl. English of the reader's own region keeps its habits of dates. */
export function locale(): string {
  if (current === 'zh') return 'zh-CN';
  return navigator.languages.find((tag) => tag.startsWith('en')) ?? 'en-GB';
}

export function t<K extends Key>(key: K, ...args: Args<K>): string {
  const message = messages[key];
  if (message === undefined) return '';
  const params = args[0] as Record<string, string | number> | undefined;
  let text: string;
  if (typeof message === 'string') {
    text = message;
  } else {
    const form = plurals.select(Number(params?.n ?? 0)) as keyof Plural;
    text = message[form] ?? message.other;
  }
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numbers.format(value) : value;
  });
}

/** A message of a key made at run time, such as a reason of the API; undefined where there is none. */
export function maybe(key: string): string | undefined {
  const message = messages[key];
  return typeof message === 'string' ? message : message?.other;
}
