/** One segment of a JPEG file as the splitter walked it: the marker byte after FF, and its bytes [start, end). */
export interface JpegSegment {
  readonly marker: number;
  readonly start: number;
  readonly end: number;
}

/** A whole JPEG as pulled from a camera, with what walking it showed. Never served as it is. */
export interface Frame {
  readonly bytes: Buffer;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Every segment in file order; scan data belongs to the SOS segment before it. */
  readonly segments: readonly JpegSegment[];
  /** The camera ended the picture without its end marker; a decoder needs FF D9 appended. */
  readonly noEoi: boolean;
}
