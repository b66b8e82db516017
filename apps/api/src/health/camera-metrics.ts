import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { OPERATIONS, scope } from '#access';
import { type Flag, FLAGS } from '#catalog';
import { type AlikeCameras, healthSummary } from '#storage';

/** One count serves for so long, milliseconds: it looks at every camera. */
const COUNT_MS = 30_000;

/** Cameras by authority and status, and by the flags that are at fault: counted when somebody asks for metrics, never by camera. */
export function measureCameras(db: DataSource, log: Logger, metrics: Registry): void {
  let counted: { readonly atMs: number; readonly groups: Promise<readonly AlikeCameras[]> } | null = null;
  const groups = (): Promise<readonly AlikeCameras[]> => {
    const atMs = performance.now();
    if (counted === null || atMs - counted.atMs > COUNT_MS) {
      const fresh = healthSummary(db, scope(OPERATIONS), { by: 'authority', search: {} });
      counted = { atMs, groups: fresh };
      // The next one who asks tries again.
      fresh.catch(() => (counted = null));
    }
    return counted.groups;
  };
  const counting = (fill: (groups: readonly AlikeCameras[]) => void) => async (): Promise<void> => {
    try {
      fill(await groups());
    } catch (error) {
      log.warn({ err: error }, 'cameras could not be counted now');
    }
  };
  const byStatus: Gauge<'authority' | 'status'> = new Gauge({
    name: 'sightline_cameras',
    help: 'Cameras by authority and status; counted at most every 30 s.',
    labelNames: ['authority', 'status'],
    registers: [metrics],
    collect: counting((found) => {
      byStatus.reset();
      for (const { key, status, cameras } of found) byStatus.inc({ authority: key ?? '', status }, cameras);
    }),
  });
  const byFlag: Gauge<'flag'> = new Gauge({
    name: 'sightline_camera_flags',
    help: 'Cameras by the flags of their picture that are at fault; counted at most every 30 s.',
    labelNames: ['flag'],
    registers: [metrics],
    collect: counting((found) => {
      const faults = new Map<Flag, number>(FLAGS.map((flag) => [flag, 0]));
      for (const { faults: flags, cameras } of found) {
        for (const flag of flags) faults.set(flag, (faults.get(flag) ?? 0) + cameras);
      }
      for (const [flag, cameras] of faults) byFlag.set({ flag }, cameras);
    }),
  });
}
