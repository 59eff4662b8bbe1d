// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { loadSession } from './api/session.svelte';
import { watchForSetupToken } from './api/setup_token.svelte';
import { pages } from './frame/pages';
import { learn, startLanguage } from './i18n/index.svelte';
import { route, startRouter } from './lib/router.svelte';

watchForSetupToken();
startRouter();
// What the first page needs is fetched beside the rest; a failure is told where it is awaited.
const first = pages[route.path || 'retention'];
if (first) void Promise.all([first.load(), learn(first.speaks)]).catch(() => {});
await Promise.all([startLanguage(), loadSession()]);
mount(App, { target: document.getElementById('app')! });
