// SPDX-License-Identifier: Apache-2.0
//
// By what an answer is split: a property of the events, a trait of the person, or when the person
// was seen first.
import type { Bucket, Json } from '../api/contract';
import { t } from '../i18n/index.svelte';
import { periodName, periodWords } from './period';

export type Dimension = { of: 'property' | 'trait' | 'cohort'; name: string };

export const dimensions_max = 3;
export const cohorts = ['day', 'week', 'month', 'quarter', 'year'] as const;
export const attributions = ['default', 'all', 'first_touch', 'last_touch'] as const;

const prefixed = /^(property|trait|cohort):(.+)$/s;

/** As it stands in the address and in the picker: a property by its bare name where that is clear. */
export function dimensionText({ of, name }: Dimension): string {
  return of === 'property' && !prefixed.test(name) ? name : `${of}:${name}`;
}

export function readDimension(text: string): Dimension | undefined {
  if (text === '') return undefined;
  const [, of, name] = prefixed.exec(text) ?? [];
  if (of === undefined) return { of: 'property', name: text };
  if (of === 'cohort' && !(cohorts as readonly string[]).includes(name)) return undefined;
  return { of: of as Dimension['of'], name };
}

export function dimensionWords({ of, name }: Dimension): string {
  if (of === 'trait') return t('dimension.trait', { name });
  return of === 'cohort' ? t('dimension.cohort', { period: periodWords(name) }) : name;
}

export const byWords = (by: Dimension[]): string => by.map(dimensionWords).join(' × ');

export function dimensionJson(
  one: Dimension,
  top: number,
  attribution: (typeof attributions)[number],
): Json {
  return {
    [one.of]: one.name,
    top,
    ...(one.of === 'property' && attribution !== 'default' ? { attribution } : {}),
  };
}

function valueWords(bucket: Bucket, of: Dimension | undefined): string {
  if (bucket === null) return t('bucket.missing');
  if (typeof bucket === 'object') return t('bucket.other');
  if (of?.of === 'cohort' && /^\d{4}-\d\d-\d\d$/.test(bucket)) return periodName(bucket, of.name);
  return bucket === '' ? t('bucket.empty') : bucket;
}
/** The value of each dimension that `by` names. */
export const bucketWords = (bucket: Bucket[], by: Dimension[]): string =>
  bucket.map((one, at) => valueWords(one, by[at])).join(' · ');

/** A table of an answer: of all, or of a group of a breakdown. */
export type Part<T> = {
  name: string;
  /** As the address names it; -1: all. */
  group: number;
  bucket?: Bucket[];
  table: T;
};

/** All first, then the groups, if there are any. */
export function partsOf<T extends object>(
  data: T | { groups: (T & { bucket: Bucket[] })[]; total: T },
  by: Dimension[],
): Part<T>[] {
  const name = t('group.all');
  if (!('groups' in data)) return [{ name, group: -1, table: data }];
  return [
    { name, group: -1, table: data.total },
    ...data.groups.map((table, group) => ({
      name: bucketWords(table.bucket, by),
      group,
      bucket: table.bucket,
      table,
    })),
  ];
}
