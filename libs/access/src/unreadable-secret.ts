/** Why a sealed secret does not open: its key is not here; a newer program wrote it; or it was changed or moved. */
export type UnreadableReason = 'unknown_kid' | 'unknown_format' | 'not_authentic';

/** A sealed secret does not open. The camera is not asked (`credential_unreadable`), the webhook not told; everything else goes on. */
export class UnreadableSecret extends Error {
  override readonly name = 'UnreadableSecret';
  constructor(
    readonly reason: UnreadableReason,
    readonly kid: string,
    options?: ErrorOptions,
  ) {
    super(`the sealed secret under key ${kid} does not open: ${reason}`, options);
  }
}
