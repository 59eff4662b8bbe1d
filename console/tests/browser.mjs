// SPDX-License-Identifier: Apache-2.0
//
// What the tests do with a browser: open pages, wait until they are settled, look whether all is
// well with them, take pictures.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = process.env.SCREENSHOTS;
if (pictures) mkdirSync(pictures, { recursive: true });

export async function launch() {
  // Loaded late: it needs a newer Node than those that skip the tests.
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
    ],
  });
}

/** Responses that a test provokes, and of which Chromium tells on the console. */
export async function open(browser, { language = 'en', theme = 'light', width = 1280, cookies = [] } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 740 : 860 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: language === 'zh' ? 'zh-CN' : 'en-GB',
    timezoneId: 'Europe/Berlin',
    acceptDownloads: true,
  });
  await context.addCookies(cookies);
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  /** What was said on the console, and what failed: empty, or a test fails. */
  const said = [];
  page.on('pageerror', (error) => said.push(`uncaught: ${error}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    said.push(`${message.text()} ${message.location().url}`);
  });
  page.on('requestfailed', (request) => {
    // A question that is asked no more is taken back.
    if (request.failure()?.errorText === 'net::ERR_ABORTED') return;
    said.push(`failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`);
  });
  return { context, page, said };
}

export async function settled(page) {
  await page.waitForSelector('main h1');
  await page.waitForFunction(
    () =>
      location.pathname.endsWith('/components') ||
      (!document.querySelector('main .skeleton') &&
        !document.querySelector('main [aria-busy="true"]') &&
        !document.querySelector('dialog :is(.skeleton, [aria-busy="true"])')),
  );
  if (/curves|trends|lifecycle|stickiness|view=t[ri][am]|components/.test(page.url()) && !/view=table/.test(page.url())) {
    await page.waitForSelector('.plot svg, main .empty');
  }
  await page.evaluate(() => document.fonts.ready);
}

/** What axe finds, and whether the page is wider than the window. */
export async function flaws(page) {
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(axe);
  const { found, wide } = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    const root = document.documentElement;
    return {
      found: violations.map(
        (one) =>
          `${one.id}: ` +
          one.nodes
            .slice(0, 3)
            .map((node) => `${node.target} ${node.failureSummary}`)
            .join(' | '),
      ),
      wide: root.scrollWidth - root.clientWidth,
    };
  });
  return wide > 0 ? [...found, `${wide} px too wide`] : found;
}

export async function picture(page, name, { whole = true } = {}) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: whole });
}

/** mulberry32: small, and good enough to choose by. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Goes to an element by the Tab key, as who has no mouse does; fails where that does not lead there. */
export async function reach(page, locator, { back = false } = {}) {
  await locator.waitFor();
  const steps_max = 150;
  for (let step = 0; step < steps_max; ++step) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
  }
  throw new Error(`Tab does not lead to ${locator}`);
}

/** Reaches an element and presses a key on it. */
export async function press(page, locator, key = 'Enter') {
  await reach(page, locator);
  await page.keyboard.press(key);
}

/** Reaches a field and writes into it. */
export async function write(page, locator, text) {
  await reach(page, locator);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

export const button = (within, name) => within.getByRole('button', { name, exact: true });
