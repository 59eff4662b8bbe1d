// SPDX-License-Identifier: Apache-2.0
//
// Segment's SDK for Node as its users have it, with nothing but the host changed.
import { Analytics } from '@segment/analytics-node';
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { given, Holdfast, traitsOf, until } from './holdfast.mjs';

/** The SDK, and when it said that it had sent each message. */
function connect(holdfast, options = {}) {
  const analytics = new Analytics({ writeKey: holdfast.key, host: holdfast.url, ...options });
  const sentAt = new Map();
  const statuses = [];
  analytics.on('http_request', ({ body }) => {
    const { batch, sentAt: time } = JSON.parse(body);
    for (const { messageId } of batch) sentAt.set(messageId, Date.parse(time));
  });
  analytics.on('http_response', ({ status }) => statuses.push(status));
  const errors = [];
  analytics.on('error', (error) => errors.push(error));
  return { analytics, sentAt, statuses, errors };
}

test('every call of the SDK is stored as what it means', async (t) => {
  const holdfast = await Holdfast.start(t);
  const { analytics, sentAt, errors } = connect(holdfast);
  const past = new Date('2026-01-02T03:04:05.678Z');
  analytics.track({
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
  analytics.track({
    userId: 'ann',
    event: 'order placed',
    messageId: 'm-order',
    timestamp: past,
    properties: {
      total: 15.3,
      'say "what"': 'a, b\n',
      gift: false,
      coupon: null,
      lines: [{ sku: 'A-1', count: 2 }],
      ship: { to: { country: 'CH' } },
    },
    context: {
      page: { url: 'https://shop.example/cart' },
      locale: 'de-CH',
      campaign: { source: 'letter' },
      ip: '192.0.2.7',
    },
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
  analytics.track({ userId: 'ann@shop.example', event: 'order paid', messageId: 'm-paid' });
  await analytics.closeAndFlush();
  assert.deepEqual(errors, []);

  const events = await holdfast.events();
  const person = events.get('m-seen').person;
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
      'say "what"': 'a, b\n',
      gift: 'false', // As SQL shows what is neither number nor text.
      lines: '[{"sku":"A-1","count":2}]',
      'ship.to.country': 'CH',
      'context.page.url': 'https://shop.example/cart',
      'context.locale': 'de-CH',
      'context.campaign.source': 'letter',
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
    { message_id: 'm-paid', event: 'order paid' },
  ];
  for (const event of expected) {
    assert.deepEqual(given(events.get(event.message_id)), { person, ...event });
  }
  assert.equal(events.size, expected.length);

  // The client's clock is set right by when it says that it sent.
  const order = events.get('m-order');
  const receivedAt = order.time + (sentAt.get('m-order') - past);
  assert(receivedAt <= order.received_at && order.received_at < receivedAt + 5_000);
  assert(Math.abs(order.time - past) < 10_000);
  assert(Math.abs(events.get('m-paid').time - Date.now()) < 60_000);

  const known = await holdfast.person('ann');
  assert.deepEqual(await holdfast.person('ann@shop.example'), known);
  assert.deepEqual(await holdfast.person('anonymous:visitor-1'), known);
  assert.deepEqual(traitsOf(known), { plan: 'pro', seats: 12, 'address.city': 'Zürich' });
  for (const id of ['user:ann', 'user:ann@shop.example', 'anonymous:visitor-1']) {
    assert(known.ids.includes(id), `${id} in ${known.ids}`);
  }
});

test('hundreds of events in batches are stored once each, with the ids the SDK made', async (t) => {
  const holdfast = await Holdfast.start(t);
  const { analytics, errors } = connect(holdfast, { flushAt: 50 });
  const ids = [];
  const count = 700;
  for (let n = 0; n < count; ++n) {
    analytics.track({ userId: `u${n % 10}`, event: 'step', properties: { n } }, (error, context) => {
      assert.equal(error, undefined);
      ids[n] = context.event.messageId;
    });
  }
  await analytics.closeAndFlush();
  assert.deepEqual(errors, []);
  const events = await holdfast.events();
  assert.equal(events.size, count);
  for (let n = 0; n < count; ++n) {
    assert.match(ids[n], /^node-next-\d+-[0-9a-f-]{36}$/);
    assert.equal(events.get(ids[n]).n, n);
    assert.equal(events.get(ids[n]).person, `u${n % 10}`);
  }
});

test('a key nobody knows is an error of the SDK, and nothing is stored', async (t) => {
  const holdfast = await Holdfast.start(t);
  const { analytics, statuses, errors } = connect({ key: 'hf_w_unknown', url: holdfast.url });
  analytics.track({ userId: 'ann', event: 'step' });
  await analytics.closeAndFlush();
  assert.deepEqual(statuses, [401]);
  assert.equal(errors.length, 1);
  assert.equal((await holdfast.events()).size, 0);
});

test('what was sent while the server was stopped is there once it is back', async (t) => {
  const holdfast = await Holdfast.start(t);
  const { analytics, statuses, errors } = connect(holdfast, { flushAt: 5 });
  const send = (first, end) => {
    for (let n = first; n < end; ++n) {
      analytics.track({ userId: 'ann', event: 'step', messageId: `m-${n}` });
    }
  };
  send(0, 10);
  await until('ten are stored', async () => (await holdfast.metric('events_appended_total')) === 10);
  await holdfast.stop();
  send(10, 25);
  const flushed = analytics.closeAndFlush();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await holdfast.serve();
  await flushed;
  assert.deepEqual(errors, []);
  assert.deepEqual(new Set(statuses), new Set([200]));
  const events = await holdfast.events();
  assert.deepEqual(
    [...events.keys()].sort(),
    Array.from({ length: 25 }, (_, n) => `m-${n}`).sort(),
  );
});

test('what was answered with 503 is sent again and stored once', async (t) => {
  const holdfast = await Holdfast.prepare(t);
  await holdfast.serve({ fileKib: 512 });
  const { analytics, statuses, errors } = connect(holdfast);
  for (let n = 0; n < 20; ++n) {
    analytics.track({ userId: 'ann', event: 'step', messageId: `m-${n}` });
  }
  const flushed = analytics.closeAndFlush();
  await until('it was refused', () => statuses.includes(503));
  await holdfast.liftFileLimit();
  await flushed;
  assert.deepEqual(errors, []);
  assert.deepEqual(new Set(statuses), new Set([503, 200]));
  assert.equal((await holdfast.events()).size, 20);
});
