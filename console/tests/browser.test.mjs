// SPDX-License-Identifier: Apache-2.0
//
// All pages in both languages, light and dark, on a phone and a desk: a picture of each into
// tests/out/, axe without violations, nothing on the console. Against BASE_URL if it is given,
// else against the built console before HOLDFAST_URL.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const out = fileURLToPath(new URL('out/', import.meta.url));
const pages = {
  retention: 'retention',
  curves: 'retention?view=curves',
  windows: 'retention?form=windows',
  trends: 'trends',
  live: 'live',
  rejects: 'rejects',
  connect: 'connect',
  components: 'components',
  access: 'access',
};
const only = process.env.ONLY?.split(',');

let base = process.env.BASE_URL;
let server;
let browser;
before(async () => {
  mkdirSync(out, { recursive: true });
  if (!base) {
    server = await serve(process.env.HOLDFAST_URL ?? 'http://127.0.0.1:8400', 0);
    base = `http://127.0.0.1:${server.address().port}`;
  }
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
});
after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

async function opened(language, theme, width) {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 740 : 860 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: language === 'zh' ? 'zh-CN' : 'en-GB',
  });
  const page = await context.newPage();
  const said = [];
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // Names for the pickers are optional: a server without them says so.
    if (message.location().url.includes('/api/v1/schema')) return;
    said.push(`${message.text()} ${message.location().url}`);
  });
  return { context, page, said };
}

async function settled(page) {
  await page.waitForSelector('main h1');
  await page.waitForLoadState('load');
  await page.waitForFunction(
    () => !document.querySelector('main .skeleton:not(section .row ~ * .skeleton)') ||
      location.pathname.endsWith('/components'),
    undefined,
    { timeout: 10_000 },
  );
  if (/curves|trends|components/.test(page.url())) await page.waitForSelector('.plot svg');
  await page.waitForTimeout(120);
}

async function violations(page) {
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(axe);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  return result.violations.map(
    (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`,
  );
}

for (const language of ['en', 'zh']) {
  for (const theme of ['light', 'dark']) {
    for (const width of [360, 1280]) {
      test(`pages: ${language} ${theme} ${width}`, async () => {
        const { context, page, said } = await opened(language, theme, width);
        const wrong = [];
        for (const [name, path] of Object.entries(pages)) {
          if (only && !only.includes(name)) continue;
          await page.goto(`${base}/console/${path}`);
          await settled(page);
          await page.screenshot({ path: `${out}${name}-${language}-${theme}-${width}.png`, fullPage: true });
          for (const one of await violations(page)) wrong.push(`${name}: ${one}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          if (wide > width) wrong.push(`${name}: ${wide} px wide`);
          for (const one of said.splice(0)) wrong.push(`${name}: ${one}`);
        }
        await context.close();
        assert.deepEqual(wrong, []);
      });
    }
  }
}

test('a cell tells n of m people, by keyboard, and Back leads out of it', async () => {
  const { context, page, said } = await opened('en', 'light', 1280);
  await page.goto(`${base}/console/retention`);
  await page.waitForSelector('[data-at]');
  await page.locator('[data-at][tabindex="0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.locator('dialog[open]').innerText(), /\d of [\d,]+ people/);
  assert.match(page.url(), /cell=/);
  await page.goBack();
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  assert.deepEqual(said, []);
  await context.close();
});

// Changes data, so only where an admin key is given for a server that may be written to.
const adminKey = process.env.HOLDFAST_ADMIN_KEY;
test('source, key, first event, live, refusal', { skip: !adminKey }, async () => {
  const { context, page, said } = await opened('en', 'light', 1280);
  await page.goto(`${base}/console/connect`);
  await page.locator('summary').click();
  await page.locator('input[type=password]').fill(adminKey);
  await page.keyboard.press('Enter');
  const source = `test-${Date.now()}`;
  await page.getByLabel('New source').fill(source);
  await page.keyboard.press('Enter');
  await page.getByRole('radio', { name: source }).waitFor();
  await page.getByRole('button', { name: 'Make a write key' }).click();
  const key = (await page.locator('pre', { hasText: /^hf_w_/ }).innerText()).trim();
  assert.match(await page.locator('pre', { hasText: '/v1/track' }).innerText(), new RegExp(key));
  const send = (body) =>
    fetch(`${base}/v1/track`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    });
  assert.equal((await send({ userId: 'ann', event: 'signup' })).status, 200);
  await page.getByText('Received: signup').waitFor();
  assert.deepEqual(await violations(page), []);
  await page.screenshot({ path: `${out}connected.png`, fullPage: true });
  await page.getByRole('link', { name: 'Watch live' }).click();
  await page.getByText('Connected', { exact: true }).waitFor();
  await send({ userId: 'bob', event: 'purchase', properties: { revenue: 12.5 } });
  await send({ event: 'nobody' });
  await page.getByText('purchase').waitFor();
  await page.locator('li.refused summary').click();
  assert.match(await page.locator('li.refused pre').innerText(), /nobody/);
  assert.deepEqual(await violations(page), []);
  await page.screenshot({ path: `${out}live-events.png`, fullPage: true });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.screenshot({ path: `${out}live-events-360.png`, fullPage: true });
  assert.deepEqual(said, []);
  await context.close();
});
