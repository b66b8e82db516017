import type { Attempt, ProbeResult } from './attempt.js';
import { askForPictures } from './exchange.js';
import { takeFrame } from './take-frame.js';

/**
 * Probes an MJPEG stream: its first whole frame is the evidence. Where that frame is damaged the second one decides, since cameras that
 * wake up send a dark or torn one first (go2rtc#1657).
 */
export async function probeMjpeg(attempt: Attempt): Promise<ProbeResult> {
  const pictures = await askForPictures(attempt, []);
  if (pictures === 'unchanged') throw new Error('bug: a stream was asked for conditionally');
  return takeFrame(attempt, pictures, 2);
}
