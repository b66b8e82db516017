import {
  ATTRIBUTE_SELECTORS,
  below,
  type CameraFilter,
  type CameraSearch,
  InvalidParameter,
  type Lifecycle,
  readQuery,
  UnknownParameter,
  ValidationFailed,
} from '#catalog';

/**
 * The cameras that count, as a search. Without a word about lifecycles those of `usual` count.
 * @throws ValidationFailed at the member that is wrong
 */
export function searchOf(filter: CameraFilter | undefined, usual: readonly Lifecycle[]): CameraSearch {
  try {
    const search = readQuery(ATTRIBUTE_SELECTORS, filter ?? {});
    return { ...search, lifecycle: search.lifecycle ?? usual };
  } catch (error) {
    if (error instanceof UnknownParameter || error instanceof InvalidParameter) {
      throw new ValidationFailed(
        error.faults.map(({ parameter = '', code, detail }) => ({
          pointer: below('/filter', parameter),
          code,
          detail,
        })),
      );
    }
    throw error;
  }
}
