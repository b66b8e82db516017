import { Grant, Shown } from '#catalog';

/** One page of grants. */
export class GrantPage {
  items!: Grant[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
