// SPDX-License-Identifier: Apache-2.0
//
// Words in two languages. en.ts says which messages there are; zh.ts has to have the same keys with
// the same {placeholders}, or the build fails on a type. A message is a string, or an object of
// plural forms chosen by the number `n`. The language in use is loaded alone, as a chunk of its own.
import type { en } from './en';

export type Language = 'en' | 'zh';
export type Plural = { readonly one?: string; readonly other: string };
export type Message = string | Plural;
type Source = typeof en;
export type Key = keyof Source;

type Text<M> = M extends string ? M : M extends { other: infer O } ? O : never;
type Names<S> = S extends `${string}{${infer N}}${infer Rest}` ? N | Names<Rest> : never;
type Params<M> = (M extends string ? never : 'n') | Names<Text<M>>;
type Args<K extends Key> = [Params<Source[K]>] extends [never]
  ? []
  : [{ [P in Params<Source[K]>]: string | number }];

/** Fails to compile where `M` lacks a key, has one too many, or names other placeholders. */
export type SameMessages<M> = {
  [K in keyof M | Key]: K extends Key
    ? K extends keyof M
      ? [Params<M[K]>] extends [Params<Source[K]>]
        ? [Params<Source[K]>] extends [Params<M[K]>]
          ? M[K]
          : ['placeholder missing in', K]
        : ['unknown placeholder in', K]
      : ['message missing', K]
    : ['message not in en.ts', K];
};

const load: Record<Language, () => Promise<Record<Key, Message>>> = {
  en: async () => (await import('./en')).en,
  zh: async () => (await import('./zh')).zh,
};

let messages = $state.raw<Record<Key, Message>>();
let current = $state<Language>('en');
let plurals = new Intl.PluralRules('en');

const stored = 'holdfast.language';

function preferred(): Language {
  const kept = localStorage.getItem(stored);
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith('zh')) &&
    !navigator.languages[0]?.toLowerCase().startsWith('en')
    ? 'zh'
    : 'en';
}

export async function setLanguage(language: Language = preferred(), keep = false): Promise<void> {
  const loaded = await load[language]();
  plurals = new Intl.PluralRules(language);
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';
  current = language;
  messages = loaded;
  if (keep) localStorage.setItem(stored, language);
}

export const language = (): Language => current;
/** The BCP 47 tag for Intl. English of the reader's own region keeps its habits of dates. */
export function locale(): string {
  if (current === 'zh') return 'zh-CN';
  return navigator.languages.find((tag) => tag.startsWith('en')) ?? 'en-GB';
}

export function t<K extends Key>(key: K, ...args: Args<K>): string {
  const message = messages?.[key];
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
    return typeof value === 'number' ? new Intl.NumberFormat(locale()).format(value) : value;
  });
}

/** A message of a key made at run time, such as a reason of the API; undefined where there is none. */
export function maybe(key: string): string | undefined {
  const message = messages?.[key as Key];
  return typeof message === 'string' ? message : message?.other;
}
