// SPDX-License-Identifier: Apache-2.0
//
// The token of /console/welcome#hf_setup_..., which the server printed. It is taken out of the
// address and the history at once, and kept in memory alone.
const form = /^#(hf_setup_[\w-]+)$/;
let token = $state<string>();

export const setupToken = (): string | undefined => token;

/** Again whenever the fragment changes: the link may be pasted into a tab that is open already. */
export function watchForSetupToken(): void {
  const take = () => {
    const found = form.exec(location.hash)?.[1];
    if (found === undefined) return;
    token = found;
    history.replaceState(history.state, '', location.pathname + location.search);
  };
  take();
  window.addEventListener('hashchange', take);
}

export function forgetSetupToken(): void {
  token = undefined;
}
