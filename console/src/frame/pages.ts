// SPDX-License-Identifier: Apache-2.0
//
// The pages by address. Each is loaded when it is opened first, with the words it speaks;
// scripts/check_messages.mjs sees to it that those are all.
import type { Component } from 'svelte';
import { t, type Subject } from '../i18n/index.svelte';
import type { IconName } from '../ui/icons';

/** Asking, and what there is to be asked about. */
export type Group = 'analyse' | 'data';
export type Page = {
  load: () => Promise<{ default: Component }>;
  speaks: readonly Subject[];
  title: () => string;
  /** Where it stands in the navigation, if it does. On a phone `pinned` ones are at hand, others in a menu. */
  entry?: { icon: IconName; group: Group; pinned?: true };
  /** Shown also to who may not read the data. */
  isOpen?: boolean;
  /** Without navigation: one thing to do. */
  isAlone?: boolean;
};

export const pages: Record<string, Page> = {
  retention: {
    load: () => import('../pages/Retention.svelte'),
    speaks: ['controls', 'questions'],
    title: () => t('nav.retention'),
    entry: { icon: 'retention', group: 'analyse', pinned: true },
  },
  funnel: {
    load: () => import('../pages/Funnel.svelte'),
    speaks: ['controls', 'questions', 'funnel'],
    title: () => t('nav.funnel'),
    entry: { icon: 'funnel', group: 'analyse', pinned: true },
  },
  trends: {
    load: () => import('../pages/Trends.svelte'),
    speaks: ['controls', 'questions'],
    title: () => t('nav.trends'),
    entry: { icon: 'trends', group: 'analyse', pinned: true },
  },
  lifecycle: {
    load: () => import('../pages/Lifecycle.svelte'),
    speaks: ['controls', 'questions', 'activity'],
    title: () => t('nav.lifecycle'),
    entry: { icon: 'lifecycle', group: 'analyse' },
  },
  stickiness: {
    load: () => import('../pages/Stickiness.svelte'),
    speaks: ['controls', 'questions', 'activity'],
    title: () => t('nav.stickiness'),
    entry: { icon: 'stickiness', group: 'analyse' },
  },
  segments: {
    load: () => import('../pages/Segments.svelte'),
    speaks: ['controls', 'questions', 'segments'],
    title: () => t('nav.segments'),
    entry: { icon: 'segments', group: 'analyse' },
  },
  live: {
    load: () => import('../pages/Live.svelte'),
    speaks: ['controls', 'events'],
    title: () => t('nav.live'),
    entry: { icon: 'live', group: 'data' },
  },
  rejects: {
    load: () => import('../pages/Rejects.svelte'),
    speaks: ['controls', 'events'],
    title: () => t('nav.rejects'),
    entry: { icon: 'alert', group: 'data' },
  },
  connect: {
    load: () => import('../pages/Connect.svelte'),
    speaks: ['controls', 'events'],
    title: () => t('nav.connect'),
    entry: { icon: 'connect', group: 'data' },
  },
  import: {
    load: () => import('../pages/Import.svelte'),
    speaks: ['controls', 'events', 'import'],
    title: () => t('nav.import'),
    entry: { icon: 'import', group: 'data' },
  },
  welcome: {
    load: () => import('../pages/Welcome.svelte'),
    speaks: ['controls', 'account'],
    title: () => t('nav.welcome'),
    isOpen: true,
    isAlone: true,
  },
  'sign-in': {
    load: () => import('../pages/SignIn.svelte'),
    speaks: ['controls', 'account'],
    title: () => t('nav.sign_in'),
    isOpen: true,
    isAlone: true,
  },
  components: {
    load: () => import('../pages/Components.svelte'),
    speaks: ['controls', 'questions', 'components'],
    title: () => t('nav.components'),
    isOpen: true,
  },
};
