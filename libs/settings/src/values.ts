import { isIP } from 'node:net';

/** Text that is not a value: what was expected instead; or, for what this version cannot do, the whole sentence. */
export class Wrong {
  constructor(
    readonly expected: string,
    readonly sentence?: string,
  ) {}
}

/** Reads the text of one setting. */
export type Read<Value> = (text: string) => Value | Wrong;

/** Any text at all. */
export const anyText: Read<string> = (text) => text;

/** Something that the contract names and this version does not have. */
export const notYet =
  (sentence: string): Read<never> =>
  () =>
    new Wrong('nothing', sentence);

/** `on` or `off`, and nothing that merely looks like it. */
export const onOff: Read<boolean> = (text) =>
  text === 'on' || text === 'off' ? text === 'on' : new Wrong('on or off');

/** A plain decimal from min to max. */
export function whole(min: number, max: number, of = 'a whole number'): Read<number> {
  const expected = max === Number.MAX_SAFE_INTEGER ? `${of}, at least ${min}` : `${of} from ${min} to ${max}`;
  return (text) => {
    const value = Number(text);
    return /^\d{1,16}$/.test(text) && value >= min && value <= max ? value : new Wrong(expected);
  };
}

/** 0 = any free port. */
export const port = whole(0, 65_535, 'a port');

/** An address or host name to listen on. */
export const host: Read<string> = (text) =>
  isIP(text) > 0 || (text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) && !/^[\d.]+$/.test(text))
    ? text
    : new Wrong('an IP address or a host name');

export function oneOf<Word extends string>(words: readonly Word[]): Read<Word> {
  return (text) => words.find((word) => word === text) ?? new Wrong(`one of ${words.join(', ')}`);
}

/** Text of a form that the caller describes. */
export const form =
  (pattern: RegExp, expected: string): Read<string> =>
  (text) =>
    pattern.test(text) ? text : new Wrong(expected);

/** An address under one of the schemes, each with its colon; given back as it was written. */
export const url =
  (schemes: readonly string[], expected: string): Read<string> =>
  (text) =>
    URL.canParse(text) && schemes.includes(new URL(text).protocol) ? text : new Wrong(expected);

/** Where something of ours is reached over http(s): no name, query or fragment; without the slash at its end. */
export const webRoot: Read<string> = (text) => {
  const expected = 'an address such as https://cameras.example.org, without user, query and fragment';
  if (!URL.canParse(text) || /[?#]/.test(text)) return new Wrong(expected);
  const { protocol, username, password, origin, pathname } = new URL(text);
  if (!['http:', 'https:'].includes(protocol) || username !== '' || password !== '') return new Wrong(expected);
  return origin + (/^(.*[^/])?\/*$/.exec(pathname)?.[1] ?? '');
};

/** Origins of web pages, as browsers write them: no path, and no pattern. */
export const origins: Read<readonly string[]> = (text) => {
  const entries = text.split(',').map((entry) => entry.trim());
  const isOrigin = (entry: string): boolean =>
    URL.canParse(entry) && /^https?:$/.test(new URL(entry).protocol) && new URL(entry).origin === entry;
  return entries.every(isOrigin)
    ? entries
    : new Wrong('origins such as https://map.example.org, separated by commas, without a path');
};

/** Addresses and networks; one that holds every address is refused, since it would trust whoever asks (WEB-4). */
export const networks: Read<readonly string[]> = (text) => {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.every(isNetwork) ? entries : new Wrong('addresses or networks such as 10.1.0.0/16, none of them /0');
};

function isNetwork(text: string): boolean {
  const [address = '', bits, rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest !== undefined) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** The directory of `file:`; empty = the usual one. */
export const frameStore: Read<string> = (text) => {
  if (/^s3:/i.test(text)) {
    return new Wrong('file:', 'frames in an S3 store are not in this version yet; give file: and a directory');
  }
  const [, path] = /^file:(?:\/\/(?=\/))?((?!\/\/).*)$/s.exec(text) ?? [];
  return path !== undefined && !path.includes('\0')
    ? path
    : new Wrong('file: and a directory, such as file:/srv/frames');
};
