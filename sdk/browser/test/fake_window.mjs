// SPDX-License-Identifier: Apache-2.0
//
// Of a browser what holdfast.js uses, with a clock that stands still until it is told to go on.
// Tabs of one FakeBrowser share its storage, as pages of one origin do.
import { randomFillSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

const program = new vm.Script(
  readFileSync(new URL('../holdfast.js', import.meta.url), 'utf8'),
  { filename: 'holdfast.js' },
);

export const startMs = Date.UTC(2026, 0, 5, 10);

export class FakeBrowser {
  nowMs = startMs;
  stored = {};
  storageBytesMax = 5_000_000;
  isStorageBlocked = false;
  isOnline = true;
  globalPrivacyControl = undefined;
  reads = 0; // Of the storage.
  writes = 0;
  tabs = [];

  open(options = {}) {
    const tab = new FakeTab(this, options);
    this.tabs.push(tab);
    return tab;
  }

  /// Lets time pass; timers run when they are due, and what they began is finished before the next.
  async pass(ms) {
    const end = this.nowMs + ms;
    await settled();
    while (true) {
      const timers = this.tabs.flatMap((tab) => tab.timers).filter((timer) => timer.at <= end);
      if (timers.length === 0) break;
      const next = timers.reduce((a, b) => (b.at < a.at ? b : a));
      this.nowMs = Math.max(this.nowMs, next.at);
      next.run();
      await settled();
    }
    this.nowMs = end;
  }

  goOnline(isOnline) {
    this.isOnline = isOnline;
    for (const tab of this.tabs) tab.fire(isOnline ? 'online' : 'offline');
  }

  queues() {
    return Object.entries(this.stored).filter(([key]) => key.startsWith('holdfast:queue:'));
  }
}

/// Until no promise is left that could go on by itself.
async function settled() {
  for (let i = 0; i < 20; ++i) await null;
}

export const accepted = () => ({ status: 200 });

class FakeTab {
  timers = [];
  listeners = {};
  requests = []; // What fetch() was called with, and its body read.
  beacons = [];
  warnings = [];
  answer = accepted; // Of fetch(): {status, retryAfter}, "lost", or a promise of it.
  takeBeacon = () => true;

  constructor(browser, { url = 'https://shop.example/a?utm_source=mail#part', random = 0.5 } = {}) {
    this.browser = browser;
    const place = new URL(url);
    const tab = this;
    let lastTimer = 0;
    const setTimer = (run, ms, repeats) => {
      // Whole milliseconds, as browsers have it.
      const timer = { id: ++lastTimer, at: browser.nowMs + Math.max(1, Math.trunc(ms)) };
      timer.run = () => {
        if (repeats) timer.at += ms;
        else tab.timers = tab.timers.filter((each) => each !== timer);
        run();
      };
      tab.timers.push(timer);
      return timer.id;
    };
    const addEventListener = (kind, listener) => (tab.listeners[kind] ??= []).push(listener);
    this.document = { title: 'Shop', referrer: 'https://search.example/', addEventListener };
    this.document.visibilityState = 'visible';
    this.context = vm.createContext({
      document: this.document,
      location: place,
      navigator: {
        language: 'de-AT',
        userAgent: 'Fake/1.0',
        globalPrivacyControl: browser.globalPrivacyControl,
        get onLine() {
          return browser.isOnline;
        },
        sendBeacon: (url, text) => {
          if (!tab.takeBeacon(text)) return false;
          tab.beacons.push({ url, text, body: JSON.parse(text) });
          return true;
        },
      },
      crypto: { randomUUID, getRandomValues: randomFillSync },
      performance: { now: () => browser.nowMs - startMs },
      setTimeout: (run, ms) => setTimer(run, ms, false),
      setInterval: (run, ms) => setTimer(run, ms, true),
      clearTimeout: (id) => (tab.timers = tab.timers.filter((timer) => timer.id !== id)),
      addEventListener,
      fetch: (url, options) => tab.fetch(url, options),
      console: { warn: (text) => tab.warnings.push(text) },
      TextEncoder,
      URLSearchParams,
      AbortController,
    });
    this.context.window = this.context;
    Object.defineProperty(this.context, 'localStorage', { get: () => tab.storage() });
    const now = () => browser.nowMs;
    this.context.Date = class extends Date {
      constructor(...rest) {
        super(...(rest.length ? rest : [now()]));
      }
      static now() {
        return now();
      }
    };
    vm.runInContext(`Math.random = () => ${random}`, this.context);
    program.runInContext(this.context);
    this.holdfast = this.context.holdfast;
  }

  init(options = {}) {
    this.holdfast.init({ key: 'k1', host: 'https://events.example/', autoPage: false, ...options });
    return this.holdfast;
  }

  fire(kind, event = {}) {
    for (const listener of this.listeners[kind] ?? []) listener(event);
  }

  hide() {
    this.document.visibilityState = 'hidden';
    this.fire('visibilitychange');
  }

  /// Closed by its user.
  close() {
    this.hide();
    this.fire('pagehide');
    this.kill();
  }

  /// Gone without a word.
  kill() {
    this.timers = [];
    this.listeners = {};
    this.answer = () => new Promise(() => {});
    this.browser.tabs = this.browser.tabs.filter((tab) => tab !== this);
  }

  storage() {
    const { browser } = this;
    if (browser.isStorageBlocked) throw new Error('SecurityError');
    const { stored } = browser;
    const tell = (key, newValue) => {
      ++browser.writes;
      for (const tab of browser.tabs) if (tab !== this) tab.fire('storage', { key, newValue });
    };
    const methods = {
      getItem: (key) => {
        ++browser.reads;
        return Object.hasOwn(stored, key) ? stored[key] : null;
      },
      setItem: (key, value) => {
        const others = Object.entries(stored).filter(([each]) => each !== key);
        const bytes = others.reduce((sum, [k, v]) => sum + k.length + v.length, 0);
        if (bytes + key.length + value.length > browser.storageBytesMax) {
          throw new Error('QuotaExceededError');
        }
        stored[key] = String(value);
        tell(key, stored[key]);
      },
      removeItem: (key) => {
        if (!Object.hasOwn(stored, key)) return;
        delete stored[key];
        tell(key, null);
      },
    };
    return new Proxy(stored, { get: (_, name) => methods[name] ?? stored[name] });
  }

  async fetch(url, options) {
    const request = { url, ...options, sentMs: this.browser.nowMs, body: JSON.parse(options.body) };
    this.requests.push(request);
    const aborted = new Promise((_, reject) => {
      options.signal.addEventListener('abort', () => reject(new Error('AbortError')));
    });
    const answer = await Promise.race([this.answer(request), aborted]);
    if (answer === 'lost') throw new TypeError('Failed to fetch');
    return {
      status: answer.status,
      headers: { get: (name) => (name === 'Retry-After' ? (answer.retryAfter ?? null) : null) },
    };
  }

  /// Of all requests that fetch() was given.
  sent() {
    return this.requests.flatMap((request) => request.body.batch);
  }
}
