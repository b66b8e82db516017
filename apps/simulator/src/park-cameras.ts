import type { CameraRegistration } from '#catalog';
import { digest, type Line, near, type StreetCamera, streetCamera } from './street-camera.js';

const USUAL: Partial<CameraRegistration> = {
  usage: ['surveillance', 'flood'],
  access: { purposes: ['disaster_response', 'public_information'], personalData: 'possible' },
  address: { country: 'TW', city: 'Tainan', district: 'Sinshih', street: 'Park Avenue' },
};

const mast = (id: string, side: string, zh: string, azimuthDeg: number): Line => ({
  id,
  en: `Park mast, ${side}`,
  zh: `園區桅杆${zh}`,
  at: near(1_490, 1_092),
  looks: [azimuthDeg, -14, 80],
  heightM: 12,
  farM: 200,
  kinds: ['mjpeg', 'snapshot'],
  head: 'mast-1',
  more: { mount: 'mast', siteId: 'mast-1' },
});

const LINES: readonly Line[] = [
  mast('mast-1-n', 'north', '北', 0),
  mast('mast-1-e', 'east', '東', 90),
  mast('mast-1-s', 'south', '南', 180),
  mast('mast-1-w', 'west', '西', 270),
  {
    id: 'gate',
    en: 'Park gate',
    zh: '園區大門',
    at: near(1_060, 1_100),
    looks: [90, -9, 58],
    heightM: 6,
    farM: 150,
    signIn: { scheme: 'basic', username: 'guard', password: 'park:gate' },
  },
  {
    id: 'loop',
    en: 'Park Loop, north',
    zh: '園區環路北段',
    at: near(1_500, 1_380),
    looks: [0, -10, 60],
    heightM: 7,
    farM: 150,
    kinds: ['snapshot'],
    fileS: 5,
  },
  {
    id: 'east-lot',
    en: 'East car park',
    zh: '東側停車場',
    at: near(1_720, 1_100),
    looks: [270, -10, 60],
    heightM: 7,
    farM: 150,
    signIn: digest('MD5'),
    fault: 'unauthorized',
  },
  {
    id: 'north-lot',
    en: 'North car park',
    zh: '北側停車場',
    at: near(1_500, 1_560),
    looks: [180, -10, 60],
    heightM: 7,
    farM: 150,
    fault: 'refused',
  },
  {
    id: 'plant',
    en: 'Power plant',
    zh: '發電廠',
    at: near(1_380, 1_180),
    looks: [140, -10, 60],
    heightM: 7,
    farM: 150,
    fault: 'not_found',
  },
];

/** Cameras of a private park beside the town. */
export const PARK_CAMERAS: readonly StreetCamera[] = LINES.map((line) => streetCamera('demo-park', USUAL, line));
