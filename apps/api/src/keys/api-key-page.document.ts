import { ApiKey, Shown } from '#catalog';

/** One page of API keys. */
export class ApiKeyPage {
  items!: ApiKey[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
