import { AccessRequest, Shown } from '#catalog';

/** One page of requests for access. */
export class AccessRequestPage {
  items!: AccessRequest[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
