// SPDX-License-Identifier: Apache-2.0
//
// One hint for the whole page, shown beside what is pointed at or focused, above dialogs too. It
// can be pointed at itself and put away by Escape (WCAG 1.4.13).
let bubble: HTMLElement | undefined;
let owner: HTMLElement | undefined;
let leaving: ReturnType<typeof setTimeout> | undefined;

function made(): HTMLElement {
  if (bubble) return bubble;
  bubble = document.createElement('div');
  bubble.id = 'tooltip';
  bubble.className = 'tooltip';
  bubble.setAttribute('role', 'tooltip');
  bubble.setAttribute('popover', 'manual');
  bubble.addEventListener('pointerenter', () => clearTimeout(leaving));
  bubble.addEventListener('pointerleave', hideSoon);
  document.body.append(bubble);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
  });
  window.addEventListener('scroll', hide, true);
  return bubble;
}

export function hide(): void {
  clearTimeout(leaving);
  if (bubble?.matches(':popover-open')) bubble.hidePopover();
  owner?.removeAttribute('aria-describedby');
  owner = undefined;
}

function hideSoon(): void {
  clearTimeout(leaving);
  leaving = setTimeout(hide, 80);
}

/** Shows lines of text beside `target`; the first line stands out. */
export function show(target: HTMLElement, lines: string[], describes = true): void {
  const box = made();
  clearTimeout(leaving);
  if (owner && owner !== target) owner.removeAttribute('aria-describedby');
  owner = target;
  box.replaceChildren(
    ...lines.map((text) => {
      const line = document.createElement('div');
      line.textContent = text;
      return line;
    }),
  );
  if (!box.matches(':popover-open')) box.showPopover();
  const at = target.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const left = Math.min(
    Math.max(8, at.left + at.width / 2 - size.width / 2),
    document.documentElement.clientWidth - size.width - 8,
  );
  const top = at.top - size.height - 6 >= 4 ? at.top - size.height - 6 : at.bottom + 6;
  box.style.setProperty('left', `${left}px`);
  box.style.setProperty('top', `${top}px`);
  if (describes) target.setAttribute('aria-describedby', box.id);
}

export { hideSoon };

/** Attaches a hint to an element: `{@attach hint('why')}`. */
export function hint(text: string): (element: HTMLElement) => () => void {
  return (element) => {
    const enter = () => show(element, [text]);
    element.addEventListener('pointerenter', enter);
    element.addEventListener('pointerleave', hideSoon);
    element.addEventListener('focus', enter);
    element.addEventListener('blur', hide);
    return () => {
      if (owner === element) hide();
      element.removeEventListener('pointerenter', enter);
      element.removeEventListener('pointerleave', hideSoon);
      element.removeEventListener('focus', enter);
      element.removeEventListener('blur', hide);
    };
  };
}
