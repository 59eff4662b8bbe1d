// SPDX-License-Identifier: Apache-2.0
//
// The pages by address. Each is loaded when it is opened first, with the words it speaks;
// scripts/check_messages.mjs sees to it that those are all.
import type { Component } from 'svelte';
import { t, type Subject } from '../i18n/index.svelte';
import type { IconName } from '../ui/icons';

export type Page = {
  load: () => Promise<{ default: Component }>;
  speaks: readonly Subject[];
  title: () => string;
  /** Where it stands in the navigation, if it does; `short` is for a phone. */
  entry?: { icon: IconName; short?: () => string };
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
    entry: { icon: 'retention' },
  },
  trends: {
    load: () => import('../pages/Trends.svelte'),
    speaks: ['controls', 'questions'],
    title: () => t('nav.trends'),
    entry: { icon: 'trends' },
  },
  live: {
    load: () => import('../pages/Live.svelte'),
    speaks: ['controls', 'events'],
    title: () => t('nav.live'),
    entry: { icon: 'live', short: () => t('nav.live_short') },
  },
  rejects: {
    load: () => import('../pages/Rejects.svelte'),
    speaks: ['controls', 'events'],
    title: () => t('nav.rejects'),
    entry: { icon: 'alert' },
  },
  connect: {
    load: () => import('../pages/Connect.svelte'),
    speaks: ['controls', 'events'],
    title: () => t('nav.connect'),
    entry: { icon: 'connect' },
  },
  import: {
    load: () => import('../pages/Import.svelte'),
    speaks: ['controls', 'events', 'import'],
    title: () => t('nav.import'),
    entry: { icon: 'import' },
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
