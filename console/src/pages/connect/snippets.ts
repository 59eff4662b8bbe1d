// SPDX-License-Identifier: Apache-2.0
//
// What to paste to send a first event, with host and key filled in.
export const sdks = ['curl', 'web', 'segment', 'rudderstack', 'python'] as const;
export type Sdk = (typeof sdks)[number];

/** Stands where a key belongs. */
export const example_key = 'hf_w_…';
export const isWriteKey = (text: string): boolean => /^hf_w_[\w-]{43}$/.test(text);

export function snippet(sdk: Sdk, host: string, key: string): string {
  switch (sdk) {
    case 'curl':
      return `curl -u '${key}:' ${host}/v1/track \\
  -d '{"userId": "ann", "event": "Order Completed", "properties": {"revenue": 19.9}}'`;
    case 'web':
      return `<script src="/holdfast.min.js"></script>
<script>
  holdfast.init({ key: '${key}', host: '${host}' });
  holdfast.identify('ann');
  holdfast.track('Order Completed', { revenue: 19.9 });
</script>`;
    case 'segment':
      return `// npm install @segment/analytics-node
import { Analytics } from '@segment/analytics-node';

const analytics = new Analytics({
  writeKey: '${key}',
  host: '${host}',
});
analytics.track({
  userId: 'ann',
  event: 'Order Completed',
  properties: { revenue: 19.9 },
});
await analytics.closeAndFlush();`;
    case 'rudderstack':
      return `// npm install @rudderstack/rudder-sdk-node
import RudderAnalytics from '@rudderstack/rudder-sdk-node';

const analytics = new RudderAnalytics('${key}', {
  dataPlaneUrl: '${host}',
  path: '/v1/batch',
});
analytics.track({
  userId: 'ann',
  event: 'Order Completed',
  properties: { revenue: 19.9 },
});
await new Promise((done) => analytics.flush(done));`;
    case 'python':
      return `# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = '${key}'
analytics.host = '${host}'
analytics.track('ann', 'Order Completed', {'revenue': 19.9})
analytics.flush()`;
  }
}
