/** Longitude and latitude, degrees, WGS 84. */
export type LonLat = readonly [lon: number, lat: number];

/** East and north of a camera's foot, metres. */
export type EastNorth = readonly [eastM: number, northM: number];

/** A point in the moving axes of a camera, metres: image right, image down, depth. */
export type Seen = readonly [rightM: number, downM: number, depthM: number];

/** Where a simulated camera stands and what its pinhole lens takes in; angles as contract.md has them. */
export interface Pose {
  readonly position: LonLat;
  /** Lens above the ground, metres. */
  readonly heightM: number;
  readonly azimuthDeg: number;
  readonly tiltDeg: number;
  readonly hfovDeg: number;
}

/** Size of a picture, pixels. */
export interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Semi-major axis and first eccentricity squared of WGS 84; mean radius; refraction (view.md, section 2). */
const A = 6_378_137;
const E2 = 0.006_694_379_990_14;
const R = 6_371_008.8;
const REFRACTION = 1 / 7;

const rad = (deg: number): number => (deg * Math.PI) / 180;

/** Where `to` lies seen from `from`, metres east and north on the ellipsoid at mid-latitude (view.md, section 2). */
export function eastNorth(from: LonLat, to: LonLat): EastNorth {
  const midLat = rad((from[1] + to[1]) / 2);
  const w2 = 1 - E2 * Math.sin(midLat) ** 2;
  const n = A / Math.sqrt(w2);
  const m = (A * (1 - E2)) / w2 ** 1.5;
  const lon = rad(to[0] - from[0]);
  const eb = n * Math.cos(midLat) * lon;
  const nb = m * rad(to[1] - from[1]);
  const g = (lon / 2) * Math.sin(midLat);
  return [eb * Math.cos(g) - nb * Math.sin(g), eb * Math.sin(g) + nb * Math.cos(g)];
}

/** The place so many metres east and north of another; exact to a centimetre within five kilometres. */
export function offset([lon, lat]: LonLat, eastM: number, northM: number): LonLat {
  const w2 = 1 - E2 * Math.sin(rad(lat)) ** 2;
  const m = (A * (1 - E2)) / w2 ** 1.5;
  const toLat = lat + ((northM / m) * 180) / Math.PI;
  const midW2 = 1 - E2 * Math.sin(rad((lat + toLat) / 2)) ** 2;
  const metresPerRad = (A / Math.sqrt(midW2)) * Math.cos(rad((lat + toLat) / 2));
  return [lon + ((eastM / metresPerRad) * 180) / Math.PI, toLat];
}

/** A camera's pinhole without roll: turns places into pixels of one picture size and back (view.md, sections 1 to 3). */
export class Projection {
  /** Optical axis, image right and image down in east, north, up. */
  readonly forward: Seen;
  readonly right: Seen;
  readonly down: Seen;
  /** Focal length in pixels; the pixels are square. */
  readonly focalPx: number;
  readonly centreX: number;
  readonly centreY: number;

  constructor(
    readonly pose: Pose,
    readonly size: Size,
  ) {
    const [azimuth, tilt] = [rad(pose.azimuthDeg), rad(pose.tiltDeg)];
    const [sa, ca, st, ct] = [Math.sin(azimuth), Math.cos(azimuth), Math.sin(tilt), Math.cos(tilt)];
    this.forward = [sa * ct, ca * ct, st];
    this.right = [ca, -sa, 0];
    this.down = [st * sa, st * ca, -ct];
    this.focalPx = size.widthPx / 2 / Math.tan(rad(pose.hfovDeg) / 2);
    this.centreX = size.widthPx / 2;
    this.centreY = size.heightPx / 2;
  }

  /** A point given in metres east and north of the camera's foot and above its ground, in the camera's axes. */
  seen([eastM, northM]: EastNorth, aboveM = 0): Seen {
    const upM = aboveM - this.pose.heightM - ((1 - REFRACTION) * (eastM ** 2 + northM ** 2)) / (2 * R);
    return [
      dot(this.right, eastM, northM, upM),
      dot(this.down, eastM, northM, upM),
      dot(this.forward, eastM, northM, upM),
    ];
  }

  /** Pixel of a point in the camera's axes; meaningless unless its depth is positive. */
  pixel([rightM, downM, depthM]: Seen): readonly [x: number, y: number] {
    return [this.centreX + (this.focalPx * rightM) / depthM, this.centreY + (this.focalPx * downM) / depthM];
  }

  /** Pixel of a place at a height above the ground; null behind the camera. The pixel may lie outside the picture. */
  pixelOf(place: LonLat, aboveM = 0): readonly [x: number, y: number] | null {
    const seen = this.seen(eastNorth(this.pose.position, place), aboveM);
    return seen[2] > 0 ? this.pixel(seen) : null;
  }

  /** What one pixel to the right adds to a ray: east and north; nothing upwards, since there is no roll. */
  get step(): EastNorth {
    return [this.right[0] / this.focalPx, this.right[1] / this.focalPx];
  }

  /** Direction of the ray through a pixel in east, north, up; its depth is 1. */
  ray(x: number, y: number): Seen {
    const a = (x - this.centreX) / this.focalPx;
    const b = (y - this.centreY) / this.focalPx;
    return [
      this.forward[0] + a * this.right[0] + b * this.down[0],
      this.forward[1] + a * this.right[1] + b * this.down[1],
      this.forward[2] + a * this.right[2] + b * this.down[2],
    ];
  }
}

const dot = (axis: Seen, e: number, n: number, u: number): number => axis[0] * e + axis[1] * n + axis[2] * u;
