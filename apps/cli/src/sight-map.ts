import type { Status } from '#catalog';
import { LocalFrame, type LonLat, type MultiPolygon } from '#geo';
import { type Box, type Label, LABEL_PX, placeLabels } from './map-labels.js';
import { cross, legend, LEGEND_HEIGHT_PX, LEGEND_WIDTH_PX, metres, niceBelow } from './map-legend.js';
import { inWords, mark, STYLE_ELEMENT, toneOf, TONES } from './map-look.js';
import { type Xml, xml } from './xml.js';

/** A camera as a map shows it. */
export interface MappedCamera {
  readonly name: string;
  /** Slug of its authority. */
  readonly authority: string;
  readonly position: LonLat;
  /** Where it looks, clockwise from true north; null where nobody knows. */
  readonly azimuthDeg: number | null;
  readonly status: Status;
  /** Ground that its view covers. */
  readonly footprint: MultiPolygon | null;
  /** Ground that a turning camera can be turned to show. */
  readonly reach: MultiPolygon | null;
}

/** Of what a map is drawn, and when. */
export interface MapSubject {
  readonly centre: LonLat;
  readonly radiusM: number;
  readonly drawnAt: Date;
}

export interface SightMap {
  /** A whole SVG document. */
  readonly svg: string;
  /** Names for which there was no room; the titles have them. */
  readonly namesLeftOut: number;
}

/** Largest and least size of the map, pixels, and what is kept free around it. */
const MAX_PX = { width: 1_060, height: 940 } as const;
const MIN_PX = { width: 480, height: LEGEND_HEIGHT_PX } as const;
const MARGIN_PX = 24;
/** Room for names around what is drawn, pixels: they are wide and low. */
const PADDING_PX = { sides: 110, ends: 56 } as const;
/** A map shows at least so much, metres. */
const LEAST_M = 200;
/** Names are worth their room on so many cameras, the nearest to the middle. */
const MAX_NAMES = 250;
/** What a corner of a name on ground that is shown is worth avoiding, pixels of distance. */
const ON_GROUND_PX = 4;

/** Draws cameras and the ground that each shows. Pure. */
export function sightMap(cameras: readonly MappedCamera[], subject: MapSubject): SightMap {
  const sheet = new Sheet(cameras, subject.centre);
  const { width, height, inner } = sheet;
  const { ending, names } = shortNames(cameras);
  const places = cameras.map(({ position }) => sheet.pixel(position));
  const named = cameras.slice(0, MAX_NAMES).map(({ azimuthDeg }, i) => {
    const [x, y] = places[i] as Pixel;
    return { x, y, name: names[i] as string, azimuthDeg };
  });
  const grounds = cameras.flatMap(({ footprint }) => (footprint === null ? [] : [sheet.rings(footprint)]));
  const labels = placeLabels(named, inner, (box) => ON_GROUND_PX * cornersOn(grounds, box));
  const title = `What the cameras show around ${inDegrees(subject.centre)}`;
  const { text } = xml`<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">${title}</title>
${STYLE_ELEMENT}
<rect class="paper" width="${width}" height="${height}"/>
<clipPath id="map"><rect x="${inner.left}" y="${inner.top}" width="${inner.right - inner.left}" height="${inner.bottom - inner.top}"/></clipPath>
<g clip-path="url(#map)">
${sheet.grid()}
${worstFirst(cameras).map((camera) => groundOf(camera, sheet))}${cross(...sheet.pixel(subject.centre))}
${cameras.map((camera, i) => markOf(camera, places[i] as Pixel, labels[i] ?? null, names[i] as string))}</g>
<rect class="frame" x="${inner.left}" y="${inner.top}" width="${inner.right - inner.left}" height="${inner.bottom - inner.top}"/>
${legend(
  {
    heading: headingOf(cameras, subject, ending),
    statuses: cameras.map(({ status }) => status),
    hasReach: cameras.some(({ reach }) => reach !== null),
    undirected: cameras.find(({ azimuthDeg }) => azimuthDeg === null)?.status ?? null,
    middle: inDegrees(subject.centre),
    gridM: sheet.gridM,
    pxPerM: sheet.pxPerM,
  },
  [inner.right + MARGIN_PX, inner.top],
)}
</svg>
`;
  return { svg: text, namesLeftOut: cameras.length - labels.filter((label) => label !== null).length };
}

type Pixel = readonly [x: number, y: number];
type Ring = readonly Pixel[];

/** Corners of a box, and its middle, that lie on ground that cameras show. */
function cornersOn(grounds: readonly (readonly Ring[])[], { left, top, right, bottom }: Box): number {
  const points: readonly Pixel[] = [
    [left, top],
    [right, top],
    [left, bottom],
    [right, bottom],
    [(left + right) / 2, (top + bottom) / 2],
  ];
  return points.filter((point) => grounds.some((rings) => isOn(rings, point))).length;
}

/** Even-odd, over all rings at once. */
function isOn(rings: readonly Ring[], [x, y]: Pixel): boolean {
  let isInside = false;
  for (const ring of rings) {
    ring.forEach(([x1, y1], i) => {
      const [x2, y2] = ring.at(i - 1) as Pixel;
      if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) isInside = !isInside;
    });
  }
  return isInside;
}

/** The sheet of paper: from places to pixels, by a frame of metres in the middle. */
class Sheet {
  readonly pxPerM: number;
  /** Metres between the lines of the grid. */
  readonly gridM: number;
  readonly inner: Box;
  readonly width: number;
  readonly height: number;
  private readonly frame: LocalFrame;
  private readonly west: number;
  private readonly north: number;

  constructor(cameras: readonly MappedCamera[], centre: LonLat) {
    this.frame = new LocalFrame(centre);
    const places = cameras.flatMap(({ position, footprint, reach }) => [
      position,
      ...[footprint, reach].flatMap((ground) => ground?.coordinates.flat(2) ?? []),
    ]);
    const all = [centre, ...places].map((place) => this.frame.toEnu(place, 0));
    const [west, east] = spread(all.map(({ e }) => e));
    const [south, north] = spread(all.map(({ n }) => n));
    const room = { width: MAX_PX.width - 2 * PADDING_PX.sides, height: MAX_PX.height - 2 * PADDING_PX.ends };
    this.pxPerM = Math.min(room.width / (east - west), room.height / (north - south));
    const mapWidth = Math.max(MIN_PX.width, (east - west) * this.pxPerM + 2 * PADDING_PX.sides);
    const mapHeight = Math.max(MIN_PX.height, (north - south) * this.pxPerM + 2 * PADDING_PX.ends);
    this.inner = { left: MARGIN_PX, top: MARGIN_PX, right: MARGIN_PX + mapWidth, bottom: MARGIN_PX + mapHeight };
    this.width = Math.ceil(this.inner.right + 2 * MARGIN_PX + LEGEND_WIDTH_PX);
    this.height = Math.ceil(this.inner.bottom + MARGIN_PX);
    this.west = (west + east) / 2 - mapWidth / 2 / this.pxPerM;
    this.north = (south + north) / 2 + mapHeight / 2 / this.pxPerM;
    this.gridM = niceBelow(150 / this.pxPerM);
  }

  pixel(place: LonLat): Pixel {
    const { e, n } = this.frame.toEnu(place, 0);
    return [this.x(e), this.y(n)];
  }

  /** Outlines and holes of ground, not closed. */
  rings({ coordinates }: MultiPolygon): readonly Ring[] {
    return coordinates.flat().map((ring) => ring.slice(0, -1).map((place) => this.pixel(place)));
  }

  /** The same as path data; holes stay holes by the even-odd rule. */
  path(ground: MultiPolygon): string {
    const outline = (ring: Ring): string => ring.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L');
    return this.rings(ground)
      .map((ring) => `M${outline(ring)}Z`)
      .join('');
  }

  /** Lines at whole multiples of the grid's step from the middle. */
  grid(): Xml {
    const { left, top, right, bottom } = this.inner;
    const steps = (from: number, to: number): readonly number[] => {
      const first = Math.ceil(from / this.gridM);
      return Array.from({ length: Math.floor(to / this.gridM) - first + 1 }, (_, i) => (first + i) * this.gridM);
    };
    const columns = steps(this.west, this.west + (right - left) / this.pxPerM).map((e) => this.x(e).toFixed(1));
    const rows = steps(this.north - (bottom - top) / this.pxPerM, this.north).map((n) => this.y(n).toFixed(1));
    const down = columns.map((x) => `M${x} ${top}V${bottom.toFixed(1)}`).join('');
    return xml`<path class="grid" d="${down}${rows.map((y) => `M${left} ${y}H${right.toFixed(1)}`).join('')}"/>`;
  }

  private x(eastM: number): number {
    return this.inner.left + (eastM - this.west) * this.pxPerM;
  }

  private y(northM: number): number {
    return this.inner.top + (this.north - northM) * this.pxPerM;
  }
}

/** Least and greatest of some metres, and never nearly the same. */
function spread(values: readonly number[]): readonly [least: number, greatest: number] {
  const [least, greatest] = values.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [
    Infinity,
    -Infinity,
  ] as [number, number]);
  const missing = Math.max(0, LEAST_M - (greatest - least)) / 2;
  return [least - missing, greatest + missing];
}

/** What works is drawn last, over all else. */
const worstFirst = (cameras: readonly MappedCamera[]): readonly MappedCamera[] =>
  [...cameras].sort((a, b) => TONES.indexOf(toneOf(b.status)) - TONES.indexOf(toneOf(a.status)));

function groundOf(camera: MappedCamera, sheet: Sheet): Xml {
  const { footprint, reach, status } = camera;
  const tone = toneOf(status);
  const title = xml`<title>${titleOf(camera)}</title>`;
  const view =
    footprint === null
      ? xml``
      : xml`<path class="ground ${tone}" fill-rule="evenodd" d="${sheet.path(footprint)}">${title}</path>\n`;
  if (reach === null) return view;
  return xml`<path class="reach ${tone}" d="${sheet.path(reach)}">${title}</path>\n${view}`;
}

function markOf(camera: MappedCamera, place: Pixel, label: Label | null, name: string): Xml {
  const { status, azimuthDeg } = camera;
  const [x1, y1, x2, y2] = label?.leader ?? [];
  const leader = x1 === undefined ? xml`` : xml`<path class="leader" d="M${x1} ${y1!}L${x2!} ${y2!}"/>`;
  const text = label === null ? xml`` : nameAt(label, name);
  return xml`<g><title>${titleOf(camera)}</title>${leader}${mark(place, toneOf(status), azimuthDeg)}${text}</g>\n`;
}

function nameAt({ box, anchor }: Label, name: string): Xml {
  const x = { start: box.left, middle: (box.left + box.right) / 2, end: box.right }[anchor];
  return xml`<text class="name" x="${x}" y="${box.bottom - (LABEL_PX - 8)}" text-anchor="${anchor}">${name}</text>`;
}

function titleOf({ name, authority, status, azimuthDeg, footprint }: MappedCamera): string {
  const looks = azimuthDeg === null ? 'where it looks is not stated' : `looks ${azimuthDeg}°`;
  const ground = footprint === null ? '; what it shows is not known' : '';
  return `${name} (${authority}): ${inWords(status)}, ${looks}${ground}`;
}

/** Names without what all of them end with in brackets: it is said once. */
function shortNames(cameras: readonly MappedCamera[]): { readonly ending: string; readonly names: readonly string[] } {
  const ending = cameras.length > 1 ? (/.(\s\([^()]+\))$/u.exec(cameras[0]?.name ?? '')?.[1] ?? '') : '';
  const isShared = ending !== '' && cameras.every(({ name }) => name.length > ending.length && name.endsWith(ending));
  const cut = isShared ? ending.length : 0;
  return { ending: isShared ? ending.trim() : '', names: cameras.map(({ name }) => name.slice(0, name.length - cut)) };
}

function headingOf(cameras: readonly MappedCamera[], subject: MapSubject, ending: string): readonly string[] {
  const { centre, radiusM, drawnAt } = subject;
  const count = cameras.length === 1 ? '1 camera' : `${cameras.length.toLocaleString('en')} cameras`;
  return [
    `${count} within ${metres(radiusM)} of`,
    inDegrees(centre),
    `${drawnAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    ...(ending === '' ? [] : [`All names end with ${ending}.`]),
  ];
}

const inDegrees = ([lon, lat]: LonLat): string =>
  `${Math.abs(lat)}° ${lat < 0 ? 'S' : 'N'}, ${Math.abs(lon)}° ${lon < 0 ? 'W' : 'E'}`;
