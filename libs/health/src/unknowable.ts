/** Why a flag cannot be judged, in words. */
export const WHY = {
  not_yet: 'it has not been judged yet',
  pending: 'it looks so, but not for long enough to be sure',
  one_picture: 'one picture says nothing of change; the next is awaited',
  no_picture: 'pictures of this service cannot be looked at',
  no_detail: 'the picture has too little detail',
  outranked: 'another flag explains what the picture shows',
  turns: 'the camera turns, so its pictures are not compared with a reference',
  no_reference: 'there is no reference view yet',
  no_reference_in_light: 'there is no reference view in this light yet',
  faint_reference: 'the reference view has much less contrast than the picture; accept the present view',
  low_contrast: 'the picture has too little contrast to be compared with its reference view',
  same_picture: 'the picture has not changed since the reference view did',
  low_sun: 'the sun is not high enough for a dark picture to mean anything',
  not_reached: 'the device does not answer',
  no_source_time: 'the source does not say when its pictures are taken',
  fixed_source_time: 'the time that the source states does not move with its pictures',
  no_device_time: 'the device does not tell its time',
  no_declared_rate: 'no rate of pictures is declared for this service',
  no_measured_rate: 'the rate of pictures has not been measured yet',
} as const;
export type Unknowable = keyof typeof WHY;

/** Reasons that pass by themselves, such as the light: a fault that was found stays until it is seen to be gone. */
export const PASSING: readonly Unknowable[] = ['no_detail', 'no_reference_in_light', 'low_contrast', 'same_picture'];
