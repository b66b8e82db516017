export * from './directory-store.js';
export { keyOf, isKey, StoreFull, type FrameStore, type StoredKind } from './frame-store.js';
export * from './height-tile.js';
export { scanHash, statedSize, withoutMetadata } from './jpeg-bytes.js';
export { PictureError, type PictureFault } from './picture-decoder.js';
export * from './pictures.js';
export { GREY_HEIGHT_PX, GREY_WIDTH_PX, type Signals } from './signals.js';
export * from './thumbnail-cache.js';
