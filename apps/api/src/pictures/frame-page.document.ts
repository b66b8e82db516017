import { KeptFrame, Shown } from '#catalog';

/** One page of the history of pictures. */
export class FramePage {
  items!: KeptFrame[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
