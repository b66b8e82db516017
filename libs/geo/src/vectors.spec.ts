import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import {
  acrossOther,
  aimAt,
  angleOfDiagonal,
  angleOfFocal,
  areaCoverage,
  axesOf,
  type CoverageView,
  focalOfAngle,
  footprintOf,
  fovFits,
  type Frustum,
  frustumOf,
  fromMisb,
  fromOrientedImagery,
  fromOsmTags,
  fromPanTilt,
  geoPoseQuaternion,
  HeightArray,
  inFrustum,
  inPlane,
  inRange,
  isBlockedBy,
  knownOf,
  type Lens,
  levelOf,
  lineOfSight,
  LocalFrame,
  type LonLat,
  pixelOf,
  planeArea,
  planeFootprint,
  poseOf,
  pxPerM,
  sees,
  toGeoPose,
  toKmlCamera,
  toOrientedImagery,
  toPanTilt,
  type Turning,
  viewshed,
  type View,
} from './index.js';

const FOV = path.join(import.meta.dirname, '../../../../shared/vectors/fov');

interface Case {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  // Each group has its own members; a wrong one fails its test.
  readonly input: Record<string, never>;
  readonly expect: Record<string, never>;
  readonly tol?: Record<string, number>;
}

interface Raster {
  readonly id: string;
  readonly dem: string;
  readonly reference: string;
  readonly observer_col_row: [number, number];
  readonly observer_height_m: number;
  readonly target_height_m: number;
  readonly curvature_coef: number;
  readonly earth_radius_m: number;
  readonly min_agreement: number;
}

const present = existsSync(FOV);
const { meta, cases } = present
  ? (JSON.parse(readFileSync(path.join(FOV, 'cases.json'), 'utf8')) as { meta: { rasters: Raster[] }; cases: Case[] })
  : { meta: { rasters: [] }, cases: [] };
if (!present) process.stderr.write('libs/geo: no ../shared/vectors/fov beside the checkout, its vectors are skipped\n');

interface VectorView {
  readonly azimuth: number;
  readonly tilt: number;
  readonly roll: number;
  readonly projection: string;
  readonly hfov: number;
  readonly vfov: number;
  readonly width: number;
  readonly height: number;
  readonly near: number;
  readonly far: number;
  readonly fov?: number;
  readonly circle_px?: number;
}

function viewOf(v: VectorView): View {
  const renamed: Record<string, Lens> = { rectilinear: 'pinhole', fisheye_equidistant: 'fisheye' };
  return {
    azimuthDeg: v.azimuth,
    tiltDeg: v.tilt,
    rollDeg: v.roll,
    lens: renamed[v.projection] ?? (v.projection as Lens),
    hfovDeg: v.fov ?? v.hfov,
    vfovDeg: v.vfov,
    imageWidthPx: v.width,
    imageHeightPx: v.height,
    nearM: v.near,
    farM: v.far,
    ...(v.circle_px === undefined ? {} : { circlePx: v.circle_px }),
  };
}

function frustum(v: VectorView): Frustum {
  const view = viewOf(v);
  const made = frustumOf(view, knownOf({ view, heightM: 1 }));
  if (made === null) throw new Error(`incomplete view ${JSON.stringify(v)}`);
  return made;
}

function near(actual: number, wanted: number, tolerance: number): void {
  if (!(Math.abs(actual - wanted) <= tolerance)) throw new Error(`${actual} is not ${wanted} ± ${tolerance}`);
}

function relative(actual: number, wanted: number, tolerance: number): void {
  near(actual, wanted, Math.max(tolerance, 1e-10) * Math.abs(wanted));
}

function sameAngle(actual: number, wanted: number, tolerance: number): void {
  near((((actual - wanted + 180) % 360) + 360) % 360, 180, tolerance);
}

/** GeoTIFF as the vectors have it: little-endian, one band, strips, Deflate, predictors 1 to 3. */
function raster(name: string): { columns: number; rows: number; values: Float32Array } {
  const file = readFileSync(path.join(FOV, 'dem', name));
  const tags = new Map<number, number[]>();
  const at = file.readUInt32LE(4);
  const bytes: Record<number, number> = { 1: 1, 3: 2, 4: 4 };
  for (let i = 0; i < file.readUInt16LE(at); i++) {
    const entry = at + 2 + 12 * i;
    const size = bytes[file.readUInt16LE(entry + 2)];
    if (size === undefined) continue;
    const count = file.readUInt32LE(entry + 4);
    const from = count * size <= 4 ? entry + 8 : file.readUInt32LE(entry + 8);
    tags.set(
      file.readUInt16LE(entry),
      Array.from({ length: count }, (_, k) => file.readUIntLE(from + k * size, size)),
    );
  }
  const tag = (id: number): number => tags.get(id)?.[0] ?? 1;
  const [columns, rows, depth, predictor] = [tag(256), tag(257), tag(258) / 8, tag(317)];
  const data = Buffer.concat(
    tags.get(273)!.map((offset, i) => inflateSync(file.subarray(offset, offset + tags.get(279)![i]!))),
  );
  const values = new Float32Array(columns * rows);
  for (let r = 0; r < rows; r++) {
    const row = data.subarray(r * columns * depth, (r + 1) * columns * depth);
    if (predictor > 1) for (let i = 1; i < row.length; i++) row[i] = row[i]! + row[i - 1]!;
    for (let c = 0; c < columns; c++) {
      const word = (k: number): number => row[predictor === 3 ? k * columns + c : 4 * c + 3 - k]!;
      values[r * columns + c] =
        depth === 1 ? row[c]! : Buffer.from([word(0), word(1), word(2), word(3)]).readFloatBE(0);
    }
  }
  return { columns, rows, values };
}

const dems = new Map<string, HeightArray>();
function dem(name: string): HeightArray {
  const known = dems.get(name);
  if (known !== undefined) return known;
  const { columns, rows, values } = raster(name);
  const made = new HeightArray(columns, rows, values);
  dems.set(name, made);
  return made;
}

type Check = (input: never, wanted: never, tol: Record<string, number>) => void;

const CHECKS: Record<string, Check> = {
  pose(input: { azimuth: number; tilt: number; roll: number }, wanted: Record<string, never>, { abs = 0 }) {
    const pose = { azimuthDeg: input.azimuth, tiltDeg: input.tilt, rollDeg: input.roll };
    const axes = axesOf(pose);
    const vectors = {
      forward: [axes.fE, axes.fN, axes.fU],
      right: [axes.rE, axes.rN, axes.rU],
      down: [axes.dE, axes.dN, axes.dU],
    };
    for (const [name, vector] of Object.entries(vectors)) {
      vector.forEach((value, i) => near(value, (wanted[name] as number[] | undefined)![i]!, abs));
    }
    const back = poseOf(axes);
    sameAngle(back.azimuthDeg, pose.azimuthDeg, 1e-9);
    near(back.tiltDeg, pose.tiltDeg, 1e-9);
    sameAngle(back.rollDeg, pose.rollDeg, 1e-9);
    const geoPose = toGeoPose([0, 0], 0, pose);
    for (const name of ['yaw', 'pitch', 'roll'] as const) {
      sameAngle(geoPose.angles[name], wanted['geopose_ypr']![name], abs);
    }
    const q = geoPoseQuaternion(geoPose);
    const dot = (['x', 'y', 'z', 'w'] as const).reduce(
      (sum, name) => sum + q[name] * (wanted['geopose_quaternion']![name] as number),
      0,
    );
    near(Math.abs(dot), 1, 1e-9);
    const arcgis = toOrientedImagery({ view: pose })!;
    for (const name of ['CameraHeading', 'CameraPitch', 'CameraRoll'] as const) {
      sameAngle(arcgis[name]!, wanted['arcgis']![name], abs);
    }
    const kml = toKmlCamera(pose);
    sameAngle(kml.heading, wanted['kml']!['heading'], abs);
    near(kml.tilt, wanted['kml']!['tilt'], abs);
    const device = toPanTilt({ pan0AzimuthDeg: 0 }, pose);
    sameAngle(device.panDeg, wanted['onvif_spherical_if_pan0_is_north']!['pan'], abs);
    near(device.tiltDeg, wanted['onvif_spherical_if_pan0_is_north']!['tilt'], abs);
  },

  aov(input: Record<string, number> & { projection?: string }, wanted: Record<string, number | false>, { rel = 0 }) {
    if (wanted['valid'] === false) {
      expect(fovFits('pinhole', input['hfov']!, input['vfov'])).toBe(false);
      return;
    }
    const { focal_mm: focal, sensor_w_mm: wide, sensor_h_mm: high, width, height, dfov } = input;
    const hfov = dfov === undefined ? angleOfFocal(focal!, wide!) : angleOfDiagonal(dfov, width!, height!);
    const vfov = dfov === undefined ? angleOfFocal(focal!, high!) : acrossOther(hfov, width!, height!);
    const actual: Record<string, number> = {
      hfov,
      vfov,
      dfov: acrossOther(hfov, width!, Math.hypot(width!, height!)),
      fx_px: focalOfAngle(hfov, width!),
      fy_px: focalOfAngle(vfov, height!),
      focal_back_mm: focalOfAngle(hfov, wide ?? 1),
    };
    for (const [name, value] of Object.entries(wanted)) relative(actual[name]!, value as number, rel);
  },

  footprint(
    input: { view: VectorView; height_above_plane_m: number },
    wanted: {
      area_m2: number;
      empty: boolean;
      bbox_en?: number[] | null;
      inside_en: number[][];
      outside_en: number[][];
      holes?: number;
      parts?: number;
      corner_hits_TL_TR_BR_BL?: (number[] | null)[];
      exact_area?: number;
    },
    { area_rel = 0, vertex_abs = 1e-6 },
  ) {
    const f = frustum(input.view);
    const height = input.height_above_plane_m;
    const { polygons } = planeFootprint(f, height, 1);
    expect(polygons.length === 0).toBe(wanted.empty);
    relative(planeArea(polygons), wanted.area_m2, area_rel);
    if (wanted.exact_area !== undefined) relative(planeArea(polygons), wanted.exact_area, area_rel);
    if (wanted.parts !== undefined) expect(polygons).toHaveLength(wanted.parts);
    if (wanted.holes !== undefined)
      expect(polygons.reduce((sum, rings) => sum + rings.length - 1, 0)).toBe(wanted.holes);
    for (const [e, n] of wanted.inside_en as [number, number][]) {
      expect([inPlane(polygons, e, n), sees(f, e, n, -height)]).toEqual([true, true]);
    }
    for (const [e, n] of wanted.outside_en as [number, number][]) {
      expect([inPlane(polygons, e, n), sees(f, e, n, -height)]).toEqual([false, false]);
    }
    if (wanted.bbox_en) {
      const es = polygons.flat(2).filter((_, i) => i % 2 === 0);
      const ns = polygons.flat(2).filter((_, i) => i % 2 === 1);
      const box = [Math.min(...es), Math.min(...ns), Math.max(...es), Math.max(...ns)];
      // Arcs are drawn inscribed: an extreme point of one may lie half a degree from a corner.
      const sagitta = Math.max(input.view.far * (1 - Math.cos(Math.PI / 360)), 1e-5);
      box.forEach((value, i) => near(value, wanted.bbox_en![i]!, sagitta));
    }
    (wanted.corner_hits_TL_TR_BR_BL ?? []).forEach((hit, i) => {
      const x = i === 0 || i === 3 ? -f.tanH : f.tanH;
      const y = i < 2 ? -f.tanV : f.tanV;
      const up = f.fU + x * f.rU + y * f.dU;
      if (hit === null) {
        expect(up).toBeGreaterThan(-1e-9);
        return;
      }
      const t = -height / up;
      near(t * (f.fE + x * f.rE + y * f.dE), hit[0]!, 1e-6 * Math.hypot(...hit) + vertex_abs);
      near(t * (f.fN + x * f.rN + y * f.dN), hit[1]!, 1e-6 * Math.hypot(...hit) + vertex_abs);
      const isVertex = Math.hypot(height, ...hit) < input.view.far && Math.hypot(height, ...hit) > input.view.near;
      const flat = polygons.flat(2);
      const least = Math.min(
        ...flat.map((_, k) => (k % 2 === 0 ? Math.hypot(flat[k]! - hit[0]!, flat[k + 1]! - hit[1]!) : Infinity)),
      );
      expect(least < 1e-6 * Math.hypot(...hit) + vertex_abs).toBe(isVertex && !wanted.empty);
    });
  },

  footprint_ppm(
    input: { view: VectorView; height_above_plane_m: number; min_ppm: number },
    wanted: { area_m2: number; depth_limit_m: number },
    { area_rel = 0 },
  ) {
    const f = frustum(input.view);
    relative(
      planeArea(planeFootprint(f, input.height_above_plane_m, 1, input.min_ppm).polygons),
      wanted.area_m2,
      area_rel,
    );
    relative(f.fxPx! / input.min_ppm, wanted.depth_limit_m, 1e-9);
  },

  footprint_union(
    input: { views: VectorView[]; height_above_plane_m: number },
    wanted: { area_m2: number; sum_of_areas: number },
    { area_rel = 0 },
  ) {
    const views = input.views.map(frustum);
    const height = input.height_above_plane_m;
    const sum = views.reduce((area, f) => area + planeArea(planeFootprint(f, height, 1).polygons), 0);
    relative(sum, wanted.sum_of_areas, area_rel);
    // The union is counted, as coverage does it: one camera, four views.
    const covered = areaCoverage(
      square(70),
      views.map((f) => counted('head', f, height, [0, 0])),
      { cellM: 0.25 },
    );
    if ('refused' in covered) throw new Error('refused');
    relative(covered.coveredM2, wanted.area_m2, 0.002);
  },

  footprint_geo(
    input: { camera_lon_lat: LonLat; ground_z: number; view: VectorView; height_above_plane_m: number },
    wanted: {
      corners_lon_lat: number[][];
      parts: number;
      inside_lon_lat: number[][];
      outside_lon_lat: number[][];
      area_m2: number;
    },
    { deg = 0 },
  ) {
    const view = viewOf(input.view);
    const camera = { location: { coordinates: input.camera_lon_lat }, view, heightM: input.height_above_plane_m };
    const footprint = footprintOf({ ...camera, elevationM: input.ground_z })!;
    const polygons = footprint.geometry.coordinates;
    expect(polygons).toHaveLength(wanted.parts);
    const positions = polygons.flat(2);
    for (const [lon] of positions) expect(Math.abs(lon)).toBeLessThanOrEqual(180);
    for (const [lon, lat] of wanted.corners_lon_lat as [number, number][]) {
      expect(positions.some((p) => Math.abs(p[0] - lon) <= deg && Math.abs(p[1] - lat) <= deg)).toBe(true);
    }
    const flat = polygons.map((rings) => rings.map((ring) => ring.slice(1).flat()));
    for (const [lon, lat] of wanted.inside_lon_lat as [number, number][]) expect(inPlane(flat, lon, lat)).toBe(true);
    for (const [lon, lat] of wanted.outside_lon_lat as [number, number][]) expect(inPlane(flat, lon, lat)).toBe(false);
    relative(footprint.areaM2, wanted.area_m2, 1e-3);
    const frame = new LocalFrame(input.camera_lon_lat, input.ground_z);
    const back = polygons.map((rings) =>
      rings.map((ring) =>
        ring.slice(1).flatMap((p) => {
          const { e, n } = frame.toEnu(p, input.ground_z);
          return [e, n];
        }),
      ),
    );
    relative(planeArea(back), wanted.area_m2, 1e-3);
  },

  sees(
    input: { view: VectorView; target_enu_m: [number, number, number] },
    wanted: Record<string, number> & {
      in_range: boolean;
      in_image: boolean;
      visible: boolean;
      dori_2014?: string;
      iec_2025?: string;
    },
    { m = 0, deg = 0, px = 0, ppm_rel = 0 },
  ) {
    checkSeen(frustum(input.view), input.target_enu_m, wanted, { m, deg, px, ppm_rel });
  },

  geodetic(
    input: {
      camera_lon_lat_h: [number, number, number];
      target_lon_lat_h: [number, number, number];
      refraction_k: number;
      view: VectorView;
    },
    wanted: { enu: number[]; bearing_deg: number; ground_m: number; sees: Record<string, number> },
    { m = 0, deg = 0, px = 0, ppm_rel = 0 },
  ) {
    const [lon, lat, h] = input.camera_lon_lat_h;
    const [toLon, toLat, toH] = input.target_lon_lat_h;
    const { e, n, u } = new LocalFrame([lon, lat], h, input.refraction_k).toEnu([toLon, toLat], toH);
    [e, n, u].forEach((value, i) => near(value, wanted.enu[i]!, m));
    sameAngle((Math.atan2(e, n) * 180) / Math.PI, wanted.bearing_deg, deg);
    near(Math.hypot(e, n), wanted.ground_m, m);
    checkSeen(frustum(input.view), [e, n, u], wanted.sees as never, { m, deg, px, ppm_rel });
  },

  ptz(
    input: { ptz: Record<string, number>; target_enu_m: [number, number, number] },
    wanted: { reach: string; pan?: number; tilt?: number; max_focal_px?: number; best_ppm_at_depth?: number },
    { deg = 0, rel = 0 },
  ) {
    const p = input.ptz as { [Name in string]: number };
    const turning: Turning = {
      azimuthFromDeg: p['pan_zero_azimuth']! + p['pan_min']!,
      spanDeg: p['pan_max']! - p['pan_min']!,
      azimuthDeclared: true,
      tiltMinDeg: p['tilt_min']!,
      tiltMaxDeg: p['tilt_max']!,
      tiltDeclared: true,
      wideFocal: focalOfAngle(p['hfov_wide']!, 2),
      teleFocal: focalOfAngle(p['hfov_tele']!, 2),
      aspect: p['height']! / p['width']!,
      widthPx: p['width']!,
      nearM: 0,
      farM: p['far']!,
      farDerived: false,
    };
    const [e, n, u] = input.target_enu_m;
    const aim = aimAt(turning, { e, n, u });
    expect(aim.reach).toBe(wanted.reach);
    if (wanted.pan !== undefined) sameAngle(aim.command.azimuthDeg - p['pan_zero_azimuth']!, wanted.pan, deg);
    if (wanted.tilt !== undefined) near(aim.command.tiltDeg, wanted.tilt, deg);
    if (wanted.max_focal_px !== undefined) relative(aim.focalPx!, wanted.max_focal_px, rel);
    if (wanted.best_ppm_at_depth !== undefined) relative(aim.pxPerM!, wanted.best_ppm_at_depth, rel);
  },

  ptz_space(input: { pan_zero_azimuth: number; pan: number; tilt: number }, wanted: { azimuth: number; tilt: number }) {
    const { azimuthDeg, tiltDeg } = fromPanTilt({ pan0AzimuthDeg: input.pan_zero_azimuth }, input.pan, input.tilt);
    expect({ azimuth: azimuthDeg, tilt: tiltDeg }).toEqual(wanted);
  },

  coverage(
    input: {
      views: { view: VectorView; height_above_plane_m: number; origin_en: [number, number] }[];
      aoi_en: [number, number][];
    },
    wanted: { union_area: number; k2_area: number; aoi_covered: number; aoi_gap: number; aoi_k2: number },
    { grid_0_25m_rel = 0 },
  ) {
    const views = input.views.map(({ view, height_above_plane_m: height, origin_en }, i) =>
      counted(`camera ${i}`, frustum(view), height, origin_en),
    );
    const aoi = [[[...input.aoi_en, input.aoi_en[0]!].map(([e, n]) => HOME.toLonLat(e, n))]];
    const count = (area: LonLat[][][], k: number) => {
      const answer = areaCoverage(area, views, { cellM: 0.25, k });
      if ('refused' in answer) throw new Error('refused');
      return answer;
    };
    relative(count(square(40), 1).coveredM2, wanted.union_area, grid_0_25m_rel);
    relative(count(square(40), 2).coveredM2, wanted.k2_area, grid_0_25m_rel);
    relative(count(aoi, 1).coveredM2, wanted.aoi_covered, grid_0_25m_rel);
    relative(count(aoi, 1).uncoveredM2, wanted.aoi_gap, grid_0_25m_rel);
    relative(count(aoi, 2).coveredM2, wanted.aoi_k2, grid_0_25m_rel);
  },

  los: checkLine,
  los_dsm_host: checkLine,

  los_building(
    input: {
      buildings: { ring: [number, number][]; base: number; top: number }[];
      observer_xyz: [number, number, number];
      target_xyz: [number, number, number];
    },
    wanted: { visible: boolean },
  ) {
    const point = ([e, n, u]: [number, number, number]) => ({ e, n, u });
    const blocked = input.buildings.some(({ ring, base, top }) =>
      isBlockedBy(
        { rings: [ring.flat()], baseM: base, topM: top },
        point(input.observer_xyz),
        point(input.target_xyz),
        0,
      ),
    );
    expect(!blocked).toBe(wanted.visible);
  },

  osm(
    input: { tags: Record<string, string> },
    wanted: { azimuth?: number | null; pan_range_azimuth?: number[]; span_deg?: number; tilt?: number },
  ) {
    const pose = fromOsmTags(input.tags);
    if (wanted.azimuth !== undefined) expect(pose.azimuthDeg ?? pose.middleDeg).toBe(wanted.azimuth);
    if (wanted.pan_range_azimuth !== undefined) expect(pose.rangeDeg).toEqual(wanted.pan_range_azimuth);
    if (wanted.span_deg !== undefined) expect(pose.spanDeg).toBe(wanted.span_deg);
    if (wanted.tilt !== undefined) expect(pose.tiltDeg).toBe(wanted.tilt);
  },

  arcgis_import(input: Record<string, number>, wanted: Record<string, number>, { abs = 0 }) {
    const { view } = fromOrientedImagery(input);
    near(view.azimuthDeg!, wanted['azimuth']!, abs);
    near(view.tiltDeg!, wanted['tilt']!, abs);
    near(view.rollDeg!, wanted['roll']!, abs);
    near(view.hfovDeg!, wanted['hfov']!, abs);
    near(view.vfovDeg!, wanted['vfov']!, abs);
    near(view.nearM!, wanted['near_m']!, abs);
    near(view.farM!, wanted['far_m']!, abs);
  },

  misb(input: Record<string, number>, wanted: { azimuth: number; tilt: number; roll: number }, { deg = 0 }) {
    const pose = fromMisb({
      platformHeadingDeg: input['platform_heading']!,
      platformPitchDeg: input['platform_pitch']!,
      platformRollDeg: input['platform_roll']!,
      sensorAzimuthDeg: input['sensor_rel_azimuth']!,
      sensorElevationDeg: input['sensor_rel_elevation']!,
      sensorRollDeg: input['sensor_rel_roll']!,
    });
    sameAngle(pose.azimuthDeg, wanted.azimuth, deg);
    near(pose.tiltDeg, wanted.tilt, deg);
    near(pose.rollDeg, wanted.roll, deg);
  },
};

const HOME = new LocalFrame([120, 23]);

function square(halfM: number): LonLat[][][] {
  const corners = [
    [-halfM, -halfM],
    [halfM, -halfM],
    [halfM, halfM],
    [-halfM, halfM],
    [-halfM, -halfM],
  ] as const;
  return [[corners.map(([e, n]) => HOME.toLonLat(e, n))]];
}

function counted(camera: string, f: Frustum, heightM: number, [e, n]: readonly [number, number]): CoverageView {
  return { camera, position: HOME.toLonLat(e, n), frustum: f, heightM };
}

function checkSeen(
  f: Frustum,
  [e, n, u]: (readonly number[] & { readonly length: 3 }) | [number, number, number],
  wanted: Record<string, number> & {
    in_range: boolean;
    in_image: boolean;
    visible: boolean;
    dori_2014?: string;
    iec_2025?: string;
  },
  { m = 0, deg = 0, px = 0, ppm_rel = 0 },
): void {
  const [east, north, up] = [e, n, u];
  const seen = inFrustum(f, { e: east, n: north, u: up });
  const slant = Math.hypot(east, north, up);
  const x = east * f.rE + north * f.rN + up * f.rU;
  const y = east * f.dE + north * f.dN + up * f.dU;
  const z = east * f.fE + north * f.fN + up * f.fU;
  expect(inRange(f.nearM, f.farM, slant)).toBe(wanted.in_range);
  expect(sees(f, east, north, up)).toBe(wanted.visible);
  expect(seen.reason === null).toBe(wanted.visible);
  expect(seen.margin >= -1e-9).toBe(wanted.in_image);
  near(seen.offAxisDeg, wanted['off_axis_deg']!, deg);
  near(slant, wanted['slant_m']!, m);
  if (wanted['depth_m'] !== undefined) near(seen.depthM!, wanted['depth_m'], m);
  if (wanted['u'] !== undefined) {
    const pixel = pixelOf(f, x, y, z)!;
    near(pixel.u, wanted['u'], px);
    near(pixel.v, wanted['v']!, px);
  }
  if (wanted['ppm'] === undefined) return;
  const density = pxPerM(f, x, y, z)!;
  relative(density, wanted['ppm'], ppm_rel);
  expect(seen.pxPerM).toBe(density);
  if (wanted.dori_2014 !== undefined) expect(levelOf(density).dori2014).toBe(wanted.dori_2014);
  if (wanted.iec_2025 !== undefined) expect(levelOf(density).iec2025).toBe(wanted.iec_2025);
}

function checkLine(
  input: {
    dem: string;
    observer_col_row: [number, number];
    observer_height_m?: number;
    observer_z_abs_m?: number;
    target_col_row: [number, number];
    target_height_m: number;
    curvature_coef: number;
    earth_radius_m: number;
    host_skip_m?: number;
  },
  wanted: { visible: boolean; min_clearance_m: number },
  { m = 0 },
): void {
  const heights = dem(input.dem);
  const cellM = input.dem === 'wall.tif' ? 10 : 2;
  const [column, row] = input.observer_col_row;
  const [toColumn, toRow] = input.target_col_row;
  const zM = input.observer_z_abs_m ?? heights.at(column, row) + input.observer_height_m!;
  const line = lineOfSight(
    heights,
    { column, row, zM },
    { column: toColumn, row: toRow, zM: heights.at(toColumn, toRow) + input.target_height_m },
    {
      lengthM: cellM * Math.hypot(toColumn - column, toRow - row),
      curvature: input.curvature_coef,
      earthRadiusM: input.earth_radius_m,
      ownHostM: input.host_skip_m ?? 0,
    },
  );
  expect(line.result).toBe(wanted.visible ? 'clear' : 'blocked');
  if (wanted.visible) near(line.clearanceM, wanted.min_clearance_m, m);
}

(present ? describe : describe.skip)('vectors/fov', () => {
  test.each(cases.map((each) => [each.id, each.group, each.title, each] as const))(
    '%s %s: %s',
    (_, group, __, each) => {
      const check = CHECKS[group];
      if (check === undefined) throw new Error(`nothing checks group ${group}`);
      check(each.input as never, each.expect as never, each.tol ?? {});
    },
  );

  test.each(meta.rasters.map((each) => [each.id, each] as const))(
    '%s: a line of sight to every fourth cell',
    (_, each) => {
      const heights = dem(each.dem);
      const reference = raster(each.reference);
      const cellM = each.dem === 'wall.tif' ? 10 : 2;
      const [column, row] = each.observer_col_row;
      const from = { column, row, zM: heights.at(column, row) + each.observer_height_m };
      const swept = viewshed(heights, from, {
        columnM: cellM,
        rowM: cellM,
        farM: 1e5,
        targetHeightM: each.target_height_m,
        curvature: each.curvature_coef,
        earthRadiusM: each.earth_radius_m,
      });
      const options = { curvature: each.curvature_coef, earthRadiusM: each.earth_radius_m };
      let [cells, agree, sweptAgree] = [0, 0, 0];
      for (let r = 0; r < heights.rows; r += 2) {
        for (let c = 0; c < heights.columns; c += 2) {
          const wanted = reference.values[r * heights.columns + c]!;
          if (wanted === 2) continue;
          const to = { column: c, row: r, zM: heights.at(c, r) + each.target_height_m };
          const lengthM = cellM * Math.hypot(c - column, r - row);
          const line = lineOfSight(heights, from, to, { lengthM, ...options });
          cells++;
          if ((line.result === 'clear') === (wanted === 1)) agree++;
          if ((swept.cells[r * heights.columns + c] === 1) === (wanted === 1)) sweptAgree++;
        }
      }
      expect(agree / cells).toBeGreaterThanOrEqual(each.min_agreement);
      expect(sweptAgree / cells).toBeGreaterThanOrEqual(0.99);
    },
  );
});
