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

/** Who waits for the end of a signal that many share, and the one listener that it has for all of them. */
const waiting = new WeakMap<AbortSignal, { readonly told: Set<() => void>; readonly tell: () => void }>();

/**
 * Calls back once when a signal fires that has not yet. As many probes as there are share one, which costs less, and warns of nothing, where it has
 * one listener.
 * @returns how to wait no more
 */
export function onceAborted(signal: AbortSignal, listener: () => void): () => void {
  const { told, tell } = waiting.get(signal) ?? begun(signal);
  told.add(listener);
  return () => {
    if (!told.delete(listener) || told.size > 0) return;
    signal.removeEventListener('abort', tell);
    waiting.delete(signal);
  };
}

function begun(signal: AbortSignal) {
  const told = new Set<() => void>();
  const tell = (): void => told.forEach((one) => one());
  signal.addEventListener('abort', tell, { once: true });
  waiting.set(signal, { told, tell });
  return { told, tell };
}
