import type { Flag } from '#catalog';
import type { FlagMemory, Measured } from './picture-state.js';
import { WHY } from './unknowable.js';

interface Words {
  readonly fault: (measured: Measured) => string;
  readonly fine: string;
}

/** What the person on call reads of each flag. No word of these comes from a camera: strangers read them. */
const WORDS: Readonly<Record<Flag, Words>> = {
  placeholder: {
    fault: ({ cameras, isSourceGone }) =>
      cameras !== undefined
        ? `a card is shown instead of the view: ${cameras} cameras show the very same picture`
        : isSourceGone !== undefined
          ? 'what serves the picture says that it has lost its camera, and shows a card'
          : 'a drawn card is shown instead of the view: large parts of the picture are of one colour, and nothing moves',
    fine: 'the picture is no card',
  },
  black: {
    fault: ({ mean }) => `the picture is black (mean grey ${shown(mean)} of 255)`,
    fine: 'the picture is not black',
  },
  flat: { fault: () => 'the picture is of one colour', fine: 'the picture is not of one colour' },
  covered: {
    fault: ({ sd }) => `something covers the lens: hardly anything is left of the view (contrast ${shown(sd)})`,
    fine: 'the lens is free',
  },
  overexposed: {
    fault: ({ mean }) => `the picture is far too bright (mean grey ${shown(mean)} of 255)`,
    fine: 'the picture is not too bright',
  },
  dark: {
    fault: ({ mean, sunElevationDeg }) =>
      `the picture is dark (mean grey ${shown(mean)} of 255) although the sun stands ${shown(sunElevationDeg)}° high`,
    fine: 'the picture is as bright as the day',
  },
  blurred: {
    fault: ({ sharpnessShare }) =>
      `the picture is blurred: ${percent(sharpnessShare)} of the sharpness of the reference view are left`,
    fine: 'the picture is sharp enough',
  },
  moved: {
    fault: ({ likeness }) =>
      `the camera looks elsewhere: the outlines of the picture do not fit those of the reference view (likeness ${shown(likeness)})`,
    fine: 'the picture shows the view of the reference',
  },
  frozen: {
    fault: ({ sameS, changingCells }) =>
      `the picture has not changed for ${inWords(sameS ?? 0)}${changingCells === undefined ? '' : ', but for a clock or the like'}`,
    fine: 'the picture changes',
  },
  stale: {
    fault: ({ sourceAgeS }) => `the picture was taken ${inWords(sourceAgeS ?? 0)} ago, as its source says itself`,
    fine: 'the picture is of now',
  },
  no_frame: {
    fault: ({ waitedS }) => `the device answers, but no picture has come for ${inWords(waitedS ?? 0)}`,
    fine: 'pictures come',
  },
  low_fps: {
    fault: ({ gapS, declaredGapS }) =>
      `pictures come every ${shown(gapS)} s, ${shown((gapS ?? 0) / (declaredGapS ?? 1))} times as seldom as declared`,
    fine: 'pictures come as often as declared',
  },
  clock_skew: {
    fault: ({ offS }) =>
      `the device's clock is ${inWords(Math.abs(offS ?? 0))} ${(offS ?? 0) < 0 ? 'behind' : 'ahead'}`,
    fine: "the device's clock is right",
  },
};

/** One sentence on a flag, for the person on call. */
export function saysOf(flag: Flag, { state, measured, why, good, bad }: FlagMemory): string {
  switch (state) {
    case 'fault':
      return WORDS[flag].fault(measured) + (good > 0 ? '; the last picture was good again, one more is awaited' : '');
    case 'fine':
      return bad > 0 ? WHY.pending : WORDS[flag].fine;
    case 'not_checkable':
      return WHY[why ?? 'not_yet'];
    default:
      return state satisfies never;
  }
}

const shown = (value = 0): string => String(Number(value.toFixed(Math.abs(value) < 10 ? 1 : 0)));
const percent = (share = 0): string => `${Math.round(share * 100)} %`;

function inWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3_600) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3_600)} hours` : `${Math.round(seconds / 86_400)} days`;
}
