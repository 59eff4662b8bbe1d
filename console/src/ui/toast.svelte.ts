// SPDX-License-Identifier: Apache-2.0

export type Toast = { id: number; text: string; kind: 'ok' | 'danger' };

let list = $state<Toast[]>([]);
let next = 0;

export const toasts = (): Toast[] => list;

/** Says something for a while; the live region reads it out. */
export function say(text: string, kind: Toast['kind'] = 'ok'): void {
  const id = ++next;
  list = [...list.slice(-2), { id, text, kind }];
  setTimeout(() => dismiss(id), kind === 'ok' ? 4000 : 9000);
}

export function dismiss(id: number): void {
  list = list.filter((toast) => toast.id !== id);
}
