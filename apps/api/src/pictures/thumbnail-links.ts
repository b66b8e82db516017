import type { Keyring, Principal } from '#access';
import { type LINK_SELECTORS, type Selected, type ThumbnailWidthPx, TokenExpired, Unauthenticated } from '#catalog';
import type { Database } from '#storage';
import { principalsNow } from '../keys/principals-now.js';

/** What a link shows, for whom it was made and until when. */
export interface LinkTerms {
  readonly cameraId: string;
  readonly width: ThumbnailWidthPx;
  /** Absent: the main view. */
  readonly preset?: string | undefined;
  /** Id of the principal whose rights are judged when it is used. */
  readonly by: string;
  /** Unix time, seconds. */
  readonly expiresAt: number;
}

export type LinkParts = Selected<typeof LINK_SELECTORS>;

/** Whether a request comes by a link at all. */
export const isLink = ({ exp, by, kid, sig }: LinkParts): boolean =>
  [exp, by, kid, sig].some((one) => one !== undefined);

/** Path and query of a link. */
export function linkTo(keyring: Keyring, terms: LinkTerms): string {
  const { kid, signature } = keyring.signLink(textOf(terms));
  const { cameraId, width, preset, by, expiresAt } = terms;
  const query = new URLSearchParams({
    width: String(width),
    ...(preset === undefined ? {} : { preset }),
    exp: String(expiresAt),
    by,
    kid,
    sig: signature,
  });
  return `/v1/cameras/${cameraId}/thumbnail?${query.toString()}`;
}

/**
 * Whoever made a link, with the rights that he has now: a link never shows what its maker would not see himself (security.md WEB-5).
 * @param now Unix time, milliseconds
 * @throws Unauthenticated for a link that is not whole, was changed or whose maker's key was revoked; TokenExpired
 */
export async function makerOf(
  { exp, by, kid, sig }: LinkParts,
  shown: Pick<LinkTerms, 'cameraId' | 'width' | 'preset'>,
  { db, keyring, now }: { readonly db: Database; readonly keyring: Keyring; readonly now: number },
): Promise<Principal> {
  if (exp === undefined || by === undefined || kid === undefined || sig === undefined) {
    throw new Unauthenticated('this link is not whole: it has exp, by, kid and sig');
  }
  const terms: LinkTerms = { ...shown, by, expiresAt: Number(exp) };
  if (String(terms.expiresAt) !== exp || !keyring.isSignedLink(textOf(terms), kid, sig)) {
    throw new Unauthenticated('this link was changed, or was not made here');
  }
  if (now >= terms.expiresAt * 1_000) throw new TokenExpired('this link has expired; ask for a new one');
  const maker = (await principalsNow(db, [by])).get(by);
  if (maker === undefined) throw new Unauthenticated('the key with which this link was made no longer holds');
  return maker;
}

/** JSON, so that no two terms read the same. */
const textOf = ({ cameraId, width, preset, by, expiresAt }: LinkTerms): string =>
  JSON.stringify([cameraId, width, by, expiresAt, ...(preset === undefined ? [] : [preset])]);
