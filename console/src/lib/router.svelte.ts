// SPDX-License-Identifier: Apache-2.0
//
// The address is the state: a page reads what it shows from path and query alone, and changes it by
// going somewhere. What a person chose is a step to go back to; what the page settled by itself
// (defaults) replaces the address.

export const base = '/console/';

let path = $state('');
let query = $state.raw(new URLSearchParams());

/** The page that a path of the console names; one that cannot be decoded names none there is. */
function pageOf(pathname: string): string {
  let plain = pathname;
  try {
    plain = decodeURI(pathname);
  } catch {
    // As it stands.
  }
  return plain.slice(base.length).replace(/\/+$/, '');
}

function read(): void {
  path = pageOf(location.pathname);
  query = new URLSearchParams(location.search);
}

export const route = {
  get path(): string {
    return path;
  },
  get query(): URLSearchParams {
    return query;
  },
};

export function hrefOf(to: string, params?: URLSearchParams): string {
  const text = params?.toString() ?? '';
  return base + to + (text ? `?${text}` : '');
}

export function go(to: string, params?: URLSearchParams, how: 'push' | 'replace' = 'push'): void {
  const href = hrefOf(to, params);
  if (href === location.pathname + location.search) return;
  const moved = to !== path;
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', href);
  read();
  if (moved && how === 'push') window.scrollTo(0, 0);
}

/** Changes some parameters of the present page; null takes one away. */
export function change(
  changes: Record<string, string | null>,
  how: 'push' | 'replace' = 'push',
): void {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  go(path, next, how);
}

/** Takes over clicks on links of the console, so that they load nothing. */
function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.('a');
  if (!link || link.target || link.hasAttribute('download')) return;
  if (link.origin !== location.origin || !link.pathname.startsWith(base)) return;
  if (link.hash) return;
  event.preventDefault();
  go(pageOf(link.pathname), new URLSearchParams(link.search));
}

export function startRouter(): void {
  read();
  window.addEventListener('popstate', read);
  document.addEventListener('click', followLink);
}
