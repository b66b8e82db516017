import { createHash } from 'node:crypto';
import type { HeldPicture, HeldPictures } from '#storage';
import type { Outage } from './outage.js';

/** Pictures of which it is remembered at how many services they were held, and for how long, milliseconds. */
const REMEMBERED = 4_096;
const FRESH_MS = 30_000;
/** How long questions and news wait for others, milliseconds. */
const GATHER_MS = 50;

interface Question {
  readonly scanHash: string;
  readonly answer: (services: number | null) => void;
}

/**
 * Which pictures are cards: shown, without a change, by several cameras, whichever prober asked them. Asked only of pictures that came
 * twice, which living cameras never send; a database that is away costs the answer, and no probe.
 */
export class Cards {
  private readonly known = new Map<string, { readonly services: number; readonly at: number }>();
  /** Told already, by camera: what it holds. */
  private readonly told = new Map<string, string>();
  private questions: Question[] = [];
  private news: HeldPicture[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly pictures: HeldPictures,
    private readonly outage: Outage,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** At how many services a picture was held; null where the database does not answer. */
  services(scanHash: string): Promise<number | null> {
    const known = this.known.get(scanHash);
    if (known !== undefined && this.now() - known.at < FRESH_MS) return Promise.resolve(known.services);
    return new Promise((answer) => {
      this.questions.push({ scanHash, answer });
      this.gather();
    });
  }

  /** A camera shows a picture for longer than a picture lasts. */
  held(cameraId: string, scanHash: string, url: string): void {
    if (this.told.get(cameraId) === scanHash) return;
    keep(this.told, cameraId, scanHash);
    this.news.push({
      cameraId,
      scanHash,
      serviceHash: createHash('sha256').update(url).digest('base64url').slice(0, 22),
    });
    this.gather();
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    await this.flush();
  }

  private gather(): void {
    this.timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  private async flush(): Promise<void> {
    this.timer = null;
    const [questions, news] = [this.questions, this.news];
    this.questions = [];
    this.news = [];
    try {
      if (news.length > 0) await this.pictures.add(news);
      const asked = [...new Set(questions.map(({ scanHash }) => scanHash))];
      const services = asked.length === 0 ? new Map<string, number>() : await this.pictures.services(asked);
      for (const scanHash of asked)
        keep(this.known, scanHash, { services: services.get(scanHash) ?? 0, at: this.now() });
      for (const { scanHash, answer } of questions) answer(services.get(scanHash) ?? 0);
      this.outage.worked();
    } catch (error) {
      // Said again when the picture is held still.
      for (const { cameraId } of news) this.told.delete(cameraId);
      for (const { answer } of questions) answer(null);
      this.outage.failed(error);
    }
  }
}

/** Keeps the newest. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest);
}
