import { Histogram, type Registry } from 'prom-client';

const NAME = 'http_server_request_duration_seconds';

/** How long requests took, by route and never by address (reliability.md REL-17). */
export function requestSeconds(metrics: Registry): Histogram<'method' | 'route' | 'status'> {
  const known = metrics.getSingleMetric(NAME) as Histogram<'method' | 'route' | 'status'> | undefined;
  return (
    known ??
    new Histogram({
      name: NAME,
      help: 'Seconds from the request line to the last byte of the answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
      registers: [metrics],
    })
  );
}
