import { ListedAuditEntry, Shown } from '#catalog';

/** One page of the audit. */
export class AuditPage {
  items!: ListedAuditEntry[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
