import { describe, expect, test } from '@jest/globals';
import { cameraFaults, CameraRegistration, check, publicDocument, withDefaults } from '#catalog';

const stated = (access: object): object => ({
  authority: 'wrb',
  localId: '1',
  name: 'Sinshih bridge',
  location: { type: 'Point', coordinates: [120.29, 23.08] },
  services: [{ kind: 'mjpeg', url: 'http://10.1.2.3/video' }],
  access,
});

function faultsOf(access: object): readonly (readonly [pointer: string | undefined, code: string])[] {
  const result = check(CameraRegistration, stated(access));
  const faults = 'problems' in result ? result.problems : cameraFaults(result.document);
  return faults.map(({ pointer, code }) => [pointer, code]);
}

const WHOLE = {
  level: 'agency',
  purposes: ['disaster_response'],
  conditions: 'no recording',
  requestUrl: 'https://wrb.example/ask',
  thumbnails: 'blurred',
  publicMaxWidthPx: 320,
  publicDelayS: 60,
  retentionS: 86_400,
  personalData: 'possible',
  legalBasis: 'Water Act, article 7',
  controller: 'Water Resources Bureau',
  noticeUrl: 'https://wrb.example/notice',
  dpiaRef: 'DPIA 2026/4',
  privacyMasks: [
    {
      points: [
        [0, 0],
        [0.2, 0],
        [0.2, 0.3],
      ],
    },
  ],
};

describe('PRIV-1: what a camera says of privacy', () => {
  test('is taken whole', () => {
    expect(faultsOf(WHOLE)).toEqual([]);
  });

  test('is shown to everybody who knows the camera, but for where the masks lie', () => {
    const result = check(CameraRegistration, stated(WHOLE));
    if ('problems' in result) throw new Error('these are right');
    const { privacyMasks: _masks, ...open } = WHOLE;
    expect(publicDocument(withDefaults(result.document, { slug: 'wrb' })).access).toEqual(open);
  });

  test.each<[object, string, string]>([
    [{ level: 'secret' }, '/access/level', 'enum'],
    [{ thumbnails: 'none' }, '/access/thumbnails', 'enum'],
    [{ purposes: ['fun'] }, '/access/purposes', 'enum'],
    [{ personalData: true }, '/access/personalData', 'enum'],
    [{ noticeUrl: 'javascript:alert(1)' }, '/access/noticeUrl', 'format'],
    [{ publicMaxWidthPx: 100 }, '/access/publicMaxWidthPx', 'range'],
    [{ publicDelayS: -1 }, '/access/publicDelayS', 'range'],
    [
      {
        privacyMasks: [
          {
            points: [
              [0, 0],
              [1, 0],
            ],
          },
        ],
      },
      '/access/privacyMasks/0/points',
      'geometry',
    ],
    [
      {
        privacyMasks: [
          {
            points: [
              [0, 0],
              [1.1, 0],
              [1, 1],
            ],
          },
        ],
      },
      '/access/privacyMasks/0/points',
      'range',
    ],
  ])('%j is refused', (access, pointer, code) => {
    expect(faultsOf(access)).toContainEqual([pointer, code]);
  });
});

describe('PRIV-3: pictures kept for more than 72 hours', () => {
  test.each<[object, unknown[]]>([
    [{ retentionS: 259_200 }, []],
    [{ retentionS: 259_201 }, [['/access/legalBasis', 'required']]],
    [{ retentionS: 259_201, legalBasis: 'Water Act, article 7' }, []],
  ])('%j', (access, faults) => {
    expect(faultsOf(access)).toEqual(faults);
  });
});
