import { createHash } from 'node:crypto';
import { PreconditionRequired, VersionMismatch } from '#catalog';

/**
 * Strong tag of one representation: `"<version>.<hash>"`. The hash covers the bytes, health included, so that a 304 is
 * never a lie; `If-Match` looks at the version alone, so that a probe between GET and PATCH is no lost update.
 */
export const etagOf = (version: number, body: string): string => `"${version}.${shortHash(body)}"`;

/** Strong tag of something that has no version of its own. */
export const bodyTagOf = (body: string | Buffer): string => `"${shortHash(body)}"`;

const shortHash = (body: string | Buffer): string => createHash('sha1').update(body).digest('base64url').slice(0, 12);

const tagsOf = (header: string): readonly string[] => header.match(/(?:W\/)?"[^"]*"/g) ?? [];

/** Whether the client's copy is current (RFC 9110 13.1.2: weak comparison). */
export function isCurrent(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return tagsOf(ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === etag);
}

/** Whether the client will have nothing that was kept on the way (RFC 9111 5.2.1). */
export const wantsAnew = (cacheControl: string | undefined): boolean =>
  cacheControl !== undefined && /(?:^|,)\s*(?:no-cache|no-store|max-age\s*=\s*"?0+"?)\s*(?:,|$)/i.test(cacheControl);

/**
 * Lets a change through that was made for the version there is.
 * @throws PreconditionRequired without the header
 * @throws VersionMismatch for another version, and for weak tags, which never match (RFC 9110 13.1.1)
 */
export function requireMatch(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined) {
    throw new PreconditionRequired('send the ETag of the document as If-Match, or * to overwrite whatever there is');
  }
  if (ifMatch.trim() === '*') return;
  const tags = tagsOf(ifMatch);
  if (tags.some((tag) => new RegExp(`^"${version}(?:\\.[^"]*)?"$`).test(tag))) return;
  const weak = tags.some((tag) => tag.startsWith('W/')) ? '; a weak tag (W/) never matches' : '';
  throw new VersionMismatch(`the document has version ${version} now, not that of If-Match${weak}`, version);
}
