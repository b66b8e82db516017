import type { ServiceDocument } from '#catalog';
import { Pictures } from '#frames';
import { DEFAULT_LIMITS, NonceCache, probe, type ProbeLimits, type ProbeResult, type ServiceTarget } from '#probe';

/** As patient as tests can be. */
export const QUICK: ProbeLimits = {
  ...DEFAULT_LIMITS,
  wholeMs: 2_500,
  connectMs: 800,
  tlsMs: 1_200,
  firstByteMs: 1_200,
  stallMs: 800,
};

type Asking = Partial<ServiceTarget> & { isSecure?: boolean; limits?: ProbeLimits; nonces?: NonceCache };

/** Probes as the prober does, decoder included. */
export class Prober {
  private constructor(private readonly pictures: Pictures) {}

  static async start(): Promise<Prober> {
    return new Prober(await Pictures.start({ workers: 1 }));
  }

  close(): Promise<void> {
    return this.pictures.close();
  }

  /** Asks again where it was this process that was late: it draws the pictures as well. */
  async ask(service: ServiceDocument, asking: Asking = {}): Promise<ProbeResult> {
    for (let tries = 5; ; tries -= 1) {
      const result = await this.askOnce(service, asking);
      if (result.outcome !== 'prober_internal' || tries === 0) return result;
    }
  }

  private askOnce(
    { kind, url, vapix }: ServiceDocument,
    { isSecure = false, limits = QUICK, nonces = new NonceCache(), ...target }: Asking,
  ): Promise<ProbeResult> {
    return probe(
      {
        kind,
        url: isSecure ? url.replace('http:', 'https:') : url,
        ...(vapix === undefined ? {} : { vapix }),
        allowBasicPlaintext: true,
        policy: { cidrs: ['127.0.0.0/8'], ports: [Number(new URL(url).port)], loopback: true },
        ...target,
      },
      {
        limits,
        nonces,
        userAgent: 'Sightline/test',
        now: () => performance.now(),
        isDamaged: async (frame) => (await this.pictures.inspect(frame)).damage,
      },
      new AbortController().signal,
    );
  }
}
