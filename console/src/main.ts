// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { loadWorkspace } from './api/workspace.svelte';
import { setLanguage } from './i18n/index.svelte';
import { startRouter } from './lib/router.svelte';

startRouter();
void loadWorkspace();
await setLanguage();
mount(App, { target: document.getElementById('app')! });
