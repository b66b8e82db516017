import type { FastifyInstance } from 'fastify';

interface Known {
  readonly method: string;
  readonly path: RegExp;
}

const known = new WeakMap<object, Known[]>();

/** Notes every route as it is registered, so that a wrong method can be told from a wrong address. */
export function noteRoutes(server: FastifyInstance): void {
  const routes: Known[] = [];
  known.set(server.server, routes);
  server.addHook('onRoute', ({ method, url }) => {
    if (url.includes('*')) return;
    const path = new RegExp(`^${url.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+')}$`);
    for (const one of [method].flat()) routes.push({ method: one, path });
  });
}

/** Methods that an address has, or none where it does not exist. */
export function methodsOf(server: FastifyInstance, url: string): readonly string[] {
  const path = url.split('?', 1)[0] ?? '';
  const fitting = (known.get(server.server) ?? []).filter((route) => route.path.test(path));
  return [...new Set(fitting.map(({ method }) => method))].sort();
}
