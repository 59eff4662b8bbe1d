// SPDX-License-Identifier: Apache-2.0

export type Theme = 'system' | 'light' | 'dark';

const stored = 'holdfast.theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');

let chosen = $state<Theme>(read());
let systemIsDark = $state(system.matches);

function read(): Theme {
  const kept = localStorage.getItem(stored);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

function apply(): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
}

export const theme = (): Theme => chosen;
export const isDark = (): boolean => (chosen === 'system' ? systemIsDark : chosen === 'dark');

export function setTheme(next: Theme): void {
  chosen = next;
  if (next === 'system') localStorage.removeItem(stored);
  else localStorage.setItem(stored, next);
  apply();
}

system.addEventListener('change', (event) => {
  systemIsDark = event.matches;
  apply();
});
apply();
