import { type Status, STATUSES } from '#catalog';
import { widthOf } from './map-labels.js';
import { inWords, mark, type Tone, toneOf, TONES } from './map-look.js';
import { type Xml, xml } from './xml.js';

/** What the legend tells. */
export interface LegendSubject {
  readonly heading: readonly string[];
  readonly statuses: readonly Status[];
  readonly hasReach: boolean;
  /** Status of a camera of which nobody has stated where it looks; null where there is none. */
  readonly undirected: Status | null;
  readonly middle: string;
  /** Metres between two lines of the grid, and pixels per metre. */
  readonly gridM: number;
  readonly pxPerM: number;
}

export const LEGEND_WIDTH_PX = 262;
/** Height that a legend of every tone takes, pixels. */
export const LEGEND_HEIGHT_PX = 520;
const LINE_PX = 17;
/** Where words stand right of their symbol, pixels. */
const INDENT_PX = 52;

/** The column beside the map: what it is, what its signs mean, its scale and its north. */
export function legend(subject: LegendSubject, [left, top]: readonly [x: number, y: number]): Xml {
  const rows: Xml[] = [xml`<text class="title" x="${left}" y="${top + 18}">What the cameras show</text>`];
  let y = top + 44;
  const write = (text: string, look: string, x = left): void => {
    for (const line of wrapped(text, left + LEGEND_WIDTH_PX - x)) {
      rows.push(xml`<text class="${look}" x="${x}" y="${y}">${line}</text>`);
      y += LINE_PX;
    }
  };
  const explain = (symbol: (x: number, y: number) => Xml, text: string): void => {
    rows.push(symbol(left, y - 4));
    write(text, 'plain', left + INDENT_PX);
    y += 7;
  };
  for (const line of subject.heading) write(line, 'soft');
  y += 14;
  write('Cameras and the ground they show, by their status now', 'head');
  y += 8;
  for (const tone of TONES) {
    const words = statusesOf(tone, subject.statuses);
    if (words !== '') explain((x, at) => swatch(x, at, tone), words);
  }
  if (subject.hasReach) explain(dashes, 'ground that a turning camera can be turned to');
  const { undirected } = subject;
  if (undirected !== null)
    explain((x, at) => mark([x + 20, at], toneOf(undirected), null), 'where it looks is not stated');
  explain((x, at) => cross(x + 20, at), subject.middle);
  return xml`<g>${rows}${scaleBar(subject, left, y + 38)}${north(left + LEGEND_WIDTH_PX - 24, y + 10)}</g>`;
}

/** Statuses of a tone that occur, with their counts. */
function statusesOf(tone: Tone, statuses: readonly Status[]): string {
  const counted = STATUSES.filter((status) => toneOf(status) === tone)
    .map((status) => ({ status, count: statuses.filter((one) => one === status).length }))
    .filter(({ count }) => count > 0);
  return counted.map(({ status, count }) => `${inWords(status)}: ${count}`).join(', ');
}

const swatch = (x: number, y: number, tone: Tone): Xml =>
  xml`<path class="ground ${tone}" d="M${x + 6} ${y}L${x + 40} ${y - 9}V${y + 9}Z"/>${mark([x + 6, y], tone, 90)}`;

const dashes = (x: number, y: number): Xml => xml`<path class="reach none" d="M${x} ${y}H${x + 40}"/>`;

/** Marks the middle of a map. */
export const cross = (x: number, y: number): Xml =>
  xml`<path class="ink" d="M${x - 8} ${y}H${x + 8}M${x} ${y - 8}V${y + 8}"/>`;

const north = (x: number, y: number): Xml =>
  xml`<path class="solid" d="M${x} ${y}L${x + 8} ${y + 26}L${x} ${y + 20}L${x - 8} ${y + 26}Z"/><text class="head" x="${x - 4}" y="${y - 6}">N</text>`;

function scaleBar({ pxPerM, gridM }: LegendSubject, left: number, y: number): Xml {
  const lengthM = niceBelow(200 / pxPerM);
  const right = left + lengthM * pxPerM;
  const middle = (left + right) / 2;
  return xml`<path class="ink" d="M${left} ${y - 6}V${y}H${right}V${y - 6}M${middle} ${y - 4}V${y}"/>
<text x="${left}" y="${y - 12}">0</text><text x="${right}" y="${y - 12}" text-anchor="end">${metres(lengthM)}</text>
<text class="soft" x="${left}" y="${y + 20}">Lines every ${metres(gridM)}; north is up; WGS 84.</text>`;
}

/** Metres as people read them. */
export const metres = (length: number): string =>
  length >= 5_000 ? `${(length / 1_000).toLocaleString('en')} km` : `${length.toLocaleString('en')} m`;

/** The greatest of 1, 2, 5, 10, 20, … that is not above a value. */
export function niceBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([5, 2].find((step) => step * power <= value) ?? 1);
}

/** Words in lines of a width. */
function wrapped(text: string, widthPx: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`) <= widthPx) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
