/** Ends what the set-up of this run started. */
export default async function tearDown(): Promise<void> {
  const shared = globalThis as { stopTestEngine?: (() => Promise<void>) | undefined };
  await shared.stopTestEngine?.();
  shared.stopTestEngine = undefined;
}
