import { Shown, Webhook, WebhookDelivery } from '#catalog';

/** One page of webhooks. */
export class WebhookPage {
  items!: Webhook[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}

/** One page of deliveries. */
export class WebhookDeliveryPage {
  items!: WebhookDelivery[];
  /** Address of this page. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** Address of the next page; null after the last. */
  @Shown({ type: ['string', 'null'], format: 'uri' }) next!: string | null;
}
