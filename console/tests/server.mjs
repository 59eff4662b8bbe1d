// SPDX-License-Identifier: Apache-2.0
//
// Servers of their own for the tests: HOLDFAST_BINARY on temporary data and a free port, ended when
// the tests end. They serve the console themselves; with CONSOLE_DIST=yes what `npm run build` made is
// served before them, so that a change is tested without building the binary.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from './serve.mjs';

const binary = process.env.HOLDFAST_BINARY;
const example = fileURLToPath(new URL('../../examples/online_retail/', import.meta.url));
const start_ms = 20_000;

/** Names why there can be no server, or nothing. */
export function whyNoServer() {
  if (!binary) return 'HOLDFAST_BINARY names no program';
  // Playwright says it takes 18, and fails on it.
  const major = Number(process.versions.node.split('.')[0]);
  return major < 20 ? `playwright-core needs Node 20, this is ${process.version}` : false;
}

function listening(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why) => reject(new Error(`holdfast serve ${why}:\n${said}`));
    const timer = setTimeout(() => fail('does not listen'), start_ms);
    child.once('exit', (code) => fail(`ended with ${code}`));
    const hear = (chunk) => {
      said += chunk;
      const url = /^Listening on (https?:\/\/\S+)$/m.exec(said)?.[1];
      const link = /(http:\/\/\S+\/console\/welcome#hf_setup_[\w-]+)\s/.exec(said)?.[1];
      if (!url || !link) return;
      clearTimeout(timer);
      resolve({ url, link });
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
  });
}

/** A server on no data, on the example (a shop's orders of a year), or on a directory of its own. */
export async function startServer({ shop = false, data: given } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-console-'));
  const data = given ?? join(folder, 'data');
  if (shop) {
    execFileSync(
      binary,
      [
        '--data',
        data,
        'import',
        join(example, 'online_retail.csv.zst'),
        '--timezone',
        'Europe/London',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
  }
  const child = spawn(binary, ['--data', data, 'serve', '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let front;
  async function stop() {
    front?.closeAllConnections();
    front?.close();
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    const { url, link } = await listening(child);
    const own = process.env.CONSOLE_DIST || !(await fetch(`${url}/console/`)).ok;
    if (own) front = await serve(url, 0);
    const base = front ? `http://127.0.0.1:${front.address().port}` : url;
    return { base, token: link.split('#')[1], data, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
