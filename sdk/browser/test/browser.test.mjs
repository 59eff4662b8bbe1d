// SPDX-License-Identifier: Apache-2.0
//
// holdfast.min.js in Chromium, sending to the program at HOLDFAST_PROGRAM. What is asserted is what
// the program says it has stored.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Served, servePages } from './served.mjs';

const chromium = process.env.HOLDFAST_CHROMIUM ?? '/usr/bin/chromium';
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run ' +
  '--disable-background-networking --disable-component-update --disable-sync ' +
  '--disable-dev-shm-usage';

async function missing() {
  if (Number(process.versions.node.split('.')[0]) < 20) return 'needs Node 20';
  if (!process.env.HOLDFAST_PROGRAM) return 'HOLDFAST_PROGRAM names no program';
  if (!existsSync(process.env.HOLDFAST_PROGRAM)) return 'HOLDFAST_PROGRAM is not built';
  if (!existsSync(chromium)) return `there is no Chromium at ${chromium}`;
  const found = await import('playwright-core').catch(() => undefined);
  return found ? false : 'playwright-core is not installed: npm ci in sdk/browser';
}

describe('in Chromium', { skip: await missing(), timeout: 180_000 }, () => {
  const served = new Served();
  let pages;
  let browser;
  let key;
  let complaints; // Of the console and of uncaught errors.
  let foreign; // Requests to anybody else.
  let sources = 0;

  before(async () => {
    const { chromium: playwright } = await import('playwright-core');
    await served.start();
    pages = await servePages();
    browser = await playwright.launch({ executablePath: chromium, args: flags.split(' ') });
  });
  after(async () => {
    await browser?.close();
    pages?.close();
    await served.remove();
  });
  beforeEach(() => {
    key = served.addSource(`web${++sources}`);
    complaints = [];
    served.requests.length = 0;
    foreign = [];
  });

  const visit = async (options = {}) => {
    const context = await browser.newContext({ locale: 'de-AT', timezoneId: 'Europe/Vienna' });
    if (options.isPrivate) {
      await context.addInitScript(() => {
        Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });
      });
    }
    context.on('page', (page) => {
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('request', (request) => {
        const { origin } = new URL(request.url());
        if (![pages.url, served.url, 'null'].includes(origin)) foreign.push(request.url());
      });
    });
    return context;
  };
  const open = async (context, js = '', query = '') => {
    const page = await context.newPage();
    await page.goto(`${pages.url}/?js=${encodeURIComponent(js)}${query}`);
    return page;
  };
  const init = (options = {}) =>
    `holdfast.init(${JSON.stringify({ key, host: served.url, autoPage: false, ...options })});`;

  /// Waits until so many events of these names are stored, and a moment for more than those.
  const stored = async (prefix, count, columns = 'event, person, message_id') => {
    const question = `SELECT ${columns} FROM events WHERE event LIKE '${prefix}%' ORDER BY event`;
    const end = Date.now() + 20_000;
    while (served.sql(question).length < count && Date.now() < end) await sleep(100);
    await sleep(300);
    const rows = served.sql(question);
    assert.equal(rows.length, count);
    return rows;
  };
  const assertQuiet = (requests = ['POST /v1/batch']) => {
    assert.deepEqual(complaints, []);
    assert.deepEqual(foreign, []);
    // No browser had to ask first.
    assert.deepEqual(new Set(served.requests), new Set(requests));
  };

  test('what a page says is stored as it says it', async () => {
    const context = await visit();
    const page = await open(context, init({ autoPage: true }), '&utm_source=mail&utm_campaign=may');
    await page.evaluate(async () => {
      holdfast.identify('ann', { plan: 'pro' });
      holdfast.track('said bought', { total: 12.5, tags: ['a', 'b'], 'Größe': 'ß€😀' });
      await holdfast.flush();
    });
    const columns =
      'event, person, total, tags, "Größe" AS size, "context.locale" AS locale, ' +
      '"context.timezone" AS zone, "context.campaign.source" AS source, ' +
      '"context.campaign.name" AS campaign, "context.page.title" AS title, ' +
      '"context.page.path" AS path, "context.page.url" AS url, "context.userAgent" AS agent';
    const [row] = await stored('said', 1, columns);
    assert.match(row.agent, /Chrome/);
    assert.equal(row.url, page.url());
    assert.equal(row.person, 'ann');
    assert.equal(Number(row.total), 12.5);
    assert.deepEqual(
      [row.size, row.locale, row.zone, row.source, row.campaign, row.title, row.path],
      ['ß€😀', 'de-AT', 'Europe/Vienna', 'mail', 'may', 'Shop', '/'],
    );
    // Its page call was of nobody known yet.
    assert.deepEqual(served.sql("SELECT person, path FROM events WHERE event = 'page'"), [
      { person: 'ann', path: '/' },
    ]);
    assert.deepEqual(await context.cookies(), []);
    assertQuiet();
    await context.close();
  });

  test('a page that is left or closed at once loses nothing', async () => {
    const context = await visit();
    const stays = await open(context);
    const left = await open(context, init() + "holdfast.track('leave 1')");
    await left.goto(`${pages.url}/?other`);
    const closed = await open(context, init() + "holdfast.track('leave 2')");
    await closed.close({ runBeforeUnload: true });
    const rows = await stored('leave', 2);
    assert.equal(new Set(rows.map((row) => row.person)).size, 1);
    assert.deepEqual(await stays.evaluate(() => Object.keys(localStorage)), ['holdfast:anonymous']);
    assertQuiet();
    await context.close();
  });

  test('what happened offline arrives when the network is back', async () => {
    const context = await visit();
    const page = await open(context, init());
    await context.setOffline(true);
    await page.evaluate(async () => {
      for (let i = 10; i < 40; ++i) holdfast.track(`offline ${i}`);
      await holdfast.flush();
    });
    await stored('offline', 0);
    await context.setOffline(false);
    const rows = await stored('offline', 30);
    assert.equal(new Set(rows.map((row) => row.message_id)).size, 30);
    assertQuiet();
    await context.close();
  });

  test('a server that is away for a while gets each event once', async () => {
    const context = await visit();
    const page = await open(context, init());
    await served.stop();
    await page.evaluate(async () => {
      holdfast.track('away 1');
      await holdfast.flush();
      holdfast.track('away 2');
      // Also as a beacon, of which nobody hears.
      Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await served.start();
    await stored('away', 2);
    assert.deepEqual(
      // What Chromium calls a server that is not there, by how far the connection had come.
      complaints.filter(
        (text) => !/ERR_(EMPTY_RESPONSE|CONNECTION_|SOCKET_NOT_CONNECTED)/.test(text),
      ),
      [],
    );
    await context.close();
  });

  test('the same request twice counts once', async () => {
    const context = await visit();
    const page = await open(context, init());
    await page.evaluate(async () => {
      const send = window.fetch;
      window.fetch = async (...all) => {
        await send(...all);
        window.fetch = send;
        throw new TypeError('the answer was lost');
      };
      holdfast.track('twice');
      await holdfast.flush();
      await holdfast.flush();
    });
    await stored('twice', 1);
    assertQuiet();
    await context.close();
  });

  test('Global Privacy Control and denied consent: nothing sent, nothing stored', async () => {
    for (const [isPrivate, options] of [
      [true, { consent: 'granted', autoPage: true }],
      [false, { consent: 'denied', autoPage: true }],
      [false, { consent: 'pending', autoPage: true }],
    ]) {
      const context = await visit({ isPrivate });
      const page = await open(context, init(options) + "holdfast.track('denied')");
      await page.evaluate(() => holdfast.flush());
      assert.equal(await page.evaluate(() => localStorage.length), 0);
      await page.goto(`${pages.url}/?other`);
      await context.close();
    }
    await stored('denied', 0);
    assertQuiet([]);
  });

  test('consent that is taken back takes everything with it', async () => {
    const context = await visit();
    const page = await open(context, init({ consent: 'pending' }) + "holdfast.track('asked 1')");
    await page.evaluate(async () => {
      holdfast.consent('granted');
      await holdfast.flush();
      holdfast.track('asked 2');
      holdfast.consent('denied');
      holdfast.track('asked 3');
      await holdfast.flush();
    });
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    await page.goto(`${pages.url}/?other`);
    const rows = await stored('asked', 1);
    assert.equal(rows[0].event, 'asked 1');
    assertQuiet();
    await context.close();
  });

  test('a wrong key is told of, and the page goes on', async () => {
    const context = await visit();
    const page = await open(context, init({ key: 'hf_w_wrong' }) + "holdfast.track('wrong')");
    await page.evaluate(() => holdfast.flush());
    assert.deepEqual(
      complaints.filter((text) => text.startsWith('holdfast')),
      ['holdfast: events are refused: status 401'],
    );
    await context.close();
  });

  test('a page may send JSON with its key in the header, too: the browser asks first', async () => {
    const context = await visit();
    const page = await open(context);
    const status = await page.evaluate(
      async ([url, user]) => {
        const answer = await fetch(`${url}/v1/track`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Authorization: `Basic ${btoa(`${user}:`)}` },
          body: JSON.stringify({ userId: 'ann', event: 'asked first' }),
        });
        return [answer.status, await answer.json()];
      },
      [served.url, key],
    );
    assert.deepEqual(status, [200, { success: true }]);
    assert.deepEqual(served.requests, ['OPTIONS /v1/track', 'POST /v1/track']);
    await stored('asked first', 1);
    await context.close();
  });
});
