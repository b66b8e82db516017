import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** What the listener tells. */
export interface OpsParts {
  readonly metrics: Registry;
  /** Why this process cannot work now, or null. */
  readonly whyNotReady: () => Promise<string | null>;
}

export interface RunningOps {
  readonly port: number;
  close(): Promise<void>;
}

/** Ports tried where nobody asked for this very one. */
const TRIES = 100;

/**
 * A listener for orchestrators and people on call, for a prober that runs alone: `/livez`, `/readyz`, `/metrics`.
 * @throws when the port is taken
 */
export async function startOps(
  { host, port, orNextFree }: { readonly host: string; readonly port: number; readonly orNextFree: boolean },
  parts: OpsParts,
): Promise<RunningOps> {
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    void answer(request.url ?? '/', request.method ?? 'GET', response, parts);
  });
  const last = orNextFree && port > 0 ? Math.min(port + TRIES, 65_535) : port;
  for (let tried = port; ; tried += 1) {
    try {
      await listen(server, host, tried);
      break;
    } catch (error) {
      if (tried >= last || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

const TEXT = 'text/plain; charset=utf-8';

async function answer(url: string, method: string, response: ServerResponse, parts: OpsParts): Promise<void> {
  const say = (status: number, body: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-type': TEXT, 'cache-control': 'no-store', ...headers }).end(body);
  };
  const { pathname } = new URL(url, 'http://ops');
  if (method !== 'GET' && method !== 'HEAD') return say(405, 'GET only\n', { allow: 'GET, HEAD' });
  try {
    if (pathname === '/livez') return say(200, 'ok\n');
    if (pathname === '/metrics') {
      return say(200, await parts.metrics.metrics(), { 'content-type': parts.metrics.contentType });
    }
    if (pathname !== '/readyz') return say(404, 'known here: /livez, /readyz, /metrics\n');
    const why = await parts.whyNotReady();
    return why === null ? say(200, 'ok\n') : say(503, `${why}\n`, { 'retry-after': '5' });
  } catch (error) {
    return say(500, `${error instanceof Error ? error.name : 'failed'}\n`);
  }
}
