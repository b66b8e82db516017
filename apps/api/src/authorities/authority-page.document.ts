import { Authority, Shown } from '#catalog';

/** One page of authorities. */
export class AuthorityPage {
  items!: Authority[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
