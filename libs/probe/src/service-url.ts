import type { ServiceKind, VapixDocument } from '#catalog';

/** Arguments of a VAPIX request in the order in which they are added, and the member that states each. */
const ARGUMENTS = [
  ['resolution', 'resolution'],
  ['compression', 'compression'],
  ['fps', 'fps'],
  ['camera', 'camera'],
  ['streamprofile', 'streamProfile'],
] as const satisfies readonly (readonly [argument: string, member: keyof VapixDocument])[];

/**
 * The URL of a request: the registered one byte for byte, plus each VAPIX argument that is stated and that it lacks. Every other set
 * of arguments would be one more encoder in the device (Axis), so nothing else is ever added. `fps` is of streams only.
 */
export function requestUrl(url: string, vapix: VapixDocument | undefined, kind: ServiceKind): string {
  if (vapix === undefined || (kind !== 'mjpeg' && kind !== 'snapshot')) return url;
  const query = /\?(.*)$/s.exec(url)?.[1];
  const present = new Set((query ?? '').split('&').map((argument) => argument.split('=', 1)[0]?.toLowerCase()));
  const added = ARGUMENTS.flatMap(([argument, member]) => {
    const value = vapix[member];
    if (value === undefined || present.has(argument) || (argument === 'fps' && kind !== 'mjpeg')) return [];
    return [`${argument}=${encoded(String(value))}`];
  });
  if (added.length === 0) return url;
  const joint = query === undefined ? '?' : query === '' || query.endsWith('&') ? '' : '&';
  return `${url}${joint}${added.join('&')}`;
}

/** The name of a stream profile is any text, half a surrogate pair included, at which `encodeURIComponent` throws. */
const encoded = (text: string): string => encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'));
