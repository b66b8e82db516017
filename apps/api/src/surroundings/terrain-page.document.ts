import { Shown, TerrainRaster } from '#catalog';

/** One page of rasters of heights. */
export class TerrainPage {
  items!: TerrainRaster[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
