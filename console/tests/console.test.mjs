// SPDX-License-Identifier: Apache-2.0
//
// The console in a real browser before a real server: HOLDFAST_BINARY=../build/release/holdfast npm test.
// SCREENSHOTS names a folder for pictures, SEED the monkey's actions.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  flaws,
  launch,
  open,
  picture,
  press,
  random,
  reach,
  settled,
  write,
} from './browser.mjs';
import { startServer, whyNoServer } from './server.mjs';

const skip = whyNoServer();
const owner = { name: 'ann', password: 'kelp holds the rock fast' };

let browser;
let empty;
let shop;
/** Of who is signed in at the shop. */
let cookies;

before(async () => {
  if (skip) return;
  [empty, shop, browser] = await Promise.all([startServer(), startServer({ shop: true }), launch()]);
});
after(async () => {
  await browser?.close();
  await Promise.all([empty?.stop(), shop?.stop()]);
});

/** Nothing was said, nothing is wrong with the page; a picture is kept. */
async function allWell({ page, said }, name) {
  await settled(page);
  await picture(page, name);
  assert.deepEqual(await flaws(page), [], name);
  assert.deepEqual(said.splice(0), [], name);
}

/** Chromium tells of each answer that is no success; one that a test asks for is taken out. */
function expectSaid(said, status) {
  const at = said.findIndex((text) => text.includes(`status of ${status}`));
  assert.notEqual(at, -1, `a ${status} was to be told, and this was: ${said}`);
  said.splice(at, 1);
}

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function setUp(page, server) {
  await page.goto(`${server.base}/console/welcome#${server.token}`);
  await write(page, page.getByLabel('Name'), owner.name);
  await write(page, page.getByLabel('Password', { exact: true }), owner.password);
  await page.keyboard.press('Enter');
}

describe('the first five minutes, by keyboard alone', { skip }, () => {
  let visit;
  let page;
  before(async () => {
    visit = await open(browser);
    page = visit.page;
  });
  after(() => visit?.context.close());

  test('without events the pages say what to do', async () => {
    await page.goto(`${empty.base}/console/`);
    await page.getByText('No events yet').waitFor();
    await allWell(visit, 'empty_retention');
    await page.goto(`${empty.base}/console/import`);
    await allWell(visit, 'import_before_set_up');
    await page.goto(`${empty.base}/console/welcome`);
    await allWell(visit, 'welcome_without_token');
  });

  test('the printed link leads to an account, and leaves no trace of its token', async () => {
    await page.goto(`${empty.base}/console/welcome#${empty.token}`);
    await page.getByLabel('Name').waitFor();
    assert.equal(new URL(page.url()).hash, '');
    await press(page, button(page, 'Set up my account'));
    assert.equal(await page.getByRole('alert').count(), 2);
    await allWell(visit, 'welcome_refused');
    await write(page, page.getByLabel('Name'), owner.name);
    await write(page, page.getByLabel('Password', { exact: true }), 'too short');
    await press(page, button(page, 'Show the password'));
    assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('type'), 'text');
    await press(page, button(page, 'Set up my account'));
    await page.getByText('Too short').waitFor();
    await write(page, page.getByLabel('Password', { exact: true }), owner.password);
    await page.keyboard.press('Enter');
    await page.waitForURL(/console\/connect/);
    await button(page, `Account of ${owner.name}`).waitFor();
    await page.goBack();
    assert.ok(!page.url().includes('hf_setup'));
    await page.goForward();
  });

  let key;
  test('a source gets its key, an event sent with it is seen arriving', async () => {
    await page.goto(`${empty.base}/console/connect`);
    await allWell(visit, 'connect_without_source');
    await write(page, page.getByLabel('New source'), 'web');
    await page.keyboard.press('Enter');
    await page.getByRole('radio', { name: 'web' }).waitFor();
    key = (await page.locator('pre', { hasText: /^hf_w_/ }).innerText()).trim();
    for (const sdk of ['Web page', 'Segment Node', 'RudderStack Node', 'Segment Python', 'curl']) {
      const choice = page.getByRole('radio', { name: sdk });
      await choice.check({ force: true });
      await page.getByRole('region', { name: sdk, exact: true }).getByText(key).waitFor();
    }
    const command = await page.getByRole('region', { name: 'curl' }).innerText();
    assert.ok(command.includes(`${empty.base}/v1/track`));
    await page.getByText('Waiting for the first event of web').waitFor();
    await send({ userId: 'ann', event: 'signup' });
    await page.getByText('Received: signup').waitFor();
    await allWell(visit, 'connect_received');
  });

  function send(body) {
    return fetch(`${empty.base}/v1/track`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    });
  }

  test('live shows what arrives, and what was refused and why', async () => {
    await press(page, page.getByRole('link', { name: 'Watch live' }));
    await page.getByText('Connected', { exact: true }).waitFor();
    await send({ userId: 'bob', event: 'purchase', properties: { revenue: 12.5 } });
    await send({ event: 'nobody' });
    await page.locator('summary', { hasText: 'purchase' }).waitFor();
    await press(page, page.locator('li.refused summary'));
    await page.locator('li.refused pre', { hasText: 'nobody' }).waitFor();
    await allWell(visit, 'live_events');
    await write(page, page.getByLabel('Event or person contains'), 'purchase');
    await page.keyboard.press('Enter');
    await page.locator('li.refused').waitFor({ state: 'detached' });
    await press(page, button(page, 'Pause'));
    await send({ userId: 'cem', event: 'purchase' });
    await page.getByText('Paused, 1 waits').waitFor();
    await press(page, button(page, 'Go on'));
    await page.locator('summary', { hasText: 'cem' }).waitFor();
    await press(page, page.getByRole('link', { name: 'Rejects', exact: true }));
    await page.locator('strong', { hasText: 'Neither userId nor anonymousId' }).waitFor();
    await allWell(visit, 'rejects_some');
  });

  test('a key is revoked after asking', async () => {
    await press(page, page.getByRole('link', { name: 'Connect', exact: true }));
    await press(page, page.getByRole('button', { name: /^Revoke the key/ }));
    await page.getByRole('dialog').waitFor();
    await allWell(visit, 'connect_revoke');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await press(page, page.getByRole('button', { name: /^Revoke the key/ }));
    await press(page, page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }));
    await page.getByText('revoked', { exact: true }).waitFor();
    assert.equal((await send({ userId: 'ann', event: 'signup' })).status, 401);
  });

  test('who signs out is asked to sign in, and is back where they were', async () => {
    await press(page, page.getByRole('link', { name: 'Live events' }));
    await page.waitForURL(/console\/live/);
    await press(page, button(page, `Account of ${owner.name}`));
    await allWell(visit, 'account_menu');
    await press(page, button(page, 'Sign out'));
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.match(page.url(), /console\/live$/);
    visit.said.splice(0); // The live stream was refused as the session ended.
    await allWell(visit, 'sign_in');
    await write(page, page.getByLabel('Name'), owner.name);
    await write(page, page.getByLabel('Password', { exact: true }), 'not the password');
    await page.keyboard.press('Enter');
    await page.getByText('Name or password is wrong').waitFor();
    expectSaid(visit.said, 401);
    await allWell(visit, 'sign_in_refused');
    await write(page, page.getByLabel('Password', { exact: true }), owner.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Live events' }).waitFor();
    await page.getByText('Connected', { exact: true }).waitFor();
    assert.deepEqual(visit.said, []);
  });

  test('a used link says so', async () => {
    const other = await open(browser);
    await setUp(other.page, empty);
    await other.page.getByText('This link was used already').waitFor();
    expectSaid(other.said, 401);
    await allWell(other, 'welcome_used');
    await other.context.close();
  });
});

const pages = {
  retention: 'retention',
  curves: 'retention?view=curves',
  compared: 'retention?by=Country',
  windows: 'retention?form=windows',
  trends: 'trends',
  trends_bar: 'trends?view=bar&by=Country',
  live: 'live',
  rejects: 'rejects',
  connect: 'connect',
  import: 'import',
  welcome: 'welcome',
  'sign-in': 'sign-in',
  components: 'components',
  nothing: 'no-such-page',
};
const only = process.env.ONLY?.split(',');

describe('the pages of a shop', { skip }, () => {
  before(async () => {
    const { context, page } = await open(browser);
    await setUp(page, shop);
    await page.waitForURL(/console\/retention/);
    cookies = await context.cookies();
    await context.close();
  });

  for (const language of ['en', 'zh']) {
    for (const theme of ['light', 'dark']) {
      for (const width of [360, 1280]) {
        test(`are well in ${language}, ${theme}, at ${width} px`, async () => {
          const visit = await open(browser, { language, theme, width, cookies });
          for (const [name, path] of Object.entries(pages)) {
            if (only && !only.includes(name)) continue;
            await visit.page.goto(`${shop.base}/console/${path}`);
            await allWell(visit, `${name}-${language}-${theme}-${width}`);
          }
          await visit.context.close();
        });
      }
    }
  }
});
