import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  AccessDocument,
  AddressDocument,
  AimDocument,
  Camera,
  CAMERA_COLUMNS,
  CameraLinks,
  CameraThumbnail,
  DeclaredDocument,
  DeviceDocument,
  Health,
  HealthService,
  LevelDocument,
  MaintenanceDocument,
  OcclusionDocument,
  PixelDocument,
  PtzDocument,
  RoadDocument,
  schemasOf,
  SightDocument,
  SourceDocument,
  ViewDocument,
} from '#catalog';

const paths = CAMERA_COLUMNS.map(({ path }) => path);
const cellsOf = (camera: Partial<Camera>): Record<string, unknown> =>
  Object.fromEntries(
    CAMERA_COLUMNS.map(({ path, read }) => [path, read(camera)]).filter(([, value]) => value !== undefined),
  );

describe('columns of cameras as CSV', () => {
  test('each stands once, and the camera is named first', () => {
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.slice(0, 4)).toEqual(['id', 'authority', 'localId', 'name']);
  });

  test.each<[string, new () => object]>([
    ['', Camera],
    ['address.', AddressDocument],
    ['road.', RoadDocument],
    ['view.', ViewDocument],
    ['ptz.', PtzDocument],
    ['access.', AccessDocument],
    ['maintenance.', MaintenanceDocument],
    ['declared.', DeclaredDocument],
    ['health.', Health],
    ['health.service.', HealthService],
    ['thumbnail.', CameraThumbnail],
    ['sight.', SightDocument],
    ['sight.command.', AimDocument],
    ['sight.pixel.', PixelDocument],
    ['sight.level.', LevelDocument],
    ['sight.occlusion.', OcclusionDocument],
    ['device.', DeviceDocument],
    ['source.', SourceDocument],
    ['links.', CameraLinks],
  ])('every member of “%s” has its column, or columns for its own members', (prefix, type) => {
    const untold = [...schemasOf(type).keys()].filter(
      (member) => !paths.some((path) => path === `${prefix}${member}` || path.startsWith(`${prefix}${member}.`)),
    );
    expect(untold).toEqual([]);
  });

  test('each reads the member at its path', () => {
    expect(
      cellsOf({
        location: { type: 'Point', coordinates: [120.290608, 23.079451] },
        view: { azimuthDeg: 225, tiltDeg: -12.5 },
        access: { level: 'public' },
        tags: ['bridge'],
        distanceM: 12.5,
      }),
    ).toEqual({
      'location.lon': 120.290608,
      'location.lat': 23.079451,
      'view.azimuthDeg': 225,
      'view.tiltDeg': -12.5,
      'access.level': 'public',
      tags: ['bridge'],
      distanceM: 12.5,
    });
  });

  test('services tell kinds and refresh times, never an address, whatever the caller may read elsewhere', () => {
    const services = [
      { kind: 'mjpeg', url: 'http://10.1.2.3/secret', refreshS: 60, tls: 'pinned' },
      { kind: 'rtsp', url: 'rtsp://10.1.2.3/secret' },
    ] as const;
    expect(JSON.stringify(cellsOf({ services: [...services] }))).toBe(
      JSON.stringify({ services: [{ kind: 'mjpeg', refreshS: 60 }, { kind: 'rtsp' }] }),
    );
  });

  test('of flags those at fault', () => {
    const evidence = { says: 'nothing moved' };
    const health = {
      status: 'degraded',
      since: '2026-11-24T08:00:00Z',
      flapping: false,
      agreement: 'unknown',
      conditions: [],
      flags: [
        { flag: 'frozen', state: 'fault', evidence },
        { flag: 'black', state: 'fine', evidence },
        { flag: 'moved', state: 'not_checkable', evidence },
      ],
    } as const;
    expect(cellsOf({ health: structuredClone(health) as unknown as NonNullable<Camera['health']> })).toMatchObject({
      'health.status': 'degraded',
      'health.flapping': false,
      'health.flags': ['frozen'],
    });
  });

  test('docs/exports.md lists them all, in order', () => {
    const page = readFileSync(new URL('../../../docs/exports.md', import.meta.url), 'utf8');
    const rows = page.slice(page.indexOf('\n## Columns\n')).match(/^\| `[^|]*/gm) ?? [];
    expect(rows.flatMap((row) => [...row.matchAll(/`([\w.]+)`/g)].map(([, path]) => path))).toEqual(paths);
  });
});
