/** Tiles of heights held for the next questions, bytes: 256 tiles. */
const MOST_BYTES = 64 * 1_048_576;

/** What a tile is held under. */
type TileName = string;

/** Tiles used of late, by name; null stands for one of which it is known that there is none. Each is loaded once, however many ask for it at once. */
export class TileCache {
  private readonly held = new Map<TileName, Float32Array | null>();
  private readonly loading = new Map<TileName, Promise<Float32Array | null>>();
  private bytes = 0;

  /** @param mostBytes held at most */
  constructor(private readonly mostBytes = MOST_BYTES) {}

  /**
   * These tiles, in the order of their names.
   * @param load those that are not held, in their order
   */
  async get(
    names: readonly TileName[],
    load: (names: readonly TileName[]) => readonly Promise<Float32Array | null>[],
  ): Promise<readonly (Float32Array | null)[]> {
    const missing = [...new Set(names)].filter((name) => !this.held.has(name) && !this.loading.has(name));
    const loads = load(missing);
    missing.forEach((name, i) => {
      const tile = loads[i] ?? Promise.resolve(null);
      this.loading.set(name, tile);
      tile.then(
        (heights) => this.keep(name, heights),
        () => this.loading.delete(name),
      );
    });
    return Promise.all(names.map(async (name) => this.loading.get(name) ?? this.touch(name)));
  }

  /** A tile, if it is held. */
  peek(name: TileName): Float32Array | null {
    return this.held.get(name) ?? null;
  }

  /** The one used last goes last. */
  private touch(name: TileName): Float32Array | null {
    const tile = this.held.get(name) ?? null;
    this.held.delete(name);
    this.held.set(name, tile);
    return tile;
  }

  private keep(name: TileName, tile: Float32Array | null): void {
    this.loading.delete(name);
    this.held.set(name, tile);
    this.bytes += costOf(tile);
    for (const [oldest, old] of this.held) {
      if (this.bytes <= this.mostBytes) break;
      this.held.delete(oldest);
      this.bytes -= costOf(old);
    }
  }
}

/** A tile that is not there costs its entry. */
const costOf = (tile: Float32Array | null): number => (tile?.byteLength ?? 0) + 256;
