// SPDX-License-Identifier: Apache-2.0
import type { Property } from '../api/contract';
import { propertiesOf, workspace } from '../api/workspace.svelte';

/** The properties of an event that may change. To be called while a component is made. */
export function propertiesFor(event: () => string): { readonly list: Property[] } {
  let list = $state.raw<Property[]>([]);
  $effect(() => {
    // Asked anew when data came.
    void workspace.schema;
    let isWanted = true;
    void propertiesOf(event()).then((found) => {
      if (isWanted) list = found;
    });
    return () => (isWanted = false);
  });
  return {
    get list() {
      return list;
    },
  };
}
