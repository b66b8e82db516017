import type { Status } from '#catalog';
import { Xml, xml } from './xml.js';

/** Tones of the wall, best first: each stands for several statuses. */
export const TONES = ['good', 'fair', 'bad', 'none'] as const;
export type Tone = (typeof TONES)[number];

const TONE_OF: Readonly<Record<Status, Tone>> = {
  online: 'good',
  degraded: 'fair',
  recovering: 'fair',
  suspect: 'fair',
  busy: 'fair',
  maintenance: 'fair',
  offline: 'bad',
  unreachable: 'bad',
  auth_failed: 'bad',
  unknown: 'none',
  disabled: 'none',
};

export const toneOf = (status: Status): Tone => TONE_OF[status];

/** A status in the words of the wall. */
export const inWords = (status: Status): string => status.replace('_', ' ');

/** Colours of the wall on paper; on a dark screen the same, lighter at the edges. Programs that know no media queries print the first. */
const STYLE = `
text { font: 12px Arial, Helvetica, 'Liberation Sans', 'Noto Sans CJK TC', sans-serif; fill: #14202b; }
.paper { fill: #fff; } .grid { stroke: #e6ebf0; } .frame { fill: none; stroke: #aab6c1; }
.title { font-size: 20px; font-weight: bold; } .head { font-weight: bold; } .soft { fill: #52616e; }
.good { fill: #1f7a3d; stroke: #1f7a3d; } .fair { fill: #8a6100; stroke: #8a6100; }
.bad { fill: #a32020; stroke: #a32020; } .none { fill: #2b3946; stroke: #2b3946; }
.ground { fill-opacity: .24; stroke-width: 1; stroke-opacity: .75; stroke-linejoin: round; }
path.reach { fill: none; stroke-width: 1.3; stroke-dasharray: 6 4; }
.mark { stroke: #fff; stroke-width: 1.4; stroke-linejoin: round; } .mark .sign { fill: none; stroke-width: 1.6; }
.leader { stroke: #7b8995; stroke-width: .8; } .ink { fill: none; stroke: #14202b; stroke-width: 1.4; } .solid { fill: #14202b; }
.name { stroke: #fff; stroke-width: 3px; stroke-linejoin: round; paint-order: stroke; }
@media screen and (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .paper { fill: #10161c; } .grid { stroke: #1d2730; } .frame { stroke: #3a4a58; } .soft { fill: #a9b6c2; }
.good { fill: #2f9e54; stroke: #48bd70; } .fair { fill: #b98510; stroke: #d9a536; }
.bad { fill: #c93a3a; stroke: #f07a72; } .none { fill: #5c7082; stroke: #8496a6; }
.mark { stroke: #10161c; } .mark .sign { stroke: #fff; } .name { stroke: #10161c; } .ink { stroke: #e6edf3; } .solid { fill: #e6edf3; }
}`;

export const STYLE_ELEMENT: Xml = new Xml(`<style>${STYLE}\n</style>`);

/** Drawn into a mark, so that tones differ without colour too. */
const SIGNS: Readonly<Record<Tone, Xml>> = {
  good: xml``,
  fair: xml`<path class="sign" d="M-2.6 0H2.6"/>`,
  bad: xml`<path class="sign" d="M-2 -2L2 2M-2 2L2 -2"/>`,
  none: xml`<circle class="sign" r="1.6"/>`,
};

/** A camera; its tip points where it looks. */
export function mark([x, y]: readonly [x: number, y: number], tone: Tone, azimuthDeg: number | null): Xml {
  const tip = azimuthDeg === null ? xml`` : xml`<path d="M0 -15L5 -3H-5Z" transform="rotate(${azimuthDeg})"/>`;
  return xml`<g class="mark ${tone}" transform="translate(${x} ${y})">${tip}<circle r="5.2"/>${SIGNS[tone]}</g>`;
}
