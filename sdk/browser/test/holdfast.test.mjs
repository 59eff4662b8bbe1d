// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

import { FakeBrowser, accepted, startMs } from './fake_window.mjs';

const names = (events) => events.map((event) => event.event ?? event.type);
const numbered = (count) => Array.from({ length: count }, (_, i) => `e${i}`);

test('a page call tells where it was made', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  tab.init({ autoPage: true });
  await browser.pass(5_000);
  const [request] = tab.requests;
  assert.equal(request.url, 'https://events.example/v1/batch');
  assert.equal(request.method, 'POST');
  assert.equal(request.headers['Content-Type'], 'text/plain');
  assert.equal(request.credentials, 'omit');
  assert.equal(request.keepalive, true);
  const { batch, ...envelope } = request.body;
  assert.deepEqual(envelope, {
    writeKey: 'k1',
    sentAt: new Date(startMs + 5_000).toISOString(),
    context: {
      locale: 'de-AT',
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      userAgent: 'Fake/1.0',
      library: { name: 'holdfast.js', version: '0.1.0' },
    },
  });
  const page = {
    url: 'https://shop.example/a?utm_source=mail',
    path: '/a',
    referrer: 'https://search.example/',
    title: 'Shop',
    search: '?utm_source=mail',
  };
  const { messageId, anonymousId, ...event } = batch[0];
  assert.equal(batch.length, 1);
  assert.match(messageId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(anonymousId, browser.stored['holdfast:anonymous']);
  assert.deepEqual(event, {
    type: 'page',
    originalTimestamp: new Date(startMs).toISOString(),
    context: { page, campaign: { source: 'mail' } },
    properties: page,
  });
});

test('the calls are those of the Segment spec', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open({ url: 'https://shop.example/' });
  const holdfast = tab.init();
  holdfast.page('Home', { shelf: 3 });
  holdfast.track('bought', { total: 12.5 });
  holdfast.identify({ plan: 'free' });
  holdfast.identify('ann', { plan: 'pro' });
  holdfast.track('looked');
  holdfast.group('acme', { size: 7 });
  holdfast.alias('anna');
  holdfast.track('went');
  await browser.pass(5_000);
  const anonymous = browser.stored['holdfast:anonymous'];
  const told = tab.sent().map((event) => {
    const { messageId, originalTimestamp, context, anonymousId, ...rest } = event;
    assert.equal(anonymousId, anonymous);
    assert.ok(messageId && originalTimestamp && context.page && !context.campaign);
    return rest;
  });
  assert.equal(told[0].name, 'Home');
  assert.equal(told[0].properties.shelf, 3);
  assert.equal(told[0].properties.path, '/');
  assert.deepEqual(told.slice(1), [
    { type: 'track', event: 'bought', properties: { total: 12.5 } },
    { type: 'identify', traits: { plan: 'free' } },
    { type: 'identify', userId: 'ann', traits: { plan: 'pro' } },
    { type: 'track', event: 'looked', userId: 'ann' },
    { type: 'group', groupId: 'acme', traits: { size: 7 }, userId: 'ann' },
    { type: 'alias', userId: 'anna', previousId: 'ann' },
    { type: 'track', event: 'went', userId: 'anna' },
  ]);
});

test('a visitor is the same one on the next page, and another one after reset()', async () => {
  const browser = new FakeBrowser();
  browser.open().init().identify('ann');
  const tab = browser.open();
  const holdfast = tab.init();
  holdfast.track('first');
  holdfast.reset();
  holdfast.track('second');
  await browser.pass(5_000);
  const [first, second] = tab.sent();
  assert.equal(first.userId, 'ann');
  assert.equal(second.userId, undefined);
  assert.notEqual(second.anonymousId, first.anonymousId);
});

test('20 events go at once, fewer after 5 s, and one request follows the other', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  let let_go;
  tab.answer = () => new Promise((resolve) => (let_go = () => resolve(accepted())));
  for (const name of numbered(19)) holdfast.track(name);
  await browser.pass(4_999);
  assert.equal(tab.requests.length, 0);
  holdfast.track('e19');
  await browser.pass(0);
  assert.deepEqual(names(tab.requests[0].body.batch), numbered(20));
  holdfast.track('late');
  await browser.pass(6_000);
  assert.equal(tab.requests.length, 1);
  let_go();
  await browser.pass(0);
  assert.deepEqual(names(tab.requests[1].body.batch), ['late']);
});

test('flush() sends now and ends with its request', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  await holdfast.flush();
  holdfast.track('a');
  await holdfast.flush();
  assert.deepEqual(names(tab.sent()), ['a']);
  assert.deepEqual(browser.queues(), []);
});

test('a request is at most 60 kB', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  for (const name of numbered(9)) holdfast.track(name, { text: 'é'.repeat(7_000) });
  await holdfast.flush();
  assert.deepEqual(names(tab.sent()), numbered(9));
  assert.ok(tab.requests.length >= 3);
  for (const request of tab.requests) {
    assert.ok(Buffer.byteLength(JSON.stringify(request.body)) <= 60_000);
  }
});

for (const [claim, answers, waits] of [
  ['network errors are tried again, later each time', ['lost', 'lost', 'lost'], [750, 1_500, 3_000]],
  ['server errors, too', [{ status: 500 }, { status: 503 }], [750, 1_500]],
  ['Retry-After is kept to', [{ status: 429, retryAfter: '7' }], [7_000]],
  ['Retry-After shortens no wait', [{ status: 503, retryAfter: '0' }], [750]],
  ['a Retry-After that is a date is left to the backoff',
    [{ status: 503, retryAfter: 'Mon, 05 Jan 2026 12:00:00 GMT' }], [750]],
  ['the wait ends at five minutes',
    Array(12).fill('lost'),
    [0.75, 1.5, 3, 6, 12, 24, 48, 96, 192, 225, 225, 225].map((s) => s * 1_000)],
]) {
  test(claim, async () => {
    const browser = new FakeBrowser();
    const tab = browser.open(); // Its random numbers are all 0.5: three quarters of each wait.
    const left = [...answers];
    tab.answer = () => left.shift() ?? accepted();
    tab.init().track('a');
    await browser.pass(3_600_000);
    const times = tab.requests.map((request) => request.sentMs);
    assert.deepEqual(times.slice(1).map((time, i) => time - times[i]), waits);
    assert.equal(new Set(tab.sent().map((event) => event.messageId)).size, 1);
    assert.deepEqual(tab.warnings, []);
    assert.deepEqual(browser.queues(), []);
  });
}

test('a request that hangs is given up', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  tab.init().track('a');
  tab.answer = () => new Promise(() => {});
  await browser.pass(5_000);
  tab.answer = accepted;
  await browser.pass(21_000);
  assert.equal(tab.requests.length, 2);
  assert.deepEqual(browser.queues(), []);
});

test('what is refused is not sent again, and is told of once', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  tab.answer = () => ({ status: 400 });
  for (const name of ['a', 'b']) {
    holdfast.track(name);
    await browser.pass(60_000);
  }
  assert.deepEqual(names(tab.sent()), ['a', 'b']);
  assert.deepEqual(tab.warnings, ['holdfast: events are refused: status 400']);
  assert.deepEqual(browser.queues(), []);
});

test('nothing is sent offline, and everything when the network is back', async () => {
  const browser = new FakeBrowser();
  browser.goOnline(false);
  const tab = browser.open();
  const holdfast = tab.init();
  for (const name of numbered(30)) holdfast.track(name);
  await browser.pass(3_600_000);
  await holdfast.flush();
  tab.hide();
  assert.equal(tab.requests.length + tab.beacons.length, 0);
  browser.goOnline(true);
  await browser.pass(0);
  assert.deepEqual(names(tab.sent()), numbered(30));
});

for (const [claim, count, properties, kept] of [
  ['500 events wait, the oldest are dropped', 520, {}, 500],
  ['256 kB wait, the oldest are dropped', 40, { text: 'x'.repeat(20_000) }, 12],
]) {
  test(claim, async () => {
    const browser = new FakeBrowser();
    browser.goOnline(false);
    const tab = browser.open();
    const holdfast = tab.init();
    for (const name of numbered(count)) holdfast.track(name, properties);
    assert.deepEqual(tab.warnings, ['holdfast: too many events wait; the oldest are dropped']);
    browser.goOnline(true);
    await browser.pass(0);
    assert.deepEqual(names(tab.sent()), numbered(count).slice(-kept));
  });
}

test('an event that the server would refuse does not hold up others', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  const cycle = {};
  cycle.cycle = cycle;
  holdfast.track('cycle', cycle);
  holdfast.track('large', { text: 'x'.repeat(33_000) });
  holdfast.track('fine');
  await holdfast.flush();
  assert.deepEqual(names(tab.sent()), ['fine']);
  assert.equal(tab.warnings.length, 2);
});

test('what a tab left behind is sent by another one after a minute', async () => {
  const browser = new FakeBrowser();
  const gone = browser.open();
  gone.init().track('left');
  gone.kill();
  const tab = browser.open();
  tab.init();
  await browser.pass(50_000);
  assert.deepEqual(tab.sent(), []);
  await browser.pass(30_000);
  assert.deepEqual(names(tab.sent()), ['left']);
  assert.deepEqual(browser.queues(), []);
});

test('a tab that lives keeps its queue', async () => {
  const browser = new FakeBrowser();
  const slow = browser.open();
  slow.answer = () => 'lost';
  slow.init().track('mine');
  const other = browser.open();
  other.init();
  await browser.pass(3_600_000);
  assert.deepEqual(other.sent(), []);
  slow.answer = accepted;
  await browser.pass(300_000);
  assert.deepEqual(browser.queues(), []);
});

test('a queue of another key is left alone, one older than a week is dropped', async () => {
  const browser = new FakeBrowser();
  for (const key of ['k1', 'k2']) {
    const gone = browser.open();
    gone.init({ key }).track(key);
    gone.kill();
  }
  await browser.pass(7 * 24 * 3_600_000);
  const tab = browser.open();
  tab.init();
  await browser.pass(60_000);
  assert.deepEqual(tab.sent(), []);
  assert.deepEqual(browser.queues().map(([key]) => key.split(':')[2]), ['k2']);
});

test('damaged queues are passed over', async () => {
  const browser = new FakeBrowser();
  browser.stored['holdfast:queue:k1:a'] = '{"at":0,"events":[{"type"';
  browser.stored['holdfast:queue:k1:b'] = 'null';
  browser.stored['holdfast:queue:k1:c'] = '{"at":1}';
  const tab = browser.open();
  tab.init().track('a');
  await browser.pass(60_000);
  assert.deepEqual(names(tab.sent()), ['a']);
  assert.deepEqual(browser.queues(), []);
});

test('who leaves sends what waits, in pieces of 60 kB', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  for (const name of numbered(5)) holdfast.track(name, { text: 'x'.repeat(25_000) });
  tab.close();
  assert.deepEqual(names(tab.beacons.flatMap((beacon) => beacon.body.batch)), numbered(5));
  assert.equal(tab.beacons.length, 3);
  for (const { url, text, body } of tab.beacons) {
    assert.equal(url, 'https://events.example/v1/batch');
    assert.ok(Buffer.byteLength(text) <= 60_000);
    assert.equal(body.writeKey, 'k1');
  }
  assert.deepEqual(browser.queues(), []);
});

test('a beacon that the browser does not take stays queued', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  for (const name of numbered(5)) holdfast.track(name, { text: 'x'.repeat(25_000) });
  tab.takeBeacon = () => tab.beacons.length < 1;
  tab.close();
  const next = browser.open();
  next.init();
  await browser.pass(90_000);
  assert.deepEqual(names(next.sent()), ['e2', 'e3', 'e4']);
});

test('while the server does not answer a beacon is no delivery', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  tab.answer = () => ({ status: 503 });
  tab.init().track('a');
  await browser.pass(5_000);
  tab.close();
  assert.deepEqual(names(tab.beacons[0].body.batch), ['a']);
  const next = browser.open();
  next.init();
  await browser.pass(90_000);
  assert.equal(next.sent()[0].messageId, tab.beacons[0].body.batch[0].messageId);
});

test('what is under way is not sent as a beacon, and not forgotten either', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init();
  tab.answer = () => new Promise(() => {});
  holdfast.track('flying');
  void holdfast.flush();
  holdfast.track('waiting');
  tab.close();
  assert.deepEqual(names(tab.beacons.flatMap((beacon) => beacon.body.batch)), ['waiting']);
  const next = browser.open();
  next.init();
  await browser.pass(90_000);
  assert.deepEqual(names(next.sent()), ['flying']);
});

test('while consent is pending nothing is read, stored or sent', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const holdfast = tab.init({ consent: 'pending', autoPage: true });
  for (const name of numbered(25)) holdfast.track(name);
  holdfast.identify('ann');
  await browser.pass(60_000);
  tab.hide();
  assert.equal(tab.requests.length + tab.beacons.length, 0);
  assert.equal(browser.reads + browser.writes, 0);
  holdfast.consent('granted');
  await holdfast.flush();
  assert.deepEqual(names(tab.sent()), ['page', ...numbered(25), 'identify']);
  assert.equal(tab.sent()[0].originalTimestamp, new Date(startMs).toISOString());
  assert.equal(browser.stored['holdfast:user'], 'ann');
  assert.equal(browser.stored['holdfast:anonymous'], tab.sent()[0].anonymousId);
});

test('who consented at an earlier visit is the same one, unless reset() was called', async () => {
  for (const resets of [false, true]) {
    const browser = new FakeBrowser();
    browser.open().init().identify('ann');
    const known = browser.stored['holdfast:anonymous'];
    const tab = browser.open();
    const holdfast = tab.init({ consent: 'pending' });
    if (resets) holdfast.reset();
    holdfast.track('a');
    holdfast.consent('granted');
    holdfast.track('b');
    await holdfast.flush();
    const same = tab.sent().map((event) => event.anonymousId === known);
    assert.deepEqual(same, [!resets, !resets]);
    assert.equal(tab.sent()[1].userId, resets ? undefined : 'ann');
  }
});

test('denied consent deletes everything, in all tabs', async () => {
  const browser = new FakeBrowser();
  browser.stored.theirs = 'stays';
  const tabs = [browser.open(), browser.open()];
  for (const tab of tabs) tab.init().track('a');
  tabs[0].holdfast.consent('denied');
  for (const tab of tabs) {
    tab.holdfast.track('b');
    tab.holdfast.identify('ann');
    tab.holdfast.alias('anna');
    tab.holdfast.reset();
    tab.holdfast.page();
  }
  await browser.pass(600_000);
  for (const tab of tabs) {
    tab.close();
    assert.equal(tab.requests.length + tab.beacons.length, 0);
  }
  assert.deepEqual(browser.stored, { theirs: 'stays' });
});

test('an unknown word for consent is no consent', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  tab.init({ consent: 'Granted' }).track('a');
  await browser.pass(600_000);
  assert.equal(tab.requests.length, 0);
  assert.deepEqual(browser.stored, {});
});

for (const consent of [undefined, 'granted', 'pending', 'denied']) {
  test(`Global Privacy Control denies, whatever init() says: ${consent}`, async () => {
    const browser = new FakeBrowser();
    browser.open().init().track('before');
    browser.tabs[0].kill();
    browser.globalPrivacyControl = true;
    const tab = browser.open();
    const holdfast = tab.init({ consent, autoPage: true });
    holdfast.track('a');
    await browser.pass(600_000);
    tab.hide();
    assert.equal(tab.requests.length + tab.beacons.length, 0);
    assert.deepEqual(browser.stored, {});
    holdfast.consent('granted');
    holdfast.track('b');
    await holdfast.flush();
    assert.deepEqual(names(tab.sent()), ['b']);
  });
}

test('what is called before init() is kept, a decision too', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  tab.holdfast.track('early');
  tab.holdfast.consent('granted');
  browser.globalPrivacyControl = true;
  await tab.init().flush();
  assert.deepEqual(names(tab.sent()), ['early']);
  const other = browser.open();
  other.holdfast.consent('denied');
  other.init({ consent: 'granted' }).track('a');
  await other.holdfast.flush();
  assert.deepEqual(other.sent(), []);
});

test('init() without a key or host, or called twice, does nothing but tell', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  tab.holdfast.init();
  tab.holdfast.init({ key: 'k1' });
  tab.init();
  tab.init({ key: 'k2', host: 'https://other.example' });
  assert.equal(tab.warnings.length, 2);
  tab.holdfast.track('a');
  await tab.holdfast.flush();
  assert.equal(tab.requests[0].url, 'https://events.example/v1/batch');
});

test('blocked or full storage costs nothing but memory of the visitor', async () => {
  for (const trouble of ['isStorageBlocked', 'storageBytesMax']) {
    const browser = new FakeBrowser();
    browser[trouble] = trouble === 'isStorageBlocked' ? true : 5;
    const tab = browser.open();
    const holdfast = tab.init();
    holdfast.track('a');
    holdfast.track('b');
    await holdfast.flush();
    assert.deepEqual(names(tab.sent()), ['a', 'b']);
    assert.equal(new Set(tab.sent().map((event) => event.anonymousId)).size, 1);
    holdfast.consent('denied');
    assert.deepEqual(browser.stored, {});
  }
});

test('storage that runs full keeps nothing from being sent', async () => {
  const browser = new FakeBrowser();
  browser.storageBytesMax = 3_000;
  const tab = browser.open();
  const holdfast = tab.init();
  for (const name of numbered(15)) holdfast.track(name);
  await holdfast.flush();
  assert.deepEqual(names(tab.sent()), numbered(15));
});

test('ids are random without crypto.randomUUID, too', async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  tab.context.crypto.randomUUID = undefined;
  const holdfast = tab.init();
  for (const name of numbered(200)) holdfast.track(name);
  await holdfast.flush();
  const ids = tab.sent().map((event) => event.messageId);
  assert.equal(new Set(ids).size, 200);
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

// Small and reproducible (mulberry32).
function rng(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('through lost requests, lost answers and lost tabs each event arrives', async () => {
  for (let seed = 1; seed <= 150; ++seed) {
    const random = rng(seed);
    const browser = new FakeBrowser();
    const arrived = new Map(); // Of the server, which knows message ids.
    const take = (body) => body.batch.forEach((event) => arrived.set(event.messageId, event.event));
    const tracked = [];
    const open = () => {
      const tab = browser.open({ random: random() });
      tab.answer = (request) => {
        const fate = random();
        if (fate < 0.6) take(request.body);
        return fate < 0.4 ? accepted() : fate < 0.8 ? 'lost' : { status: 503 };
      };
      tab.takeBeacon = (text) => {
        if (random() < 0.3) return false;
        take(JSON.parse(text));
        return true;
      };
      tab.init();
      return tab;
    };
    for (let step = 0; step < 60; ++step) {
      const choice = random();
      if (browser.tabs.length === 0 || choice < 0.1) {
        open();
        continue;
      }
      const tab = browser.tabs[Math.floor(random() * browser.tabs.length)];
      if (choice < 0.6) {
        tracked.push(`e${step}`);
        tab.holdfast.track(`e${step}`);
      } else if (choice < 0.9) {
        await browser.pass(Math.floor(random() * 40_000));
      } else if (choice < 0.95) {
        tab.close();
      } else {
        tab.kill();
      }
    }
    for (const tab of browser.tabs) tab.answer = (request) => (take(request.body), accepted());
    const last = open();
    last.answer = (request) => (take(request.body), accepted());
    await browser.pass(900_000);
    assert.deepEqual([...arrived.values()].sort(), tracked.sort(), `seed ${seed}`);
    assert.deepEqual(browser.queues(), [], `seed ${seed}`);
  }
});

test('holdfast.min.js is less than 4 kB compressed', () => {
  const code = readFileSync(new URL('../holdfast.min.js', import.meta.url));
  assert.ok(gzipSync(code, { level: 9 }).length < 4_000);
});

test('holdfast.min.js is made of holdfast.js', async (t) => {
  const minify = await import('../minify.mjs').catch(() => undefined);
  if (!minify) return t.skip('esbuild is not installed: npm ci in sdk/browser');
  const code = readFileSync(new URL('../holdfast.min.js', import.meta.url), 'utf8');
  assert.equal(code, minify.minified(), 'npm run minify makes it anew');
});
