import { Shown } from './member-schema.js';

const pixels = { type: 'integer', minimum: 1 } as const;

/** A picture of the history. */
export class KeptFrame {
  /** When the camera was seen to show it, RFC 3339 UTC; by it the picture is asked for. */
  @Shown({ type: 'string', format: 'date-time' }) capturedAt!: string;
  /** Width of the picture as it is kept, pixels; what is served may be smaller. */
  @Shown(pixels) widthPx!: number;
  /** Its height, pixels. */
  @Shown(pixels) heightPx!: number;
  /** Address of the picture; `width` may be added. */
  @Shown({ type: 'string', format: 'uri' }) href!: string;
}
