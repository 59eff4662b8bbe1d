// SPDX-License-Identifier: Apache-2.0
import type { Problem } from '../../api/contract';
import { maybe, t } from '../../i18n/index.svelte';

/** What the server says against a form, in words for beside the field it is about. */
export function refusalWords(problem: Problem): string {
  if (problem.reason === 'too_many_attempts' && problem.retry_after !== undefined) {
    return t('sign_in.wait', { n: Math.max(1, Math.ceil(problem.retry_after)) });
  }
  const known = maybe(`reason.${problem.reason}`) ?? maybe(`status.${problem.status}`);
  return known ?? problem.detail ?? problem.title;
}
