// SPDX-License-Identifier: Apache-2.0
//
// Sends what happens on a web page to a Holdfast server. How to use it: README.md beside this file.
//
// An event is kept until the server has said that it is durable, and may be sent more than once:
// its messageId makes that harmless. Nothing is stored or sent before consent is granted. Requests
// are plain text with the key in their body, so that a browser sends them without asking first.
(() => {
  'use strict';

  const version = '0.1.0';
  const batchEvents = 20;
  const batchMs = 5000;
  // Browsers let 64 KiB be under way that outlive their page.
  const batchBytesMax = 60000;
  const eventBytesMax = 32 * 1024; // The server takes no larger one.
  const queueEventsMax = 500;
  const queueBytesMax = 256000;
  const requestMs = 20000;
  const retryMs = 1000;
  const retryMsMax = 300000;
  const beatMs = 15000;
  const orphanMs = 60000;
  // For so long the server knows message ids: an older event could be counted twice.
  const keepMs = 7 * 24 * 3600 * 1000;

  const prefix = 'holdfast:';
  const anonymousKey = prefix + 'anonymous';
  const userKey = prefix + 'user';

  let url; // Absent before init().
  let writeKey;
  let queueKey; // Of this tab alone.
  let state = 'pending';
  let asked; // What consent() was told last.
  let store = memoryStore();
  let isStored = false; // That is, in the browser's storage.
  let wasReset = false; // While the decision was pending.
  let queue = []; // Events as JSON, oldest first.
  let flying = []; // Those of them in the request under way.
  let flight; // Ends with that request.
  let failures = 0; // Since the last success.
  let retryAt = 0; // By performance.now().
  let timer;
  const warned = new Set();

  function warn(text) {
    if (warned.has(text)) return;
    warned.add(text);
    console.warn('holdfast: ' + text);
  }

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID(); // Secure contexts only.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  const byteCount = (text) => new TextEncoder().encode(text).length;

  // -- What is kept ------------------------------------------------------------------------------

  function memoryStore() {
    const items = new Map();
    return {
      getItem: (key) => items.get(key),
      setItem: (key, value) => items.set(key, value),
      removeItem: (key) => items.delete(key),
    };
  }

  function browserStore() {
    try {
      const key = prefix + 'test';
      localStorage.setItem(key, '1');
      localStorage.removeItem(key);
      return localStorage;
    } catch {
      return undefined; // Blocked, or full.
    }
  }

  function keep(key, value) {
    try {
      store.setItem(key, value);
    } catch {
      warn('the storage is full; what is not sent is lost with the page');
    }
  }

  function save() {
    if (!isStored || !queueKey) return;
    if (queue.length) {
      keep(queueKey, '{"at":' + Date.now() + ',"events":[' + queue.join() + ']}');
    } else {
      store.removeItem(queueKey);
    }
  }

  function trim() {
    let length = queue.reduce((sum, text) => sum + text.length, 0);
    while (queue.length > queueEventsMax || length > queueBytesMax) {
      length -= queue.shift().length;
      warn('too many events wait; the oldest are dropped');
    }
  }

  // Takes over what tabs have left that are gone.
  function adopt() {
    for (const key of Object.keys(store)) {
      if (!key.startsWith(prefix + 'queue:' + writeKey + ':') || key === queueKey) continue;
      try {
        const left = JSON.parse(store.getItem(key));
        const age = Math.abs(Date.now() - left.at);
        if (age <= orphanMs) continue;
        if (age < keepMs) queue.unshift(...left.events.map((event) => JSON.stringify(event)));
      } catch {
        // No queue of ours.
      }
      store.removeItem(key);
    }
    trim();
  }

  function anonymousId() {
    let id = store.getItem(anonymousKey);
    if (!id) keep(anonymousKey, (id = uuid()));
    return id;
  }

  // -- Consent -----------------------------------------------------------------------------------

  function grant() {
    const before = store;
    const found = !isStored && browserStore();
    if (!found) return;
    store = found;
    isStored = true;
    const id = before.getItem(anonymousKey);
    const known = store.getItem(anonymousKey);
    const user = before.getItem(userKey);
    if (wasReset) store.removeItem(userKey);
    if (user) keep(userKey, user);
    if (id && known && !wasReset) {
      // It is who it was at the last visit.
      queue = queue.map((text) => text.split(id).join(known));
    } else if (id) {
      keep(anonymousKey, id);
    }
    wasReset = false;
  }

  function forget() {
    queue = [];
    store = memoryStore();
    isStored = false;
    try {
      for (const key of Object.keys(localStorage)) {
        if (key.startsWith(prefix)) localStorage.removeItem(key);
      }
    } catch {
      // Blocked: there is nothing.
    }
  }

  function decide(decision) {
    state = decision;
    if (decision === 'denied') forget();
    if (decision !== 'granted') return;
    grant();
    adopt();
    save();
    schedule(batchMs);
  }

  // -- Sending -----------------------------------------------------------------------------------

  function schedule(ms) {
    if (!timer && queue.length) timer = setTimeout(send, ms);
  }

  // As many of the events as one request carries, at least one.
  function firstBatch(texts) {
    let bytes = 500; // The envelope.
    const end = texts.findIndex((text, i) => (bytes += byteCount(text) + 1) > batchBytesMax && i);
    return texts.slice(0, end < 0 ? texts.length : end);
  }

  function bodyOf(texts) {
    const envelope = {
      writeKey,
      sentAt: new Date().toISOString(),
      context: {
        locale: navigator.language,
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        userAgent: navigator.userAgent,
        library: { name: 'holdfast.js', version },
      },
    };
    return JSON.stringify(envelope).slice(0, -1) + ',"batch":[' + texts.join() + ']}';
  }

  function drop(texts) {
    const gone = new Set(texts);
    queue = queue.filter((text) => !gone.has(text));
  }

  function isOffline() {
    return navigator.onLine === false;
  }

  // Sends what waits, all of it where nothing fails. Not before `retryAt` unless it is forced.
  function send(isForced) {
    clearTimeout(timer);
    timer = undefined;
    if (flight) return flight;
    if (state !== 'granted' || !url || !queue.length || isOffline()) return Promise.resolve();
    const wait = retryAt - performance.now();
    if (wait > 0 && isForced !== true) {
      schedule(wait);
      return Promise.resolve();
    }
    flying = firstBatch(queue);
    const abort = new AbortController();
    const deadline = setTimeout(() => abort.abort(), requestMs);
    flight = fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: bodyOf(flying),
      credentials: 'omit',
      keepalive: true,
      signal: abort.signal,
    })
      .catch(() => ({ status: 0 }))
      .then((response) => {
        clearTimeout(deadline);
        const sent = flying;
        flying = [];
        flight = undefined;
        return settle(sent, response);
      });
    return flight;
  }

  function settle(sent, response) {
    const status = response.status;
    if (!status || status === 408 || status === 429 || status >= 500) {
      const after = status ? Number(response.headers.get('Retry-After')) * 1000 || 0 : 0;
      const backoff = Math.min(retryMsMax, retryMs * 2 ** failures++);
      const ms = Math.max(after, Math.ceil(backoff * (0.5 + Math.random() / 2)));
      retryAt = performance.now() + ms;
      schedule(ms);
      return undefined;
    }
    failures = retryAt = 0;
    // What is refused once would be refused again.
    if (status >= 300) warn('events are refused: status ' + status);
    drop(sent);
    save();
    return queue.length ? send() : undefined;
  }

  // The page may be gone in a moment.
  function leave() {
    if (state !== 'granted' || !url || isOffline() || !navigator.sendBeacon) return;
    let rest = queue.filter((text) => !flying.includes(text));
    while (rest.length) {
      const batch = firstBatch(rest);
      if (!navigator.sendBeacon(url, bodyOf(batch))) break;
      rest = rest.slice(batch.length);
      // Nobody hears whether a beacon arrived. When the server does not answer it stays queued, too.
      if (!failures) drop(batch);
    }
    save();
  }

  // Shows other tabs that this one lives.
  function beat() {
    if (state !== 'granted') return;
    adopt();
    save();
    schedule(batchMs);
  }

  // -- Events ------------------------------------------------------------------------------------

  function pageNow() {
    return {
      url: location.href.split('#')[0],
      path: location.pathname,
      referrer: document.referrer,
      title: document.title,
      search: location.search,
    };
  }

  function campaignNow() {
    const campaign = {};
    new URLSearchParams(location.search).forEach((value, name) => {
      if (name.startsWith('utm_')) campaign[name === 'utm_campaign' ? 'name' : name.slice(4)] = value;
    });
    return Object.keys(campaign).length ? campaign : undefined;
  }

  function add(type, members) {
    if (state === 'denied') return;
    try {
      const text = JSON.stringify({
        type,
        messageId: uuid(),
        anonymousId: anonymousId(),
        userId: store.getItem(userKey) || undefined,
        originalTimestamp: new Date().toISOString(),
        context: { page: pageNow(), campaign: campaignNow() },
        ...members,
      });
      if (byteCount(text) > eventBytesMax) return warn('an event is larger than 32 KiB: ' + type);
      queue.push(text);
    } catch (e) {
      return warn('an event cannot be written as JSON: ' + e.message);
    }
    trim();
    save();
    if (queue.length < batchEvents) {
      schedule(batchMs);
    } else {
      send();
    }
  }

  function page(name, properties) {
    if (typeof name === 'object') return page(undefined, name);
    add('page', { name, properties: { ...pageNow(), ...properties } });
  }

  function identify(userId, traits) {
    if (userId && typeof userId === 'object') return identify(undefined, userId);
    if (userId && state !== 'denied') keep(userKey, String(userId));
    add('identify', { traits });
  }

  window.holdfast = {
    init(options) {
      if (url) return warn('init() was called before');
      if (!options || !options.key || !options.host) return warn('init() needs a key and a host');
      url = options.host.replace(/\/+$/, '') + '/v1/batch';
      writeKey = options.key;
      queueKey = prefix + 'queue:' + writeKey + ':' + uuid();
      addEventListener('pagehide', leave);
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'hidden') leave();
      });
      addEventListener('online', () => send(true));
      addEventListener('storage', (event) => {
        // Only forget() removes it: consent was taken back in another tab.
        if (event.key === anonymousKey && event.newValue === null) decide('denied');
      });
      setInterval(beat, beatMs);
      const wish = options.consent || 'granted';
      const known = wish === 'granted' || wish === 'pending' ? wish : 'denied';
      decide(asked || (navigator.globalPrivacyControl ? 'denied' : known));
      if (options.autoPage !== false) page();
    },
    page,
    track(event, properties) {
      add('track', { event, properties });
    },
    identify,
    group(groupId, traits) {
      add('group', { groupId, traits });
    },
    alias(userId, previousId) {
      const previous = previousId || store.getItem(userKey) || anonymousId();
      add('alias', { userId, previousId: previous });
      if (state !== 'denied') keep(userKey, String(userId));
    },
    reset() {
      if (state === 'denied') return;
      wasReset = state === 'pending';
      store.removeItem(userKey);
      keep(anonymousKey, uuid());
    },
    consent(decision) {
      asked = decision === 'granted' ? decision : 'denied';
      if (url || asked === 'denied') decide(asked);
    },
    flush: () => send(true),
  };
})();
