// SPDX-License-Identifier: Apache-2.0
//
// Serves dist/ below /console/ with the policy that the server sends, and passes all else on to a
// running server: HOLDFAST_URL=http://127.0.0.1:8400 node tests/serve.mjs 4173
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
  "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; " +
  "form-action 'self'; frame-ancestors 'none'";

export function serve(target, port) {
  const server = createServer((incoming, answer) => {
    const { pathname } = new URL(incoming.url, 'http://localhost');
    if (pathname === '/') return answer.writeHead(302, { Location: '/console/' }).end();
    if (pathname.startsWith('/console/')) {
      const asset = /^\/console\/assets\/[\w.-]+$/.test(pathname);
      const file = dist + (asset ? pathname.slice('/console'.length) : '/index.html');
      if (!existsSync(file)) return answer.writeHead(404).end();
      const type = asset ? (types[extname(file)] ?? 'application/octet-stream') : 'text/html';
      answer.writeHead(200, {
        'Content-Type': `${type}; charset=utf-8`,
        'Content-Security-Policy': policy,
        'X-Content-Type-Options': 'nosniff',
        'Cache-Control': asset ? 'public, max-age=31536000, immutable' : 'no-cache',
      });
      return answer.end(readFileSync(file));
    }
    // The server decides by Host and Origin who may read without a key.
    const { host } = new URL(target);
    const headers = { ...incoming.headers, host };
    if (headers.origin) headers.origin = target;
    const passed = request(target + incoming.url, { method: incoming.method, headers }, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
      answer.on('close', () => reply.destroy());
    });
    passed.on('error', () => answer.headersSent || answer.writeHead(502).end());
    incoming.pipe(passed);
  });
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 4173);
  await serve(process.env.HOLDFAST_URL ?? 'http://127.0.0.1:8400', port);
  console.log(`http://127.0.0.1:${port}/console/`);
}
