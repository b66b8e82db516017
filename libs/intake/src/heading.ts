/** Where a camera looks, as words tell it. */
export interface Heading {
  readonly azimuthDeg: number;
  /** One sigma, degrees: 20 where four winds are told apart, 12 where eight are (domain.md section 5). */
  readonly azimuthAccuracyDeg: number;
  /** The words themselves. */
  readonly text: string;
}

const CHINESE_WINDS: Readonly<Record<string, number>> = {
  北: 0,
  東北: 45,
  北東: 45,
  東: 90,
  東南: 135,
  南東: 135,
  南: 180,
  西南: 225,
  南西: 225,
  西: 270,
  西北: 315,
  北西: 315,
};

const ENGLISH_WINDS: Readonly<Record<string, number>> = {
  north: 0,
  northeast: 45,
  east: 90,
  southeast: 135,
  south: 180,
  southwest: 225,
  west: 270,
  northwest: 315,
};

const WIND = '(?:north|south)(?:[ -]?(?:east|west))?|east|west';
/** Behind them a wind belongs to the name of a street or to the traffic. */
const STREET = '(?![ -](?:st|street|ave|avenue|rd|road|blvd|dr|drive|hwy|highway)\\b)';

const FORMS: readonly RegExp[] = [
  // 「(向西)」 stands in brackets; 向東路 is a street, 往西 and 西向 are where the traffic goes.
  /[(（]\s*向([東东南西北]{1,2})\s*[)）]/g,
  /^\s*向([東东南西北]{1,2})\s*$/g,
  new RegExp(`\\b(?:looking|facing) (${WIND})\\b${STREET}`, 'gi'),
  new RegExp(`\\b(${WIND}) facing\\b`, 'gi'),
];

/**
 * Where a camera looks by its name: `(向西)`, "Looking West", "West Facing". Null for traffic directions (`往西`, `南向`,
 * `NB`) and where two winds are named.
 */
export function headingOf(text: string): Heading | null {
  const found = FORMS.flatMap((form) => [...text.matchAll(form)]).flatMap(([words, wind = '']) => {
    const azimuthDeg = windOf(wind);
    return azimuthDeg === undefined ? [] : [{ azimuthDeg, text: words.trim() }];
  });
  const [first] = found;
  if (first === undefined || found.some(({ azimuthDeg }) => azimuthDeg !== first.azimuthDeg)) return null;
  return { ...first, azimuthAccuracyDeg: first.azimuthDeg % 90 === 0 ? 20 : 12 };
}

const windOf = (wind: string): number | undefined =>
  CHINESE_WINDS[wind.replaceAll('东', '東')] ?? ENGLISH_WINDS[wind.toLowerCase().replace(/[ -]/g, '')];
