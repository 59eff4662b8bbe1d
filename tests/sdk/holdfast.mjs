// SPDX-License-Identifier: Apache-2.0
//
// Test support: a Holdfast of its own for a test, and what is stored in it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const program = process.env.HOLDFAST_PROGRAM;
assert(program, 'HOLDFAST_PROGRAM must name the built program');

const patienceMs = 20_000;

export class Holdfast {
  #directory;
  #environment;
  #server;
  key;
  url;

  /** A server with a source `web`; it and its data are gone with the test. */
  static async start(t) {
    const holdfast = await Holdfast.prepare(t);
    await holdfast.serve();
    return holdfast;
  }

  /** The same, but nothing is served yet. */
  static async prepare(t) {
    const holdfast = new Holdfast();
    holdfast.#directory = await mkdtemp(path.join(tmpdir(), 'holdfast_sdk_'));
    t.after(async () => {
      await holdfast.stop('SIGKILL');
      await rm(holdfast.#directory, { recursive: true, force: true });
    });
    holdfast.#environment = {
      PATH: process.env.PATH,
      HOLDFAST_DATA: path.join(holdfast.#directory, 'data'),
    };
    await holdfast.run('source', 'add', 'web');
    holdfast.key = (await holdfast.run('key', 'create', '--source', 'web')).trim();
    return holdfast;
  }

  /** What the program prints; it has to end with 0. */
  async run(...args) {
    const { stdout } = await promisify(execFile)(program, args, {
      env: this.#environment,
      maxBuffer: 64 << 20,
    });
    return stdout;
  }

  /** On the port it had before, if it had one. With `fileKib`, no file can grow beyond that. */
  async serve({ fileKib } = {}) {
    const listen = `127.0.0.1:${this.url ? new URL(this.url).port : 0}`;
    const command = [program, 'serve', '--listen', listen];
    if (fileKib !== undefined) {
      // The signal that would end the process is left to the write, which fails.
      const limited = `trap '' XFSZ; ulimit -S -f ${fileKib}; exec "$@"`;
      command.unshift('bash', '-c', limited, 'bash');
    }
    this.#server = spawn(command[0], command.slice(1), {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let url;
    for await (const line of createInterface({ input: this.#server.stdout })) {
      [, url] = /^Listening on (http:\S+)$/.exec(line) ?? [];
      assert(url, `not what a server says: ${line}`);
      break;
    }
    assert(url, 'the server ended before it listened');
    this.url = url;
    this.#server.stdout.resume(); // Or it would wait for a reader some day.
  }

  async liftFileLimit() {
    await promisify(execFile)('prlimit', ['--pid', `${this.#server.pid}`, '--fsize=unlimited:']);
  }

  async stop(signal = 'SIGTERM') {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const ended = new Promise((resolve) => server.once('close', resolve));
    if (server.exitCode === null && server.signalCode === null) {
      server.kill(signal);
      await ended;
    }
    if (signal === 'SIGTERM') assert.equal(server.exitCode, 0);
  }

  /** A number of /metrics. */
  async metric(name) {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const [, value] = new RegExp(`^holdfast_${name} (\\S+)$`, 'm').exec(text) ?? [];
    assert(value !== undefined, `no metric ${name}`);
    return Number(value);
  }

  /** All that is stored, by message id; what an event does not have is not there. */
  async events() {
    const rows = JSON.parse(await this.run('sql', 'SELECT * FROM events', '--format', 'json'));
    const events = new Map();
    for (const row of rows) {
      assert(!events.has(row.message_id), `stored twice: ${row.message_id}`);
      const event = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
      for (const name of ['time', 'received_at']) event[name] = milliseconds(event[name]);
      events.set(event.message_id, event);
    }
    return events;
  }

  /** What is known of the person with this id. */
  async person(id) {
    return JSON.parse(await this.run('person', 'show', id, '--format', 'json'));
  }
}

/** Waits until it holds. */
export async function until(what, holds) {
  const deadline = Date.now() + patienceMs;
  while (!(await holds())) {
    assert(Date.now() < deadline, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Of "2026-01-02 03:04:05.678+00", as SQL writes a time. */
function milliseconds(text) {
  const value = Date.parse(text.replace(' ', 'T').replace(/\+00$/, 'Z'));
  assert(Number.isInteger(value), `not a time: ${text}`);
  return value;
}

/** What a caller gave, without what the server adds; and that the server's clock was right. */
export function given(event) {
  const { time, received_at: receivedAt, ...rest } = event;
  assert(Math.abs(receivedAt - Date.now()) < 60_000, 'received now');
  assert(Number.isInteger(time));
  return rest;
}

/** The latest values of a person's traits. */
export function traitsOf(person) {
  return Object.fromEntries(
    Object.entries(person.traits).map(([name, history]) => [name, history.at(-1).value]),
  );
}
