/**
 * The part of an `AbortSignal` that dialling and reading listen to. A probe makes a signal of its own, and Node's costs a fifteenth of a whole
 * probe (Node 20, measured).
 */
export interface Ending {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Fires once, with a reason. Listeners are called in the order in which they came, each once. */
export class EndSignal<Reason> implements Ending {
  #reason: Reason | null = null;
  readonly #listeners = new Set<() => void>();

  /** Why it fired; null as long as it has not. */
  get reason(): Reason | null {
    return this.#reason;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  /** The first reason stays. */
  end(reason: Reason): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    for (const listener of this.#listeners) {
      this.#listeners.delete(listener);
      listener();
    }
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }
}

/** Who is told of the end of a signal that many wait for. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when a signal fires that has not yet. As many probes as there are share one: it has one listener for all of them.
 * @returns how to wait no more
 */
export function onceAborted(signal: AbortSignal, listener: () => void): () => void {
  let all = listeners.get(signal);
  if (all === undefined) {
    const told = new Set<() => void>();
    signal.addEventListener('abort', () => told.forEach((one) => one()), { once: true });
    listeners.set(signal, told);
    all = told;
  }
  all.add(listener);
  return () => void all.delete(listener);
}
