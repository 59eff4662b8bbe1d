// SPDX-License-Identifier: Apache-2.0
//
// The real program, and pages of another site that send to it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Served {
  #program = process.env.HOLDFAST_PROGRAM;
  #directory = mkdtempSync(join(tmpdir(), 'holdfast_browser_'));
  #data = join(this.#directory, 'data');
  #child;
  #relay;
  port = 0;
  /// First lines of what came to `url`, without their HTTP version: "POST /v1/batch".
  requests = [];

  /// On the port it had before, if it was started before.
  async start() {
    this.#child = spawn(
      this.#program,
      ['--data', this.#data, '--lang', 'en', 'serve', '--listen', `127.0.0.1:${this.port}`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let told = '';
    for await (const piece of this.#child.stdout.iterator({ destroyOnReturn: false })) {
      told += piece;
      const found = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(told);
      if (found) {
        this.port = Number(found[1]);
        break;
      }
    }
    this.#child.stdout.resume();
    if (!told.includes('Listening')) throw new Error('the server did not start');
    if (!this.#relay) await this.#listen();
  }

  // Browsers hide it from their pages and from who drives them when they ask first (OPTIONS).
  async #listen() {
    this.#relay = createTcpServer((client) => {
      const server = connect(this.port, '127.0.0.1');
      client.on('data', (piece) => {
        const found = piece.toString('latin1').matchAll(/^([A-Z]+ \/\S*) HTTP\/1\.1\r$/gm);
        this.requests.push(...Array.from(found, (match) => match[1]));
      });
      client.pipe(server).pipe(client);
      for (const [one, other] of [[client, server], [server, client]]) {
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
      }
    });
    this.#relay.listen(0, '127.0.0.1');
    await once(this.#relay, 'listening');
  }

  async stop() {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }

  async remove() {
    await this.stop();
    this.#relay.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  run(...rest) {
    return execFileSync(this.#program, ['--data', this.#data, ...rest], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  /// A new source and its key.
  addSource(name) {
    this.run('source', 'add', name);
    return this.run('key', 'create', '--kind', 'write', '--source', name).trim();
  }

  sql(text) {
    return JSON.parse(this.run('sql', text, '--format', 'json'));
  }

  get url() {
    return `http://127.0.0.1:${this.#relay.address().port}`;
  }
}

/// "/" of it loads the snippet; what it calls at once is in the query, as JavaScript.
export async function servePages() {
  const snippet = readFileSync(new URL('../holdfast.min.js', import.meta.url));
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname === '/holdfast.js') {
      response.setHeader('Content-Type', 'text/javascript');
      response.end(snippet);
      return;
    }
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(
      '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">' +
        `<script src="/holdfast.js"></script><script>${url.searchParams.get('js') ?? ''}</script>`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Another site than 127.0.0.1, not only another origin.
  return { url: `http://localhost:${server.address().port}`, close: () => server.close() };
}
