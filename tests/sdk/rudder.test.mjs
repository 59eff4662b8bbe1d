// SPDX-License-Identifier: Apache-2.0
//
// RudderStack's SDK for Node as its users have it, with nothing but the host changed.
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';

import { given, Holdfast, traitsOf, until } from './holdfast.mjs';

function connect(holdfast, options = {}) {
  return new RudderAnalytics(holdfast.key, {
    dataPlaneUrl: holdfast.url,
    logLevel: 'none',
    ...options,
  });
}

/** A call of the SDK; gives the message as it was sent. */
async function sent(analytics, kind, message) {
  const body = await promisify(analytics[kind].bind(analytics))(message);
  const { batch } = Buffer.isBuffer(body) ? JSON.parse(gunzipSync(body)) : body;
  return batch.find(({ messageId }) => messageId === message.messageId);
}

for (const gzip of [true, false]) {
  test(`every call of the SDK is stored as what it means, gzip: ${gzip}`, async (t) => {
    const holdfast = await Holdfast.start(t);
    const analytics = connect(holdfast, gzip ? {} : { gzip });
    const seen = sent(analytics, 'track', {
      anonymousId: 'visitor-1',
      event: 'product seen',
      messageId: 'm-seen',
      properties: { sku: 'A-1' },
    });
    analytics.identify({
      userId: 'ann',
      anonymousId: 'visitor-1',
      messageId: 'm-identify',
      traits: { plan: 'pro', seats: 12, address: { city: 'Zürich' } },
    });
    const past = new Date('2026-01-02T03:04:05.678Z');
    const ordered = sent(analytics, 'track', {
      userId: 'ann',
      event: 'order placed',
      messageId: 'm-order',
      originalTimestamp: past,
      properties: { total: 15.3, gift: false, ship: { to: { country: 'CH' } } },
      context: { page: { url: 'https://shop.example/cart' }, ip: '192.0.2.7' },
    });
    analytics.page({
      userId: 'ann',
      name: 'Home',
      category: 'Shop',
      messageId: 'm-page',
      properties: { url: 'https://shop.example/' },
    });
    analytics.screen({ userId: 'ann', name: 'Basket', messageId: 'm-screen' });
    analytics.group({
      userId: 'ann',
      groupId: 'acme',
      messageId: 'm-group',
      traits: { employees: 30 },
    });
    analytics.alias({ userId: 'ann@shop.example', previousId: 'ann', messageId: 'm-alias' });
    analytics.track({ userId: 7, event: 'order paid', messageId: 'm-paid' });
    await analytics.flush();

    const events = await holdfast.events();
    const expected = [
      { message_id: 'm-seen', event: 'product seen', sku: 'A-1' },
      {
        message_id: 'm-identify',
        event: 'identify',
        plan: 'pro',
        seats: 12,
        'address.city': 'Zürich',
      },
      {
        message_id: 'm-order',
        event: 'order placed',
        total: 15.3,
        gift: 'false', // As SQL shows what is neither number nor text.
        'ship.to.country': 'CH',
        'context.page.url': 'https://shop.example/cart',
      },
      {
        message_id: 'm-page',
        event: 'page',
        name: 'Home',
        category: 'Shop',
        url: 'https://shop.example/',
      },
      { message_id: 'm-screen', event: 'screen', name: 'Basket' },
      { message_id: 'm-group', event: 'group', group_id: 'acme', employees: 30 },
      { message_id: 'm-alias', event: 'alias', previous_id: 'ann' },
      { message_id: 'm-paid', event: 'order paid', person: '7' },
    ];
    const person = events.get('m-seen').person;
    for (const event of expected) {
      const whole = { person, channel: 'server', ...event };
      assert.deepEqual(given(events.get(event.message_id)), whole);
    }
    assert.equal(events.size, expected.length);

    // The client's clock is set right by when it says that it sent.
    for (const { messageId, originalTimestamp, sentAt } of [await seen, await ordered]) {
      const { time, received_at: writtenAt } = events.get(messageId);
      const receivedAt = time + (new Date(sentAt) - new Date(originalTimestamp));
      assert(receivedAt <= writtenAt && writtenAt < receivedAt + 5_000);
    }
    assert(Math.abs(events.get('m-order').time - past.getTime()) < 10_000);

    const known = await holdfast.person('ann');
    assert.deepEqual(await holdfast.person('ann@shop.example'), known);
    assert.deepEqual(await holdfast.person('anonymous:visitor-1'), known);
    assert.deepEqual(traitsOf(known), { plan: 'pro', seats: 12, 'address.city': 'Zürich' });
  });
}

test('hundreds of events in batches are stored once each, with the ids the SDK made', async (t) => {
  const holdfast = await Holdfast.start(t);
  const analytics = connect(holdfast, { flushAt: 50 });
  const count = 700;
  for (let n = 0; n < count; ++n) {
    analytics.track({ userId: `u${n % 10}`, event: 'step', properties: { n } });
  }
  // Each flush takes one batch.
  while (analytics.queue.length > 0) await analytics.flush();
  await analytics.flush();
  const events = [...(await holdfast.events()).values()];
  assert.equal(events.length, count);
  assert.deepEqual(
    new Set(events.map(({ n }) => n)),
    new Set(Array.from({ length: count }, (_, n) => n)),
  );
  for (const event of events) {
    assert.match(event.message_id, /^[0-9a-f-]{36}$/);
    assert.equal(event.person, `u${event.n % 10}`);
  }
});

test('the time a caller names is when it happened', async (t) => {
  const holdfast = await Holdfast.start(t);
  const analytics = connect(holdfast);
  const past = new Date('2026-01-02T03:04:05.678Z');
  await sent(analytics, 'track', {
    userId: 'ann',
    event: 'order placed',
    messageId: 'm-order',
    timestamp: past,
  });
  const { time } = (await holdfast.events()).get('m-order');
  assert(Math.abs(time - past.getTime()) < 10_000, new Date(time).toISOString());
});

test('a key nobody knows is an error of the SDK, and nothing is stored', async (t) => {
  const holdfast = await Holdfast.start(t);
  const failures = [];
  const analytics = connect(
    { key: 'hf_w_unknown', url: holdfast.url },
    { errorHandler: (error) => failures.push(error.response.status) },
  );
  analytics.track({ userId: 'ann', event: 'step' });
  await analytics.flush();
  assert.deepEqual(failures, [401]);
  assert.equal((await holdfast.events()).size, 0);
});

test('what was sent while the server was stopped is there once it is back', async (t) => {
  const holdfast = await Holdfast.start(t);
  // The default of three tries is over after a second and a half.
  const analytics = connect(holdfast, { retryCount: 8 });
  await sent(analytics, 'track', { userId: 'ann', event: 'step', messageId: 'm-0' });
  await holdfast.stop();
  for (let n = 1; n < 15; ++n) {
    analytics.track({ userId: 'ann', event: 'step', messageId: `m-${n}` });
  }
  const flushed = analytics.flush();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await holdfast.serve();
  await flushed;
  assert.equal((await holdfast.events()).size, 15);
});

test('what was answered with 503 is sent again and stored once', async (t) => {
  const holdfast = await Holdfast.prepare(t);
  await holdfast.serve({ fileKib: 512 });
  const analytics = connect(holdfast);
  const first = sent(analytics, 'track', { userId: 'ann', event: 'step', messageId: 'm-0' });
  await until('it was refused', async () => (await holdfast.metric('writable')) === 0);
  for (let n = 1; n < 15; ++n) {
    analytics.track({ userId: 'ann', event: 'step', messageId: `m-${n}` });
  }
  const flushed = analytics.flush();
  await holdfast.liftFileLimit();
  await Promise.all([first, flushed]);
  assert.equal((await holdfast.events()).size, 15);
});
