import { type Fault, type FRAME_SELECTORS, InvalidParameter, isMoment, NotFound, type Selected } from '#catalog';

const DAY_MS = 86_400_000;

/** The time that a question about the history of pictures means, RFC 3339. @throws InvalidParameter */
export function askedFrames(
  { from, to }: Selected<typeof FRAME_SELECTORS>,
  now: number,
): { readonly from: string; readonly to: string } {
  const end = to === undefined ? now : Date.parse(to);
  const begin = from === undefined ? end - DAY_MS : Date.parse(from);
  const faults: Fault[] = [
    ...(begin < 0 ? [{ parameter: 'from', code: 'range', detail: 'expected a time since 1970' } as const] : []),
    ...(begin >= end
      ? [{ parameter: 'from', code: 'range', detail: 'expected a time before to, which is now where absent' } as const]
      : []),
  ];
  if (faults.length > 0) throw new InvalidParameter(faults);
  return { from: new Date(begin).toISOString(), to: new Date(end).toISOString() };
}

/** The moment in a frame's address, RFC 3339. @throws NotFound for what is none: there is no frame of that name */
export function momentOf(text: string): string {
  const at = isMoment(text) ? Date.parse(text) : -1;
  if (at < 0) throw new NotFound('no frame has this name; frames are named by when they were captured, in RFC 3339');
  return new Date(at).toISOString();
}
